"""Images of another size: padded by the cells of their edge, or cropped to their middle."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from refms.data.dataset import Dataset
from refms.errors import Array, InputError, note
from refms.grid import Grid

Around = tuple[Grid | None, Grid]
"""The nearest sizes that would do: not larger along any axis, None where there is none, and not smaller."""


def fit(dataset: Dataset, grid: Grid, max_bytes: int = 2**31) -> Dataset:
    """Return the images padded or cropped to a mesh, and say so.

    Raises InputError if they would need more than ``max_bytes``, or are paired with targets.
    """
    if dataset.targets is not None:
        raise InputError(f"{dataset.name!r} has image pairs; expected images alone to be padded or cropped.")
    images = dataset.images
    need = math.prod((*images.shape[:2], *grid.shape)) * images.itemsize
    if need > max_bytes:
        raise InputError(
            f"images of {as_words(grid)} cells need {need} bytes; the limit is {max_bytes} bytes. Crop them, "
            "or take fewer."
        )
    said = "padded to {}, centred, with the cells of their edge repeated"
    if grid.cells < dataset.grid.cells:
        said = "cropped to {}, their middle"
    note(
        f"the images of {dataset.name!r} have {as_words(dataset.grid)} cells and are "
        f"{said.format(as_words(grid))}."
    )
    return replace(dataset, images=fit_images(images, grid.shape))


def fit_images(images: Array, shape: Sequence[int]) -> Array:
    """Return y_i = x_{c(i)} along every axis of images (m, c, n_1, …), n cells to N of ``shape``.

    c(i) = min(max(i + s, 0), n − 1) with s = (n − N)/2, rounded towards 0: an odd cell more or less stands
    behind.

    >>> images = np.array([[[1, 2, 3]]])
    >>> fit_images(images, (6,)).tolist(), fit_images(images, (1,)).tolist()
    ([[[1, 1, 2, 3, 3, 3]]], [[[2]]])
    """
    for axis, (n, N) in enumerate(zip(images.shape[2:], shape, strict=True), 2):
        images = np.take(images, np.clip(np.arange(N) + int((n - N) / 2), 0, n - 1), axis=axis)
    return images


def meshes_around(native: Grid, mesh: Grid) -> Around:
    """Return the nearest 2^k times as fine as a mesh, k ≥ 0, with all axes within, or around, the native one.

    >>> meshes_around(Grid((30, 20)), Grid((8, 8)))
    (Grid(shape=(16, 16)), Grid(shape=(32, 32)))
    """
    pairs = list(zip(native.shape, mesh.shape, strict=True))
    down = min((n // m).bit_length() for n, m in pairs) - 1
    up = max((-(-n // m) - 1).bit_length() for n, m in pairs)
    return (mesh.refine(down) if down >= 0 else None), mesh.refine(up)


def multiples_around(native: Grid, step: int) -> Around:
    """Return the nearest multiples of so many cells along every axis.

    >>> multiples_around(Grid((30, 20)), 8)
    (Grid(shape=(24, 16)), Grid(shape=(32, 24)))
    """
    down = tuple(n // step * step for n in native.shape)
    return (Grid(down) if min(down) else None), Grid(tuple(-(-n // step) * step for n in native.shape))


def as_words(grid: Grid) -> str:
    """Return a mesh as ``30x20``.

    >>> as_words(Grid((30, 20)))
    '30x20'
    """
    return "x".join(map(str, grid.shape))


def ways_to_fit(around: Around) -> str:
    """Return what a message offers where a size does not fit.

    >>> ways_to_fit((None, Grid((8, 8))))
    '--pad (in [data]: pad = true), to 8x8'
    """
    named = (("pad", around[1]), ("crop", around[0]))
    return " or ".join(
        f"--{one} (in [data]: {one} = true), to {as_words(grid)}" for one, grid in named if grid is not None
    )
