"""``refms certify``: this installation held against numbers that are proved."""

from __future__ import annotations

from refms.cli.parsers.common import Commands, add_command, add_dtype_option


def register(commands: Commands) -> None:
    """Add ``certify`` to the command line."""
    command = add_command(
        commands,
        "certify",
        "Compute goldens in ball arithmetic, from the formulas alone, and measure how far refms is from them "
        "(needs python-flint: pip install 'refms[certify]').",
        "refms certify --json certify.json",
        runs="refms.cli.certify:run",
    )
    add_dtype_option(command)
    source = command.add_mutually_exclusive_group()
    source.add_argument(
        "--shipped",
        action="store_true",
        help="take the goldens that came with refms as they are, without python-flint",
    )
    source.add_argument("--write", metavar="FILE", help="write the goldens just computed to FILE (.h5)")
    command.add_argument("--force", action="store_true", help="replace FILE if it exists")
