"""Colour images as arrays in files .npy.xz, by name: Imagenette on two meshes, and patches of Urban100.

In the folder imagenette96, for one, lie ``imagenette96_train.npy.xz``, uint8 (N, 96, 96, 3), and
``imagenette96_train_labels.csv`` with a column ``label``; and the same for the test part, ``_val``.
"""

from __future__ import annotations

import csv
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from refms.data.dataset import Dataset
from refms.data.location import dataset_folder
from refms.data.npy_xz import read_npy_xz
from refms.errors import Array, FileError, require_choice
from refms.io.files import regular_file_size

_LARGEST_TABLE = 2**24
_CHANNELS = 3


@dataclass(frozen=True)
class ImageSet:
    """A folder, how its files begin, what the two parts are called there, and how to get the files."""

    folder: str
    stem: str
    parts: dict[str, str]
    edge: int
    classes: int
    source: str


def _imagenette(edge: int, how: str) -> ImageSet:
    name = f"imagenette{edge}"
    source = (
        "These are the ten classes of Imagenette (https://github.com/thunderInfy/imagenette has them as "
        f"224x224), reduced by {how}: uint8 (images, {edge}, {edge}, 3), written by numpy.save into "
        f"lzma.open('{name}_train.npy.xz', 'wb') and _val.npy.xz; labels 0 to 9 in the column 'label' of "
        f"{name}_train_labels.csv and _val_labels.csv."
    )
    return ImageSet(name, name, {"train": "train", "test": "val"}, edge, 10, source)


_URBAN = (
    "These are patches of Urban100 (https://github.com/majedelhelou/denoising_datasets has the images), "
    "drawn at random from images 1 to 80 and 81 to 100: uint8 (patches, 128, 128, 3), written by numpy.save "
    "into lzma.open('urban100_hr128_train.npy.xz', 'wb') and _test.npy.xz."
)

IMAGE_SETS = {
    "imagenette96": _imagenette(96, "Pillow's BOX"),
    "imagenette56": _imagenette(56, "means of 4x4 cells"),
    "urban100": ImageSet(
        "urban100_patches", "urban100_hr128", {"train": "train", "test": "test"}, 128, 0, _URBAN
    ),
}
"""Name to what is known of the set."""


def load_images(
    name: str,
    folder: str | os.PathLike[str] | None = None,
    part: str = "train",
    *,
    max_bytes: int = 2**31,
) -> Dataset:
    """Return one part of a set of colour images.

    Parameters
    ----------
    name : str
        One of :data:`IMAGE_SETS`.
    folder : str, path or None
        Folder with the files, or the folder around it; None takes the folder that the environment variable
        ``REFMS_DATA`` names.
    part : str
        ``"train"`` or ``"test"``.
    max_bytes : int
        Largest array to accept, in bytes.

    Returns
    -------
    Dataset
        Images uint8 0 to 255 of shape (m, 3, n, n), row first; labels where the set has classes.

    Raises
    ------
    FileError
        If a file is missing or damaged, holds another shape, does not have the SHA-256 that a file SHA256SUMS
        in the folder or the one around it states, or there are not as many labels as images.
    InputError
        If the name or ``part`` is another word.
    """
    known = IMAGE_SETS[require_choice(name, IMAGE_SETS, "set of images")]
    stem = f"{known.stem}_{known.parts[require_choice(part, known.parts, 'part of the data set')]}"
    home = dataset_folder(known.folder, folder, help_text=known.source)
    path = home / f"{stem}.npy.xz"
    if not path.is_file():
        raise FileError(f"{str(home)!r} holds no {path.name}. {known.source}")
    _require_digest(path)
    images = read_npy_xz(path, max_bytes=max_bytes)
    wanted = (known.edge, known.edge, _CHANNELS)
    if images.ndim != 4 or images.shape[1:] != wanted or images.dtype != "uint8" or not len(images):
        raise FileError(
            f"{str(path)!r} holds {images.dtype} of shape {images.shape}; expected uint8 (images, "
            f"{', '.join(map(str, wanted))}). {known.source}"
        )
    labels = _labels(home / f"{stem}_labels.csv", len(images), known.classes) if known.classes else None
    return Dataset(np.moveaxis(images, 3, 1), labels, known.classes, f"{name} {part}", max_value=255.0)


def _require_digest(path: Path) -> None:
    """Compare a file with what the nearest SHA256SUMS says of it, if it says anything."""
    for sums in (path.parent / "SHA256SUMS", path.parent.parent / "SHA256SUMS"):
        if not sums.is_file() or regular_file_size(sums) > _LARGEST_TABLE:
            continue
        for line in sums.read_text("utf-8", "replace").splitlines():
            digest, _, named = line.partition(" ")
            if os.path.normpath(sums.parent / named.strip(" *")) != os.path.normpath(path):
                continue
            with open(path, "rb") as stream:
                found = hashlib.file_digest(stream, "sha256").hexdigest()
            if found != digest.lower():
                raise FileError(
                    f"{str(path)!r} has the SHA-256 {found}, but {str(sums)!r} states {digest}: it is "
                    "damaged or another file. Fetch it again; if you made it yourself, correct that line."
                )
            return


def _labels(path: Path, count: int, classes: int) -> Array:
    """Return the column ``label`` of a table, int64."""
    if regular_file_size(path) > _LARGEST_TABLE:
        raise FileError(f"{str(path)!r} is larger than {_LARGEST_TABLE} bytes; expected one row an image.")
    try:
        with open(path, encoding="utf-8", newline="") as stream:
            labels = [int(row["label"]) for row in csv.DictReader(stream)]
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise FileError(
            f"{str(path)!r} is no table with whole numbers in a column 'label' ({error}). Fetch it again."
        ) from error
    if len(labels) != count or not all(0 <= label < classes for label in labels):
        raise FileError(
            f"{str(path)!r} holds {len(labels)} labels; expected {count}, each of 0 to {classes - 1}, one "
            "for each image. Fetch it again."
        )
    return np.array(labels, dtype="int64")
