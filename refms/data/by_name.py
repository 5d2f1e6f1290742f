"""Data sets by the names that users type."""

from __future__ import annotations

import os
from pathlib import Path

from refms.data.dataset import Dataset
from refms.data.digits import load_digits
from refms.data.idx_dataset import load_idx
from refms.data.image_sets import IMAGE_SETS, load_images
from refms.data.location import expanded, roots_of
from refms.data.mnist import load_mnist
from refms.data.own_images import load_folder, load_npz
from refms.data.photographs import load_photographs
from refms.data.picture_list import load_list
from refms.errors import InputError, require_choice
from refms.names import CHANNEL_PLACES, CHANNELS_SUFFIX, DATASETS, IDX_PREFIX, OWN_PREFIXES


def require_dataset(name: str) -> str:
    """Return the name of a data set, or refuse it.

    Examples
    --------
    >>> require_dataset("idx:fashion"), require_dataset("idx:colours?channels=last")
    ('idx:fashion', 'idx:colours?channels=last')
    """
    prefix = _prefix(name)
    if prefix and len(name) > len(prefix):
        place, _, channels = name.removeprefix(prefix).partition(CHANNELS_SUFFIX)
        if "\0" in name or not place:
            raise InputError(f"dataset is {name!r}; expected a folder without a NUL character in its name.")
        if CHANNELS_SUFFIX in name:
            require_choice(channels, CHANNEL_PLACES, "place of the channels")
        return name
    own = (prefix + what.partition(":")[0] for prefix, what in OWN_PREFIXES.items())
    return require_choice(name, (*DATASETS, *own), "dataset")


def dataset_name(text: str, folder: str | os.PathLike[str] | None = None) -> str:
    """Return the name of a data set that a text says, which may be that of a file or folder alone.

    >>> dataset_name("digits"), dataset_name("own.csv?channels=none"), dataset_name("own.npz")
    ('digits', 'csv:own.csv?channels=none', 'npz:own.npz')
    """
    if text in DATASETS or _prefix(text) or "\0" in text:
        return text
    place = text.partition(CHANNELS_SUFFIX)[0]
    if (ending := f"{Path(place).suffix.lower()[1:]}:") in ("csv:", "npz:"):
        return ending + text
    for path in (root / expanded(place) for root in roots_of(folder)):
        if path.is_dir():
            return (IDX_PREFIX if any(path.glob("*-ubyte*")) else "folder:") + text
    return text


def _prefix(name: str) -> str:
    """Return how the name of a user's own data begins, empty for all others."""
    return next((prefix for prefix in OWN_PREFIXES if name.startswith(prefix)), "")


def read_dataset(
    name: str,
    folder: str | os.PathLike[str] | None = None,
    part: str = "train",
    *,
    max_bytes: int = 2**31,
) -> Dataset:
    """Return a data set by name.

    Parameters
    ----------
    name : str
        ``"digits"``, ``"photographs"``, ``"mnist"``, a set of colour images
        (:data:`~refms.data.image_sets.IMAGE_SETS`), or own data: ``"idx:FOLDER"`` for IDX files,
        ``"npz:FILE"`` for arrays, ``"folder:DIR"`` for pictures, ``"csv:FILE"`` for a list of them, with
        ``?channels=first``, ``last`` or ``none`` behind it where images have three axes and one is channels,
        or might be; pictures are read as grey with ``none``, or if all are.
    folder : str, path or None
        Where the files lie; None takes the folder that ``REFMS_DATA`` names, and for IDX files the current
        one before. The digits need none.
    part : str
        ``"train"`` or ``"test"``, for data sets from files.
    max_bytes : int
        Largest array to accept from a file, in bytes.

    Returns
    -------
    Dataset
        The images.

    Raises
    ------
    InputError
        If the name is unknown, or the data set has no such part.
    FileError
        If its files are missing or damaged, or declare more than ``max_bytes``.

    Warns
    -----
    InputWarning
        If bytes do not look like ones to be divided by 255, or no label is 0.

    Examples
    --------
    >>> digits = read_dataset("digits")
    >>> digits.count, digits.grid.shape
    (1797, (8, 8))
    """
    require_dataset(name)
    if name == "digits":
        if part == "test":
            raise InputError("the digits have no separate test part; use --part train, validation or all.")
        return load_digits()
    if name == "photographs":
        return load_photographs(part)
    if name == "mnist":
        return load_mnist(folder, part, max_bytes=max_bytes)
    if name in IMAGE_SETS:
        return load_images(name, folder, part, max_bytes=max_bytes)
    prefix = _prefix(name)
    place, _, channels = name.removeprefix(prefix).partition(CHANNELS_SUFFIX)
    read = {"idx:": load_idx, "npz:": load_npz, "folder:": load_folder, "csv:": load_list}[prefix]
    return read(place, folder, part, channels or None, max_bytes=max_bytes)
