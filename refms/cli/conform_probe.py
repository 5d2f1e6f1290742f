"""``refms conform probe``: which conventions an implementation really follows."""

from __future__ import annotations

import argparse

from refms.cli.files import write_json
from refms.conformance.isolation.implementation import Isolated
from refms.names import TIME_LIMITS

NOTHING_TOLD = 3


def run_probe(options: argparse.Namespace) -> int:
    """Print one sentence a convention; return 0, 1 or 3."""
    limit = TIME_LIMITS["quick"] if options.timeout is None else options.timeout
    with Isolated(options.adapter, options.dtype, limit) as there:
        found = [there.probe(adapter) for adapter in there.adapters]
    for one in found:
        print(one.headline)
        for trait in one.traits:
            print(f"  {'!' if trait.agrees is False else ' '} {trait.sentence}")
    disagrees = any(one.disagreements for one in found)
    told = all(one.told for one in found)
    write_json(
        options.json,
        {
            "adapter": options.adapter,
            "agrees": told and not disagrees,
            "probes": [one.to_dict() for one in found],
        },
    )
    return 1 if disagrees else 0 if told else NOTHING_TOLD
