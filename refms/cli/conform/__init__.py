"""``refms conform``: the catalogue of properties, for other people's implementations; one file an action."""

from __future__ import annotations

from refms.cli.conform import diff, exchange, explain, mutants, probe, run, self_test
from refms.cli.options import COMMANDS, Commands


def register(commands: Commands) -> None:
    """Add ``conform`` and its actions to the command line."""
    text = COMMANDS["conform"]
    conform = commands.add_parser(
        "conform",
        help=text,
        description=text,
        epilog="exit codes: 0 pass, 1 a property failed, 2 bad usage or unreadable input, 3 too little "
        "implemented, 4 the kit itself is at fault: it does not work in this installation (run, self-test) "
        "or misses a mistake (mutants). A profile may claim a level (operators, gradient, gauss-newton, "
        "multiscale, everything): then all its properties must be tested; otherwise half of those that apply",
    )
    actions = conform.add_subparsers(required=True, metavar="ACTION")
    for module in (run, mutants, probe, diff, self_test, exchange, explain):
        module.register(actions)
