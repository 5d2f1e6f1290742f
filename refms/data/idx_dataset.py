"""Any data set in IDX files: images and labels of two parts, as MNIST and those made like it come."""

from __future__ import annotations

import os
from pathlib import Path

from refms.data.dataset import Dataset
from refms.data.idx import read_idx
from refms.data.location import VARIABLE
from refms.errors import Array, FileError, require_choice
from refms.names import IDX_PREFIX

_STEMS = {"train": ("train",), "test": ("t10k", "test")}
_AXES = {2: "idx3-ubyte", 1: "idx2-ubyte", 3: "idx4-ubyte"}
_LABELS = "idx1-ubyte"
_HELP = (
    "A data set in IDX files has images train-images-idx3-ubyte and labels train-labels-idx1-ubyte, and for "
    "its test part t10k-… or test-… instead of train-…; all plain or with .gz. Name their folder, or the "
    "folder and what the names begin with: idx:FOLDER/letters for letters-train-images-idx3-ubyte."
)


def load_idx(place: str, folder: str | os.PathLike[str] | None = None, part: str = "train") -> Dataset:
    """Return one part of a data set in IDX files.

    Parameters
    ----------
    place : str
        Folder with the files, or folder and beginning of their names, seen from ``folder``.
    folder : str, path or None
        The folder around it; None takes the one that the environment variable ``REFMS_DATA`` names, or else
        the current folder.
    part : str
        ``"train"`` or ``"test"``.

    Returns
    -------
    Dataset
        Images uint8 0 to 255 of shape (m, 1, *grid), grids of one to three axes, of equal extents or
        not; labels. The classes are counted from 0 to the largest label of both parts.

    Raises
    ------
    FileError
        If a file is missing or damaged, if there are not as many labels as images, or the labels are all 0.
    InputError
        If ``part`` is another word.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:  # two images of two cells, labelled 0 and 1
    ...     images, labels = Path(folder, "train-images-idx2-ubyte"), Path(folder, "train-labels-idx1-ubyte")
    ...     _ = images.write_bytes(bytes([0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 2, 5, 6, 7, 8]))
    ...     _ = labels.write_bytes(bytes([0, 0, 8, 1, 0, 0, 0, 2, 0, 1]))
    ...     load_idx(folder).images.tolist()
    [[[5, 6]], [[7, 8]]]
    """
    require_choice(part, _STEMS, "part of the data set")
    root = Path(folder if folder is not None else os.environ.get(VARIABLE) or ".")
    home = root / place
    home, beginning = (home, "") if os.path.isdir(home) else (home.parent, f"{home.name}-")
    stems = [beginning + stem for stem in _STEMS[part]]
    image_path = _found(home, stems, "images", tuple(_AXES.values()))
    label_path = _found(home, stems, "labels", (_LABELS,))
    images, labels = read_labelled_images(image_path, label_path, tuple(_AXES))
    other = [beginning + stem for key, names in _STEMS.items() if key != part for stem in names]
    largest = int(labels.max())
    for path in _existing(home, other, "labels", (_LABELS,)):
        elsewhere = read_idx(path)
        if elsewhere.dtype == "uint8" and elsewhere.size:
            largest = max(largest, int(elsewhere.max()))
    if largest < 1:
        raise FileError(f"{str(label_path)!r} holds no label but 0; expected two classes or more.")
    return Dataset(images[:, None], labels, largest + 1, name=f"{IDX_PREFIX}{place} {part}", max_value=255.0)


def read_labelled_images(
    image_path: Path, label_path: Path, dimensions: tuple[int, ...] = (2,)
) -> tuple[Array, Array]:
    """Return images, uint8 (m, *grid), and labels, int64 (m,), from two IDX files that belong together.

    ``dimensions`` says how many axes an image may have.
    """
    images, labels = read_idx(image_path), read_idx(label_path)
    if images.ndim - 1 not in dimensions or images.dtype != "uint8" or images.size == 0:
        wanted = "(images, rows, columns)" if dimensions == (2,) else "(images, one to three axes)"
        raise FileError(
            f"{str(image_path)!r} holds {images.dtype} of shape {images.shape}; expected uint8 {wanted}."
        )
    if labels.ndim != 1 or labels.dtype != "uint8" or labels.shape[0] != images.shape[0]:
        raise FileError(
            f"{str(label_path)!r} holds {labels.dtype} of shape {labels.shape}; "
            f"expected uint8 ({images.shape[0]},), one label for each image in {image_path.name}."
        )
    return images, labels.astype("int64")


def possible_paths(home: Path, stem: str, kind: str) -> list[Path]:
    """Return where such as ``train-images`` may lie with ``-`` or ``.`` before its kind, packed first."""
    return [home / f"{stem}{mark}{kind}{end}" for mark in "-." for end in (".gz", "")]


def _existing(home: Path, stems: list[str], what: str, kinds: tuple[str, ...]) -> list[Path]:
    every = [
        path for stem in stems for kind in kinds for path in possible_paths(home, f"{stem}-{what}", kind)
    ]
    return [path for path in every if os.path.isfile(path)]


def _found(home: Path, stems: list[str], what: str, kinds: tuple[str, ...]) -> Path:
    paths = _existing(home, stems, what, kinds)
    if not paths:
        wanted = " or ".join(f"{stem}-{what}-{kinds[0]}" for stem in stems)
        raise FileError(f"{str(home)!r} holds no {wanted}, plain or with .gz. {_HELP}")
    return paths[0]
