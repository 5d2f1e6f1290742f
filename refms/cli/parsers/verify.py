"""``refms verify``: the catalogue of properties, run on this installation."""

from __future__ import annotations

from refms.cli.parsers.common import (
    Commands,
    add_command,
    add_dtype_option,
    add_seed_option,
    add_tier_option,
)
from refms.names import BACKEND_NAMES


def register(commands: Commands) -> None:
    """Add ``verify`` to the command line."""
    command = add_command(
        commands,
        "verify",
        "Check this installation against the catalogue of properties of a true implementation.",
        "refms verify --dtype float64 --json verify.json",
        runs="refms.cli.verify:run",
    )
    command.add_argument(
        "--backend", choices=BACKEND_NAMES, default="numpy", help="where to compute (default: numpy)"
    )
    tier = command.add_mutually_exclusive_group()
    tier.add_argument(
        "--quick", dest="tier", action="store_const", const="quick", help="few instances a property (default)"
    )
    tier.add_argument(
        "--full", dest="tier", action="store_const", const="full", help="many instances, minutes"
    )
    add_tier_option(tier)
    add_dtype_option(command)
    add_seed_option(command)
    command.set_defaults(tier="quick")
