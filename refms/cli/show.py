"""``refms show``: what is in an artefact."""

from __future__ import annotations

import argparse

from refms.cli.files import write_json
from refms.cli.options import Commands, add_command


def register(commands: Commands) -> None:
    """Add ``show`` to the command line."""
    command = add_command(commands, "show", "refms show coarse.h5", run)
    command.add_argument("file", metavar="FILE", help="artefact")


def run(options: argparse.Namespace) -> int:
    """Print the description; return 0."""
    from refms.io import describe, read_artifact_contained

    artifact = read_artifact_contained(options.file)
    print("\n".join(describe(artifact)))
    arrays = {
        name: {"shape": list(array.shape), "dtype": str(array.dtype)}
        for name, array in artifact.arrays.items()
    }
    write_json(
        options.json,
        {
            "file": options.file,
            "kind": artifact.kind,
            "digest": artifact.digest,
            "attributes": artifact.attributes,
            "arrays": arrays,
        },
    )
    return 0
