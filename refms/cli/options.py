"""What several subcommands share: their common options, data sets by name, and JSON results."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from refms.config import DATASETS, DataSection
from refms.data.dataset import Dataset, split
from refms.data.digits import load_digits
from refms.data.mnist import load_mnist
from refms.environment import versions
from refms.errors import InputError
from refms.files import atomic_write

Commands = Any
"""The object that ``ArgumentParser.add_subparsers`` returns; argparse keeps its type private."""


def add_command(commands: Commands, name: str, text: str, example: str) -> argparse.ArgumentParser:
    """Add a subcommand with its help, an example and the option ``--json``.

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

    Returns
    -------
    argparse.ArgumentParser
        For the subcommand's own options.
    """
    added: argparse.ArgumentParser = commands.add_parser(
        name,
        help=text,
        description=text,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    added.add_argument(
        "--json", metavar="FILE", help="also write the result as JSON to FILE ('-': standard output)"
    )
    return added


def add_data_options(command: argparse.ArgumentParser) -> None:
    """Add ``--dataset`` and ``--data-dir``.

    Parameters
    ----------
    command : argparse.ArgumentParser
        The subcommand.
    """
    command.add_argument(
        "--dataset", choices=DATASETS, help="digits (embedded, 8x8) or mnist (28x28, from files)"
    )
    command.add_argument(
        "--data-dir",
        metavar="DIR",
        help="folder with the data files (default: the environment variable REFMS_DATA)",
    )


def read_dataset(name: str, folder: str | None, part: str = "train") -> Dataset:
    """Return a data set by name.

    Parameters
    ----------
    name : str
        ``"digits"`` or ``"mnist"``.
    folder : str or None
        Where the files lie; the digits need none.
    part : str
        ``"train"`` or ``"test"``, for MNIST's two parts.

    Returns
    -------
    Dataset
        The images.
    """
    if name == "digits":
        if part == "test":
            raise InputError("the digits have no separate test part; use --part train, validation or all.")
        return load_digits()
    return load_mnist(folder, part)


def split_by(section: DataSection, dataset: Dataset) -> tuple[Dataset, Dataset]:
    """Return the training and the validation part that a configuration asks for.

    Parameters
    ----------
    section : DataSection
        Sizes (0 takes five sixths and the rest, as 50,000 and 10,000 of 60,000) and seed.
    dataset : Dataset
        What to split.

    Returns
    -------
    tuple of Dataset
        Training and validation.
    """
    train = section.train or dataset.count * 5 // 6
    return split(dataset, train, section.validation or dataset.count - train, section.split_seed)


def write_json(target: str | None, result: dict[str, Any]) -> None:
    """Write a machine-readable result, if one was asked for.

    Parameters
    ----------
    target : str or None
        A file (replaced atomically), ``"-"`` for standard output, or None for nothing.
    result : dict
        JSON-able.
    """
    if target is None:
        return
    text = json.dumps({**result, "versions": versions()}, indent=2, allow_nan=False) + "\n"
    if target == "-":
        sys.stdout.write(text)
        return
    with atomic_write(target, overwrite=True) as temporary:
        temporary.write_text(text, encoding="utf-8")
