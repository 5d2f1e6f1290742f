"""``refms conform probe``: which conventions an implementation really follows."""

from __future__ import annotations

import argparse

from refms.cli.options import Commands, add_command, write_json
from refms.cli.reporting import add_timeout_option
from refms.conformance.isolation import Isolated

NOTHING_TOLD = 3


def register_probe(inner: Commands) -> None:
    """Add ``probe`` to ``refms conform``."""
    command = add_command(
        inner,
        "probe",
        "Infer from responses to delta images which conventions an implementation follows, and compare them "
        "with its declaration; exit 0 if they agree, 1 if not, 3 if nothing can be told.",
        "refms conform probe mypackage.conformance:MyAdapter",
    )
    command.add_argument("adapter", metavar="PKG.MOD:NAME", help="an adapter, as for `refms conform run`")
    command.add_argument(
        "--dtype", choices=("float64", "float32", "both"), default="both", help="precision (default: both)"
    )
    add_timeout_option(command, "a probe")
    command.set_defaults(command=run_probe)


def run_probe(options: argparse.Namespace) -> int:
    """Print one sentence a convention; return 0, 1 or 3."""
    with Isolated(options.adapter, options.dtype, options.timeout) as there:
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
