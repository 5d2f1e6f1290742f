"""``refms compare`` and ``refms study``: optimisers side by side, and what they depend on."""

from __future__ import annotations

import argparse

from refms.cli.parsers.common import Commands, add_command, add_data_options
from refms.names import BACKEND_NAMES, METHODS


def register(commands: Commands) -> None:
    """Add ``compare`` and ``study`` to the command line."""
    compare = add_command(
        commands,
        "compare",
        "Run optimisers from the same start on the same problem, and write their curves.",
        "refms compare validation/learning_across_scales/compare_digits.toml -o comparison",
        runs="refms.cli.compare:run",
    )
    _add_common(compare, "compare.json and compare.h5")
    compare.add_argument(
        "--methods",
        metavar="NAME,…",
        help=f"these methods alone, of {', '.join(METHODS)} (default: those of [compare], or all)",
    )
    compare.add_argument("--iterations", type=int, metavar="N", help="iterations (epochs) of each method")
    compare.add_argument(
        "--work-units",
        type=float,
        metavar="W",
        help="end a run after the iteration in which it has spent W network evaluations of one image",
    )
    study = add_command(
        commands,
        "study",
        "Vary keys of a configuration, run each value with several seeds, and write their curves; what OUT "
        "holds already is not run again.",
        "refms study validation/learning_across_scales/study_digits.toml -o study",
        runs="refms.cli.study:run",
    )
    _add_common(study, "study.json and study.h5")


def _add_common(command: argparse.ArgumentParser, files: str) -> None:
    command.add_argument("config", metavar="CONFIG.toml", help="configuration with the method's sections")
    add_data_options(command)
    command.add_argument(
        "-o", "--output", required=True, metavar="OUT", help=f"folder for {files}; made if it is missing"
    )
    command.add_argument(
        "--backend", choices=BACKEND_NAMES, default="numpy", help="where to compute (default: numpy)"
    )
    command.add_argument(
        "--plot",
        action="store_true",
        help="draw the curves into OUT; where matplotlib is installed this is done in any case",
    )
    command.add_argument("--force", action="store_true", help="replace results in OUT")
    command.add_argument("--quiet", action="store_true", help="no progress rows")
