"""A user's own images, which ``read_dataset`` reads: arrays in an .npz file, or pictures in a folder."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np

from refms.data.dataset import Dataset
from refms.data.idx_dataset import note_scale, with_channels
from refms.data.location import find_own
from refms.data.pictures import PICTURE_SUFFIXES, is_picture, read_pictures
from refms.data.reading import read_values
from refms.errors import Array, FileError, InputError
from refms.io.files import naming, regular_file_size
from refms.io.npy import read_npy_header

_PARTS = ("train", "test")


def load_npz(
    place: str,
    folder: str | os.PathLike[str] | None = None,
    part: str = "train",
    channels: str | None = None,
    *,
    max_bytes: int = 2**31,
) -> Dataset:
    """Return the arrays ``images`` and, if there are any, ``labels`` that ``numpy.savez`` wrote.

    Those of the test part are ``test_images`` and ``test_labels``. Images are uint8 from 0 to 255, or floats
    from 0 to 1, so that their range is known.
    """
    path = find_own(place, folder, Path.is_file, "file")
    regular_file_size(path)
    prefix = "" if part == "train" else f"{part}_"
    try:
        with zipfile.ZipFile(path) as archive:
            images = _member(archive, path, f"{prefix}images", max_bytes)
            labels = _member(archive, path, f"{prefix}labels", max_bytes, needed=False)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError, EOFError) as error:
        raise FileError(f"{str(path)!r} is damaged or no .npz file: {error}.") from error
    name = f"npz:{place} {part}"
    if images is None or images.ndim not in (2, 3, 4, 5) or not images.size:
        raise FileError(
            f"{str(path)!r} holds images of shape {getattr(images, 'shape', ())}; expected (images, …)."
        )
    if labels is not None and labels.dtype.kind not in "iu":
        raise FileError(f"{str(path)!r} holds labels of type {labels.dtype}; expected whole numbers.")
    largest = _largest_value(images, str(path))
    try:
        classes = 0 if labels is None else max(2, int(labels.max(initial=0)) + 1)
        return Dataset(with_channels(images, channels, name), labels, classes, name, largest)
    except InputError as error:
        raise FileError(f"{str(path)!r}: {error}") from error


def load_folder(
    place: str,
    folder: str | os.PathLike[str] | None = None,
    part: str = "train",
    channels: str | None = None,
    *,
    max_bytes: int = 2**31,
) -> Dataset:
    """Return the pictures of a folder, uint8: one subfolder a class, or all in one without labels.

    Subfolders ``train`` and ``test`` are the parts; with channels ``"none"`` pictures are read as
    grey, as they are if none has colours.
    """
    home = find_own(place, folder, Path.is_dir, "folder")
    if all((home / one).is_dir() for one in _PARTS):
        home = home / part
    elif part != "train":
        raise FileError(
            f"{str(home)!r} has no subfolders 'train' and 'test'; expected both for part {part!r}."
        )
    groups = sorted(one for one in home.iterdir() if one.is_dir())
    paths = [(label, path) for label, group in enumerate(groups) for path in _pictures(group)]
    labelled = bool(paths)
    paths = paths or [(0, path) for path in _pictures(home)]
    if not paths:
        raise FileError(
            f"{str(home)!r} holds no picture; expected {', '.join(PICTURE_SUFFIXES)}, or subfolders of them."
        )
    images = read_pictures([path for _, path in paths], channels == "none", max_bytes)
    name = f"folder:{place} {part}"
    note_scale(images, name)
    labels = np.array([label for label, _ in paths]) if labelled else None
    names = tuple(one.name for one in groups) if labelled else ()
    return Dataset(images, labels, max(len(names), 2 * labelled), name, max_value=255.0, class_names=names)


def _member(
    archive: zipfile.ZipFile, path: Path, name: str, max_bytes: int, needed: bool = True
) -> Array | None:
    """Return one array, unpacked no further than its header declares."""
    if f"{name}.npy" not in archive.namelist():
        if needed:
            raise FileError(f"{str(path)!r} holds no array {name!r}; write it by numpy.savez(…, {name}=…).")
        return None
    with archive.open(f"{name}.npy") as stream, naming(path):
        header = read_npy_header(stream, name)
        if header.by_columns:
            raise FileError(f"holds {name!r} in Fortran order; save numpy.ascontiguousarray of it.")
        return read_values(stream, path, header.dtype, header.shape, max_bytes)


def _largest_value(images: Array, name: str) -> float:
    """Return 255 for bytes and 1 for floats, which must lie in [0, 1]."""
    if images.dtype == "uint8":
        note_scale(images, name)
        return 255.0
    if images.dtype.kind != "f" or not np.isfinite(images).all() or images.min() < 0 or images.max() > 1:
        raise FileError(
            f"{name!r} holds images of {images.dtype} from {images.min():g} to {images.max():g}; expected "
            "uint8 from 0 to 255 or floats from 0 to 1, so that their range is known."
        )
    return 1.0


def _pictures(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if is_picture(path) and path.is_file())
