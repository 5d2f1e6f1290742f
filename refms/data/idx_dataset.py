"""Any data set in IDX files: images and labels of two parts, as MNIST and those made like it come."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from refms.data.dataset import Dataset
from refms.data.idx import read_idx
from refms.data.location import VARIABLE, expanded, roots_of
from refms.errors import Array, FileError, note, require_choice
from refms.names import CHANNEL_PLACES, IDX_PREFIX

_STEMS = {"train": ("train",), "test": ("t10k", "test")}
_MOST_CHANNELS = 4
"""An axis no longer than this, before or behind two others, may be channels."""

_BYTE = 255.0
_HELP = (
    "A data set in IDX files has images train-images-idx3-ubyte and labels train-labels-idx1-ubyte, and for "
    "its test part t10k-… or test-… instead of train-…; all plain or with .gz. Name their folder, or the "
    "folder and what the names begin with: idx:FOLDER/letters for letters-train-images-idx3-ubyte."
)


def load_idx(
    place: str,
    folder: str | os.PathLike[str] | None = None,
    part: str = "train",
    channels: str | None = None,
    *,
    max_bytes: int = 2**31,
) -> Dataset:
    """Return one part of a data set in IDX files.

    Parameters
    ----------
    place : str
        Folder with the files, or folder and beginning of their names, seen from ``folder``.
    folder : str, path or None
        The folder around it; None looks in the current folder, then in the one that the environment variable
        ``REFMS_DATA`` names.
    part : str
        ``"train"`` or ``"test"``.
    channels : str or None
        Which axis of an image is its channels: ``"first"``, ``"last"`` or ``"none"``. None takes ``"none"``,
        but refuses images of three axes the first or last of which is as short as colours are.
    max_bytes : int
        Largest array to accept, in bytes.

    Returns
    -------
    Dataset
        Images uint8 0 to 255 of shape (m, c, *grid), grids of one to three axes, of equal extents or
        not; labels. The classes are counted from 0 to the largest label of both parts.

    Raises
    ------
    FileError
        If a file is missing or damaged, a packed and a plain one differ, there are not as many labels as
        images, the labels are all 0, or it cannot be told whether an axis is channels.
    InputError
        If ``part`` or ``channels`` is another word.

    Warns
    -----
    InputWarning
        If no image reaches half of 255, or no label is 0.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:  # two images of two cells, labelled 0 and 1
    ...     images, labels = Path(folder, "train-images-idx2-ubyte"), Path(folder, "train-labels-idx1-ubyte")
    ...     _ = images.write_bytes(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 2, 5, 6, 7, 255]))
    ...     _ = labels.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 0, 1]))
    ...     load_idx(folder).images.tolist()
    [[[5, 6]], [[7, 255]]]
    """
    require_choice(part, _STEMS, "part of the data set")
    if channels is not None:
        require_choice(channels, CHANNEL_PLACES, "place of the channels")
    home, beginning = _home(place, folder, part)
    name = f"{IDX_PREFIX}{place} {part}"
    axes = (1, 2, 3) if channels in (None, "none") else (2, 3, 4)
    images, labels = read_part(home, part, _HELP, axes, beginning, max_bytes=max_bytes)
    of_others = [
        read_equal(paths, max_bytes)
        for key in _STEMS
        if key != part and (paths := _existing(home, key, "labels", (1,), beginning))
    ]
    known = [labels, *(one for one in of_others if one.dtype == "uint8" and one.size)]
    least, largest = min(int(one.min()) for one in known), max(int(one.max()) for one in known)
    if largest < 1:
        raise FileError(f"{str(home)!r} holds no label but 0; expected two classes or more.")
    if least > 0:
        note(
            f"the labels of {name!r} run from {least} to {largest}: there are {largest + 1} classes, and "
            "class 0 stays empty. Subtract 1 from the labels if that is not meant."
        )
    note_scale(images, name)
    return Dataset(with_channels(images, channels, name), labels, largest + 1, name, max_value=_BYTE)


def read_part(
    home: Path, part: str, help_text: str, axes: Sequence[int], beginning: str = "", *, max_bytes: int
) -> tuple[Array, Array]:
    """Return images, uint8 (m, …), and labels, int64 (m,), from the IDX files of one part in a folder.

    ``axes`` says how many axes an image may have; a missing file is told with ``help_text``.
    """
    kinds = {"images": tuple(1 + n for n in sorted(axes, key=lambda n: n != 2)), "labels": (1,)}
    found = {what: _existing(home, part, what, n, beginning) for what, n in kinds.items()}
    for what, paths in found.items():
        if not paths:
            wanted = " or ".join(
                f"{beginning}{stem}-{what}-idx{kinds[what][0]}-ubyte" for stem in _STEMS[part]
            )
            raise FileError(f"{str(home)!r} holds no {wanted}, plain or with .gz. {help_text}")
    images = read_equal(found["images"], max_bytes)
    labels = read_equal(found["labels"], max_bytes // 8)  # they are held in eight bytes each
    if images.ndim - 1 not in axes or images.dtype != "uint8" or images.size == 0:
        raise FileError(
            f"{str(found['images'][0])!r} holds {images.dtype} of shape {images.shape}; expected uint8 "
            f"(images, {'rows, columns' if tuple(axes) == (2,) else f'{axes[0]} to {axes[-1]} axes'})."
        )
    if labels.ndim != 1 or labels.dtype != "uint8" or labels.shape[0] != images.shape[0]:
        raise FileError(
            f"{str(found['labels'][0])!r} holds {labels.dtype} of shape {labels.shape}; expected uint8 "
            f"({images.shape[0]},), one label for each image in {found['images'][0].name}."
        )
    return images, labels.astype("int64")


def read_equal(paths: Sequence[Path], max_bytes: int) -> Array:
    """Return the array that all of some files hold, such as a packed one and the same unpacked."""
    first, *others = paths
    array = read_idx(first, max_bytes=max_bytes)
    for path in others:
        if not np.array_equal(array, read_idx(path, max_bytes=max_bytes)):
            raise FileError(
                f"{str(first)!r} and {path.name!r} beside it hold different arrays; expected the same, "
                "packed or not. Remove the one that is not meant."
            )
    return array


def note_scale(images: Array, name: str) -> None:
    """Say that bytes are divided by 255 where they do not look like it."""
    if (largest := int(images.max())) < _BYTE / 2:
        note(
            f"the images of {name!r} hold 0 to {largest} and are divided by 255, as bytes are; where "
            f"{largest} is a fully lit cell, set scale = {_BYTE / max(largest, 1):.4g} in [data]."
        )


def _home(place: str, folder: str | os.PathLike[str] | None, part: str) -> tuple[Path, str]:
    """Return the first folder that holds images of a part, and what their names begin with."""
    roots = roots_of(folder)
    places = dict.fromkeys(root / expanded(place) for root in roots)
    candidates = [(one, "") if os.path.isdir(one) else (one.parent, f"{one.name}-") for one in places]
    for home, beginning in candidates:
        if _existing(home, part, "images", (2, 3, 4, 5), beginning):
            return home, beginning
    if len(candidates) > 1:
        raise FileError(
            f"{place!r} holds no {_STEMS[part][0]}-images-idx3-ubyte, plain or with .gz, neither in the "
            f"current folder nor in {str(roots[1])!r}, which {VARIABLE} names. {_HELP}"
        )
    return candidates[0]


def _existing(home: Path, part: str, what: str, axes: Sequence[int], beginning: str) -> list[Path]:
    """Return where such as ``train-images`` lies, with ``-`` or ``.`` before its kind, packed or plain."""
    paths = [
        home / f"{beginning}{stem}-{what}{mark}idx{n}-ubyte{end}"
        for stem in _STEMS[part]
        for n in axes
        for mark in "-."
        for end in (".gz", "")
    ]
    return [path for path in paths if os.path.isfile(path)]


def with_channels(images: Array, channels: str | None, name: str) -> Array:
    """Return images (m, c, *grid); refuse to guess whether an axis of three is channels."""
    if channels == "first":
        return images
    if channels == "last":
        return np.moveaxis(images, -1, 1)
    short = [
        place
        for place, axis in (("first", 1), ("last", 3))
        if images.ndim == 4 and images.shape[axis] <= _MOST_CHANNELS
    ]
    if channels is None and short:
        raise FileError(
            f"an image of {name!r} has the shape {images.shape[1:]}, which may be colours or a mesh of three "
            f"axes. Say which: ?channels={short[0]} behind the name, or ?channels=none for a mesh."
        )
    return images[:, None]
