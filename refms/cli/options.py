"""Options that several commands share; nothing is imported here that a help page would have to wait for."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from refms.names import BACKEND_NAMES, DATASETS, DTYPES, OWN_PREFIXES, TIERS
from refms.seconds import time_limit_of

Commands = Any
"""The object that ``ArgumentParser.add_subparsers`` returns; argparse keeps its type private."""


COMMANDS = {
    "verify": "Check this installation against the catalogue of properties of a true implementation.",
    "conform": "Check any implementation against the catalogue of properties of a true one.",
    "certify": "Compute goldens in ball arithmetic, from the formulas alone, and measure how far "
    "refms is from them (needs python-flint: pip install 'refms[certify]').",
    "train": "Train a network by block-coordinate descent and write it to one .h5 file.",
    "reconstruct": "Train a network to denoise, deblur, fill in or enlarge images, on one mesh or several "
    "(Full-Multiscale), and write it to one .h5 file.",
    "work": "Print the work units of a training on images, stage by stage, without running it.",
    "variance": "Measure how much gradients on two meshes differ, for a configuration or a model that "
    "restores images, and say how many levels pay.",
    "evaluate": "Print accuracy and loss, or PSNR and SSIM, of a model on a data set at the model's "
    "resolution.",
    "transfer": "Prolong or restrict a trained model to another resolution or depth, without training.",
    "import": "Make a model of the weights of a network trained elsewhere, a state_dict of PyTorch (.pt) or "
    "arrays (.npz).",
    "export": "Write the weights of a model as PyTorch has them, .pt or .npz.",
    "data": "Describe images by the name or file of their data set: how many, mesh, values, classes, and how "
    "often they halve.",
    "config": "Write a configuration for refms train, reconstruct, compare or study, every key at its "
    "default and explained.",
    "compare": "Run optimisers from the same start on the same problem, and write their curves.",
    "study": "Vary keys of a configuration, run each value with several seeds, and write their "
    "curves; what OUT holds already is not run again.",
    "matrix": "Write the explicit sparse matrix of a Conv layer or of a resizing of images, as frameworks "
    "have them, and say what it is.",
    "inspect": "Write spectra of a model's Gauss-Newton matrix and Hessian, CG residuals and model quality.",
    "plot": "Draw models (history, stencils, weights, activations, restored images), a JSON result of refms "
    "compare, study, inspect or variance, or operators (needs matplotlib: pip install 'refms[plot]').",
    "show": "Print what is in an artefact: kind, attributes, arrays.",
    "diff": "Compare two artefacts and name the first array in which they differ; exit 1 if they "
    "do. Wall times are not compared.",
}
"""Every command, in the order of the help page, and what it does."""


def add_command(
    commands: Commands, name: str, example: str, run: Callable[[argparse.Namespace], int], text: str = ""
) -> argparse.ArgumentParser:
    """Add a command with its help, a line that works, ``--json`` and ``--force``, and what it runs.

    Without a text of its own it has that of ``COMMANDS``. A ``--force`` of its own, with a text that fits,
    takes the place of the common one.
    """
    text = text or COMMANDS[name]
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
    added.set_defaults(run=run)
    return added


_OWN = "; ".join(f"{prefix}{what}" for prefix, what in OWN_PREFIXES.items())
DATASETS_IN_WORDS = (
    f"{', '.join(DATASETS)} (the first two are embedded, the others come from files), or {_OWN}"
)
"""Which data sets there are, for help pages."""

OPTIONS: dict[str, dict[str, Any]] = {
    "model": {"metavar": "MODEL", "help": "file written by refms train or refms transfer"},
    "--dataset": {"metavar": "NAME", "help": DATASETS_IN_WORDS},
    "--data-dir": {
        "metavar": "DIR",
        "help": "folder with the data files (default: the environment variable REFMS_DATA)",
    },
    "--backend": {
        "choices": BACKEND_NAMES,
        "default": "numpy",
        "help": "where to compute (default: numpy)",
    },
    "--dtype": {"choices": (*DTYPES, "both"), "default": "both", "help": "precision (default: both)"},
    "--seed": {"type": int, "default": 0, "metavar": "N", "help": "seed of the instances (default: 0)"},
    "--tier": {
        "choices": tuple(TIERS),
        "default": "quick",
        "help": "instances a property: a few (quick, the default), many (full, minutes) or more of all "
        "shapes, with scales from 1e-6 to 1e6 (torture)",
    },
}
"""What argparse is told of options that several commands have."""


def add_options(command: argparse._ActionsContainer, *names: str) -> None:  # a command or a group of options
    """Add options of the table ``OPTIONS``."""
    for name in names:
        command.add_argument(name, **OPTIONS[name])


def dtypes_of(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the precisions that ``--dtype`` asks for."""
    return DTYPES if options.dtype == "both" else (options.dtype,)


def add_adapter(command: argparse.ArgumentParser, what: str, default: str) -> None:
    """Add the adapter, and ``--timeout`` for ``what`` may take so long, with its default in words."""
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


def add_list_option(command: argparse.ArgumentParser, name: str, metavar: str, text: str) -> None:
    """Add an option that takes words between commas and may be given several times: all of them count."""
    command.add_argument(name, action="extend", type=words_of, metavar=metavar, help=text)


def cells_of(text: str) -> int | tuple[int, ...]:
    """Return what ``8`` or ``4x8`` says: cells along every axis, or along each.

    >>> cells_of("8"), cells_of("4x8")
    (8, (4, 8))
    """
    try:
        extents = tuple(int(word) for word in text.split("x"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of cells; expected 8 or 4x8") from None
    return extents if len(extents) > 1 else extents[0]


def cells_in_words(shape: Sequence[int]) -> str:
    """Return a mesh as :func:`cells_of` reads it.

    >>> cells_in_words((8, 8)), cells_in_words((4, 8))
    ('8', '4x8')
    """
    return "x".join(map(str, shape)) if len(set(shape)) > 1 else str(shape[0])


def words_of(text: str) -> list[str]:
    """Return the words of a list such as ``"C5, G1"``; refuse one without any, which would mean all."""
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not words:
        raise argparse.ArgumentTypeError(f"{text!r} names nothing")
    return words
