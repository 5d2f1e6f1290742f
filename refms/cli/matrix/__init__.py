"""``refms matrix``: explicit sparse matrices of the operators of frameworks; one file an operator."""

from __future__ import annotations

from refms.cli.matrix import conv, resize
from refms.cli.options import COMMANDS, Commands


def register(commands: Commands) -> None:
    """Add ``matrix`` and its operators to the command line."""
    text = COMMANDS["matrix"]
    matrix = commands.add_parser("matrix", help=text, description=text)
    operators = matrix.add_subparsers(required=True, metavar="OPERATOR")
    for module in (conv, resize):
        module.register(operators)
