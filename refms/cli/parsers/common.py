"""Options that several subcommands share."""

from __future__ import annotations

import argparse
from typing import Any

from refms.names import DATASETS, DTYPES, IDX_PREFIX, TIERS
from refms.seconds import time_limit_of

Commands = Any
"""The object that ``ArgumentParser.add_subparsers`` returns; argparse keeps its type private."""


def add_command(commands: Commands, name: str, text: str, example: str, runs: str) -> argparse.ArgumentParser:
    """Add a subcommand with its help, an example and the options ``--json`` and ``--force``.

    Parameters
    ----------
    commands : object
        Of ``ArgumentParser.add_subparsers``.
    name : str
        The subcommand.
    text : str
        One sentence on what it does.
    example : str
        A line that works.
    runs : str
        The function that does it, ``"module:name"``; parsed options -> exit code.

    Returns
    -------
    argparse.ArgumentParser
        For the subcommand's own options; a ``--force`` of its own, with a text that fits, takes the place of
        the common one.
    """
    added: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=text,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        conflict_handler="resolve",
    )
    added.add_argument(
        "--json",
        metavar="FILE",
        help="also write the result as JSON to FILE ('-': standard output, which then holds nothing else)",
    )
    added.add_argument("--force", action="store_true", help="replace files that exist")
    added.set_defaults(runs=runs)
    return added


def add_data_options(command: argparse.ArgumentParser) -> None:
    """Add ``--dataset`` and ``--data-dir``."""
    command.add_argument(
        "--dataset",
        metavar="NAME",
        help=f"{' or '.join(DATASETS)} (8x8, embedded; 28x28, from files), or {IDX_PREFIX}FOLDER: any "
        "images and labels in IDX files",
    )
    command.add_argument(
        "--data-dir",
        metavar="DIR",
        help="folder with the data files (default: the environment variable REFMS_DATA)",
    )


def add_dtype_option(command: argparse.ArgumentParser) -> None:
    """Add ``--dtype``."""
    command.add_argument(
        "--dtype", choices=(*DTYPES, "both"), default="both", help="precision (default: both)"
    )


def add_seed_option(command: argparse.ArgumentParser) -> None:
    """Add ``--seed``."""
    command.add_argument(
        "--seed", type=int, default=0, metavar="N", help="seed of the instances (default: 0)"
    )


def add_tier_option(command: argparse._ActionsContainer) -> None:  # a subcommand or a group of options
    """Add ``--tier``."""
    command.add_argument(
        "--tier",
        choices=tuple(TIERS),
        default="quick",
        help="instances a property: a few (quick, the default), many (full, minutes) or more of all shapes, "
        "with scales from 1e-6 to 1e6 (torture)",
    )


def add_adapter(command: argparse.ArgumentParser, what: str, default: str) -> None:
    """Add the adapter, and ``--timeout`` for one.

    Parameters
    ----------
    command : argparse.ArgumentParser
        The subcommand.
    what : str
        What may take so long.
    default : str
        How long, if nothing is said.
    """
    command.add_argument(
        "adapter",
        metavar="PKG.MOD:NAME",
        help="an adapter, or a class or function that makes one (with dtype= if it takes that); also "
        "path/to/file.py:NAME",
    )
    command.add_argument(
        "--timeout",
        type=time_limit_of,
        metavar="SECONDS",
        help=f"time limit for {what} (default: {default}; 0 or none: no limit); the adapter runs in a "
        "process of its own, which is ended when its time is up, and may crash",
    )
