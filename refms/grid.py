"""Cell-centred grids on the unit cube, and the views between images and feature columns."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from refms.errors import Array, InputError, require_array, require_shape, require_whole

MOST_LEVELS = 62
"""Doublings after which a single cell has become more than can be counted."""


@dataclass(frozen=True)
class Grid:
    """A regular grid of cells on Ω = [0,1]^d, d = 1, 2 or 3 ([LAS] Sec. 2).

    Parameters
    ----------
    shape : tuple of int
        Number of cells n_j along each axis; the spacing is h_j = 1/n_j.

    Raises
    ------
    InputError
        If there are not one to three axes, or an extent is not a positive integer.

    Examples
    --------
    >>> grid = Grid((4, 4))
    >>> grid.cells, grid.spacing, grid.cell_volume
    (16, (0.25, 0.25), 0.0625)
    >>> grid.coarsen()
    Grid(shape=(2, 2))
    """

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        shape = tuple(self.shape) if isinstance(self.shape, tuple | list) else (self.shape,)
        if not 1 <= len(shape) <= 3:
            raise InputError(
                f"grid shape {self.shape!r}; expected one to three positive integers, such as (28, 28)."
            )
        extents = tuple(require_whole(n, "an extent of the grid", 1) for n in shape)
        if math.prod(extents) >= 2**63:
            raise InputError(f"grid shape {extents}; expected fewer than 2**63 cells.")
        object.__setattr__(self, "shape", extents)

    @property
    def dimension(self) -> int:
        """Number of axes d."""
        return len(self.shape)

    @property
    def cells(self) -> int:
        """Number of cells n = Π n_j."""
        return math.prod(self.shape)

    @property
    def spacing(self) -> tuple[float, ...]:
        """Edge lengths h_j = 1/n_j of a cell, in units of the domain's edge."""
        return tuple(1.0 / n for n in self.shape)

    @property
    def cell_volume(self) -> float:
        """Volume h^d = Π h_j of a cell, the weight of the midpoint rule in eq. (5) of [LAS]."""
        return 1.0 / self.cells

    def coarsen(self, levels: int = 1) -> Grid:
        """Return the grid with half as many cells along every axis, ``levels`` times over.

        Raises
        ------
        InputError
            If an extent is odd on the way, or ``levels`` is negative (use :meth:`refine`) or no integer.
        """
        levels = require_whole(levels, "levels", most=MOST_LEVELS)
        factor = 2**levels
        if any(n % factor for n in self.shape):
            raise InputError(
                f"grid {self.shape} cannot be coarsened {levels} time(s): every extent must be a multiple of "
                f"{factor}. Crop or pad the images first."
            )
        return Grid(tuple(n // factor for n in self.shape))

    def refine(self, levels: int = 1) -> Grid:
        """Return the grid with twice as many cells along every axis, ``levels`` times over, not negative."""
        levels = require_whole(levels, "levels", most=MOST_LEVELS)
        return Grid(tuple(n * 2**levels for n in self.shape))

    def levels_to(self, other: Grid) -> int:
        """Return how many doublings of every axis lead to the other grid: positive up, negative down.

        >>> Grid((14, 14)).levels_to(Grid((28, 28)))
        1
        """
        for levels in range(64):
            factor = 2**levels
            if other.shape == tuple(n * factor for n in self.shape):
                return levels
            if self.shape == tuple(n * factor for n in other.shape):
                return -levels
        raise InputError(
            f"grids {self.shape} and {other.shape} are not related by doubling every axis; "
            "expected, for example, (14, 14) and (28, 28)."
        )

    def centres(self, axis: int = 0, dtype: str = "float64") -> Array:
        """Return the cell centres (i + 1/2) h along one axis, in units of the domain's edge."""
        axis = require_whole(axis, "axis", most=self.dimension - 1)
        n = self.shape[axis]
        return ((np.arange(n) + 0.5) / n).astype(dtype)


def as_grid(grid: Grid | tuple[int, ...]) -> Grid:
    """Return a grid, or the one of a shape.

    >>> as_grid((4, 4))
    Grid(shape=(4, 4))
    """
    return grid if isinstance(grid, Grid) else Grid(grid)


def columns_from_nchw(images: Array) -> Array:
    """Return images (m, c, n_1, …, n_d), the layout of PyTorch, as feature columns (c·n, m).

    Parameters
    ----------
    images : array
        Shape (m, c, n_1, …, n_d); any dtype.

    Returns
    -------
    array
        Shape (c·n, m), C-contiguous, channel slowest, one column per example; dtype unchanged. A new array.

    Raises
    ------
    InputError
        If there are fewer than three axes or one is empty.

    Examples
    --------
    >>> columns_from_nchw(np.arange(4.0).reshape(2, 1, 2)).tolist()
    [[0.0, 2.0], [1.0, 3.0]]
    """
    require_images(images)
    return images.reshape(images.shape[0], -1).T.copy()


def nchw_from_columns(Y: Array, grid: Grid) -> Array:
    """Return feature columns (c·n, m) as images (m, c, n_1, …, n_d): the inverse of ``columns_from_nchw``.

    Parameters
    ----------
    Y : array
        Shape (c·n, m), channel slowest; any dtype.
    grid : Grid
        The grid with n cells, from which c follows.

    Returns
    -------
    array
        Shape (m, c, n_1, …, n_d), C-contiguous; dtype unchanged. A new array.

    Raises
    ------
    InputError
        If the number of rows is no multiple of n.

    Examples
    --------
    >>> nchw_from_columns(np.array([[0.0, 2.0], [1.0, 3.0]]), Grid((2,))).tolist()
    [[[0.0, 1.0]], [[2.0, 3.0]]]
    """
    grid = as_grid(grid)
    channels = channels_of(Y, grid)
    return Y.T.reshape(Y.shape[1], channels, *grid.shape).copy()


def columns_from_nhwc(images: Array) -> Array:
    """Return images (m, n_1, …, n_d, c), the layout of TensorFlow, as feature columns (c·n, m).

    Parameters
    ----------
    images : array
        Shape (m, n_1, …, n_d, c); any dtype.

    Returns
    -------
    array
        As :func:`columns_from_nchw` returns it.

    Raises
    ------
    InputError
        If there are fewer than three axes or one is empty.

    Examples
    --------
    >>> columns_from_nhwc(np.arange(4.0).reshape(1, 2, 2)).ravel().tolist()
    [0.0, 2.0, 1.0, 3.0]
    """
    require_images(images, "(examples, *grid, channels)")
    axes = (images.ndim - 1, *range(1, images.ndim - 1), 0)
    return images.transpose(axes).reshape(-1, images.shape[0]).copy()


def nhwc_from_columns(Y: Array, grid: Grid) -> Array:
    """Return feature columns (c·n, m) as images (m, n_1, …, n_d, c): the inverse of ``columns_from_nhwc``.

    Parameters
    ----------
    Y, grid
        As for :func:`nchw_from_columns`.

    Returns
    -------
    array
        Shape (m, n_1, …, n_d, c), C-contiguous; dtype unchanged. A new array.

    Raises
    ------
    InputError
        If the number of rows is no multiple of n.

    Examples
    --------
    >>> nhwc_from_columns(np.array([[0.0], [2.0], [1.0], [3.0]]), Grid((2,))).tolist()
    [[[0.0, 1.0], [2.0, 3.0]]]
    """
    grid = as_grid(grid)
    channels = channels_of(Y, grid)
    axes = (grid.dimension + 1, *range(1, grid.dimension + 1), 0)
    return Y.reshape(channels, *grid.shape, Y.shape[1]).transpose(axes).copy()


def channels_of(Y: Array, grid: Grid) -> int:
    """Return the number of channels c of feature columns with c·n rows.

    >>> channels_of(np.zeros((8, 1)), Grid((2, 2)))
    2
    """
    grid = as_grid(grid)
    require_shape(Y, (None, None), "Y", "(channels * cells, examples)")
    if Y.shape[0] % grid.cells:
        raise InputError(
            f"Y has {Y.shape[0]} rows; expected a multiple of the {grid.cells} cells of grid {grid.shape}. "
            "Rows are ordered channel slowest, then the grid's axes in C order."
        )
    return int(Y.shape[0]) // grid.cells


def require_images(images: Array, layout: str = "(examples, channels, *grid)", name: str = "images") -> None:
    """Refuse what is no array of one or more images on a grid of one to three axes."""
    require_array(images, name)
    if images.ndim not in (3, 4, 5) or 0 in images.shape:
        raise InputError(
            f"{name} have shape {tuple(images.shape)}; expected {layout} "
            "with one to three grid axes, none of them empty."
        )
