"""A user's own images, which ``read_dataset`` reads: arrays in an .npz file, or pictures in a folder."""

from __future__ import annotations

import importlib
import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from refms.data.dataset import Dataset
from refms.data.idx_dataset import note_scale, with_channels
from refms.data.location import expanded, roots_of
from refms.data.reading import read_values
from refms.errors import Array, FileError, InputError
from refms.io.files import regular_file_size
from refms.io.npy import read_npy_header

_PICTURES = (".png", ".jpg", ".jpeg")
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
    path = _found(place, folder, Path.is_file, "file")
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

    Subfolders ``train`` and ``test`` are the parts; with channels ``"none"`` pictures are read as grey.
    """
    home = _found(place, folder, Path.is_dir, "folder")
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
            f"{str(home)!r} holds no picture; expected {', '.join(_PICTURES)}, or subfolders of them."
        )
    mode = "L" if channels == "none" else "RGB"
    images = _read_pictures([path for _, path in paths], mode, max_bytes)
    images = images[:, None] if mode == "L" else np.ascontiguousarray(np.moveaxis(images, 3, 1))
    name = f"folder:{place} {part}"
    note_scale(images, name)
    labels = np.array([label for label, _ in paths]) if labelled else None
    return Dataset(images, labels, max(len(groups), 2) if labelled else 0, name, max_value=255.0)


def _found(place: str, folder: str | os.PathLike[str] | None, there: Any, what: str) -> Path:
    """Return the first of the places where something is, or refuse it by all of their names."""
    places = [root / expanded(place) for root in roots_of(folder)]
    for path in places:
        if there(path):
            return path
    raise FileError(f"there is no {what} {' or '.join(repr(str(path)) for path in places)}.")


def _member(
    archive: zipfile.ZipFile, path: Path, name: str, max_bytes: int, needed: bool = True
) -> Array | None:
    """Return one array, unpacked no further than its header declares."""
    if f"{name}.npy" not in archive.namelist():
        if needed:
            raise FileError(f"{str(path)!r} holds no array {name!r}; write it by numpy.savez(…, {name}=…).")
        return None
    with archive.open(f"{name}.npy") as stream:
        try:
            header = read_npy_header(stream, name)
        except FileError as error:
            raise FileError(f"{str(path)!r} {error}") from error
        if header.by_columns:
            raise FileError(
                f"{str(path)!r} holds {name!r} in Fortran order; save numpy.ascontiguousarray of it."
            )
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
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _PICTURES and path.is_file())


def _read_pictures(paths: Sequence[Path], mode: str, max_bytes: int) -> Array:
    """Return pictures of one size, uint8 (m, n_1, n_2) or (m, n_1, n_2, 3)."""
    first = _read_picture(paths[0], mode)
    need = len(paths) * first.size
    if need > max_bytes:
        raise FileError(
            f"{str(paths[0].parent)!r} holds {need} bytes of pixels; the limit is {max_bytes} bytes."
        )
    images = np.empty((len(paths), *first.shape), dtype="uint8")
    for place, path in enumerate(paths):
        picture = _read_picture(path, mode)
        if picture.shape != first.shape:
            raise FileError(
                f"{str(path)!r} has {picture.shape[0]}x{picture.shape[1]} pixels, the first picture "
                f"{first.shape[0]}x{first.shape[1]}; expected one size. Crop or resize them first."
            )
        images[place] = picture
    return images


def _read_picture(path: Path, mode: str) -> Array:
    """Return a picture as uint8 (n_1, n_2) or (n_1, n_2, 3)."""
    try:
        pillow = importlib.import_module("PIL.Image")
    except ImportError as error:
        raise InputError(
            f"pictures are read by Pillow, which cannot be imported ({error}). Install it with "
            "pip install 'refms[data]'."
        ) from error
    regular_file_size(path)
    try:
        with pillow.open(path, formats=("PNG", "JPEG")) as picture:
            return np.array(picture.convert(mode))
    except (OSError, SyntaxError, ValueError, pillow.DecompressionBombError) as error:
        raise FileError(f"{str(path)!r} is damaged or no PNG or JPEG picture: {error}.") from error
