"""The cells that a stencil reaches."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from refms.errors import Array


def offsets_of(size: int) -> Array:
    """Return the offsets κ = -r, …, r of a stencil of odd size 2r + 1 along one axis.

    >>> offsets_of(3).tolist()
    [-1, 0, 1]
    """
    return np.arange(size) - size // 2


def neighbours(extents: Sequence[int], offsets: Sequence[Array], boundary: str) -> tuple[Array, Array]:
    """Return the numbers of the cells i + κ for all cells i and offsets κ in C order, and whether they act.

    Both have shape (Π extents, Π offsets); False is beyond a zero boundary. No axes mean one cell.

    >>> neighbours((4,), (offsets_of(3),), "periodic")[0].tolist()
    [[3, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 0]]
    >>> neighbours((4,), (offsets_of(3),), "zero")[1].tolist()[0]
    [False, True, True]
    """
    cells, inside = np.zeros((1, 1), dtype=np.int64), np.ones((1, 1), dtype=bool)
    for extent, along in zip(extents, offsets, strict=True):
        reached = np.arange(extent)[:, None] + along
        acts = ((reached >= 0) & (reached < extent)) | (boundary == "periodic")
        shape = (cells.shape[0] * extent, cells.shape[1] * along.size)
        cells = (cells[:, None, :, None] * extent + (reached % extent)[None, :, None, :]).reshape(shape)
        inside = (inside[:, None, :, None] & acts[None, :, None, :]).reshape(shape)
    return cells, inside
