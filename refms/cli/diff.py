"""``refms diff``: where two artefacts part first."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from refms.cli.files import write_json
from refms.cli.options import Commands, add_command

if TYPE_CHECKING:
    from refms.io import Artifact

WALL_TIMES = ("history/seconds",)
"""Arrays that differ between equal runs."""


def register(commands: Commands) -> None:
    """Add ``diff`` to the command line."""
    command = add_command(commands, "diff", "refms diff coarse.h5 fine.h5 --rtol 1e-12", run)
    command.add_argument("a", metavar="A", help="artefact")
    command.add_argument("b", metavar="B", help="artefact")
    command.add_argument("--rtol", type=float, default=0.0, help="relative tolerance (default: 0)")
    command.add_argument("--atol", type=float, default=0.0, help="absolute tolerance (default: 0)")


def run(options: argparse.Namespace) -> int:
    """Compare and print; return 0 if all arrays agree, 1 if not."""
    from refms.io import attribute_differences, first_difference, read_artifact_contained

    a, b = (_without_times(read_artifact_contained(name)) for name in (options.a, options.b))
    found = first_difference(a, b, options.rtol, options.atol)
    attributes = attribute_differences(a, b)
    for line in attributes:
        print(f"attribute {line}")
    print(f"no array differs ({len(a.arrays)} compared)" if found is None else found.sentence)
    told = found and {"name": found.name, "reason": found.reason, "sentence": found.sentence}
    write_json(
        options.json,
        {
            "a": options.a,
            "b": options.b,
            "equal": found is None,
            "first_difference": told,
            "attributes": list(attributes),
            "not_compared": list(WALL_TIMES),
        },
    )
    return 0 if found is None else 1


def _without_times(artifact: Artifact) -> Artifact:
    from dataclasses import replace

    kept = {name: array for name, array in artifact.arrays.items() if name not in WALL_TIMES}
    return replace(artifact, arrays=kept)
