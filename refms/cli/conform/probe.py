"""``refms conform probe``: which conventions an implementation really follows."""

from __future__ import annotations

import argparse

from refms.cli.conform.codes import TOO_LITTLE
from refms.cli.files import write_json
from refms.cli.options import Commands, add_adapter, add_command, add_options
from refms.names import TIME_LIMITS


def register(actions: Commands) -> None:
    """Add ``probe`` to the actions."""
    command = add_command(
        actions,
        "probe",
        "refms conform probe mypackage.conformance:MyAdapter",
        run,
        "Infer from responses to delta images which conventions an implementation follows, compare them with "
        "its declaration, and print the profile that would be right; exit 0 if they agree, 1 if not, 3 if "
        "nothing can be told.",
    )
    add_adapter(command, "a probe", f"{TIME_LIMITS['quick']:g}")
    add_options(command, "--dtype")


def run(options: argparse.Namespace) -> int:
    """Print one sentence a convention; return 0, 1 or 3."""
    from refms.conformance.isolation.implementation import Isolated
    from refms.conformance.probing.coverage import profile_lines

    limit = TIME_LIMITS["quick"] if options.timeout is None else options.timeout
    with Isolated(options.adapter, options.dtype, limit) as there:
        found = [there.probe(adapter) for adapter in there.adapters]
    for one in found:
        print(one.headline)
        for trait in one.traits:
            print(f"  {'!' if trait.agrees is False else ' '} {trait.sentence}")
    for line in profile_lines([one.right for one in found]):
        print(f"right: {line}")
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
    return 1 if disagrees else 0 if told else TOO_LITTLE
