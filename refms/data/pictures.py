"""Pictures in PNG or JPEG files: what they would take is known before they are decoded."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from refms.errors import Array, FileError, required
from refms.io.files import regular_file_size

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg")


def is_picture(path: Path) -> bool:
    """Return whether a name is that of a picture."""
    return path.suffix.lower() in PICTURE_SUFFIXES


def read_pictures(
    paths: Sequence[Path], grey: bool, max_bytes: int, where: Callable[[int], str] = lambda i: ""
) -> Array:
    """Return pictures of one size, uint8 (m, c, n_1, n_2): c is 1 if all are grey, or are to be, and else 3.

    ``where`` says, before a message, what names the i-th picture.
    """
    mode = "L" if grey or all(map(_is_grey, paths)) else "RGB"
    images = np.empty((0, len(mode), 0, 0), dtype="uint8")
    for i, path in enumerate(paths):
        try:
            with _opened(path) as picture:
                shape = (len(mode), picture.height, picture.width)
                if i == 0:
                    images = _room_for((len(paths), *shape), path, max_bytes)
                if shape != images.shape[1:]:
                    raise FileError(
                        f"{str(path)!r} has {shape[1]}x{shape[2]} pixels, the first picture "
                        f"{images.shape[2]}x{images.shape[3]}; expected one size. Crop or resize them first."
                    )
                images[i] = np.moveaxis(np.atleast_3d(np.array(picture.convert(mode))), 2, 0)
        except FileError as error:
            raise FileError(f"{where(i)}{error}") from error
    return images


def _room_for(shape: tuple[int, ...], first: Path, max_bytes: int) -> Array:
    if (need := math.prod(shape)) > max_bytes:
        raise FileError(
            f"{shape[0]} pictures as large as {str(first)!r} have {need} bytes of pixels; the limit is "
            f"{max_bytes} bytes."
        )
    return np.empty(shape, dtype="uint8")


def _is_grey(path: Path) -> bool:
    """Return whether a picture has one channel; what is none is told when it is read."""
    try:
        with _opened(path) as picture:
            return picture.mode in ("1", "L", "LA")
    except FileError:
        return True


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Yield a picture of which the header is read; FileError where that, or what is done with it, fails."""
    pillow = required(
        "PIL.Image",
        "pictures are read by Pillow, which cannot be imported ({error}). Install it with "
        "pip install 'refms[data]'.",
    )
    regular_file_size(path)
    try:
        with pillow.open(path, formats=("PNG", "JPEG")) as picture:
            if picture.mode[0] in "IF":  # Pillow would cut these at 255
                raise FileError(f"{str(path)!r} has more than 8 bits a pixel and channel; expected 8.")
            yield picture
    except FileError:
        raise
    except (OSError, SyntaxError, ValueError, pillow.DecompressionBombError) as error:
        raise FileError(f"{str(path)!r} is damaged or no PNG or JPEG picture: {error}.") from error
