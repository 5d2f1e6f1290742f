"""``refms show`` and ``refms diff``: what is in an artefact, and where two of them part."""

from __future__ import annotations

from refms.cli.parsers.common import Commands, add_command


def register(commands: Commands) -> None:
    """Add ``show`` and ``diff`` to the command line."""
    show = add_command(
        commands,
        "show",
        "Print what is in an artefact: kind, attributes, arrays.",
        "refms show coarse.h5",
        runs="refms.cli.show:run",
    )
    show.add_argument("file", metavar="FILE", help="artefact")
    diff = add_command(
        commands,
        "diff",
        "Compare two artefacts and name the first array in which they differ; exit 1 if they do. "
        "Wall times are not compared.",
        "refms diff coarse.h5 fine.h5 --rtol 1e-12",
        runs="refms.cli.diff:run",
    )
    diff.add_argument("a", metavar="A", help="artefact")
    diff.add_argument("b", metavar="B", help="artefact")
    diff.add_argument("--rtol", type=float, default=0.0, help="relative tolerance (default: 0)")
    diff.add_argument("--atol", type=float, default=0.0, help="absolute tolerance (default: 0)")
