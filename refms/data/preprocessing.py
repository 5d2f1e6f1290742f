"""From images as read to the feature columns a network is given: explicit steps, stored with the model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from operator import attrgetter
from typing import Any

import numpy as np

from refms.backend import NUMPY, Backend
from refms.data.dataset import Dataset
from refms.errors import Array, InputError, require_choice, require_whole
from refms.grid import Grid, columns_from_nchw
from refms.stencils.smoothing import smooth
from refms.stencils.transfer import transfer_pair


@dataclass(frozen=True)
class Preprocessing:
    """What is done to images before the network sees them, in this order ([LAS] Sec. 4).

    Parameters
    ----------
    scale, shift : float
        y = scale · v / max_value - shift for a cell's value v of 0 to max_value. Scale 2 and shift 1 give
        -1 to 1.
    smoothing : float
        Standard deviation, in cells of the native grid, of the periodic Gaussian; 0 smooths nothing.
    pair : str
        Name of the transfer pair whose R restricts the image.
    levels : int
        How many times R halves the grid; 0 keeps the native grid.

    Raises
    ------
    InputError
        If a number is not finite or negative where it may not be, or the pair is unknown.

    Examples
    --------
    >>> steps = Preprocessing(smoothing=0.5, levels=1)
    >>> steps.coarse_grid(Grid((28, 28)))
    Grid(shape=(14, 14))
    >>> Preprocessing.from_dict(steps.to_dict()) == steps
    True
    """

    scale: float = 1.0
    shift: float = 0.0
    smoothing: float = 0.0
    pair: str = "averaging-bilinear"
    levels: int = 0

    def __post_init__(self) -> None:
        for name in ("scale", "shift", "smoothing"):
            object.__setattr__(self, name, _number(getattr(self, name), name))
        if self.scale == 0.0:
            raise InputError(
                "scale is 0, which makes every image the same; expected another number, such as 1."
            )
        if self.smoothing < 0.0:
            raise InputError(f"smoothing is {self.smoothing}; expected 0 or more cells.")
        object.__setattr__(self, "levels", require_whole(self.levels, "levels"))
        transfer_pair(self.pair)

    def coarse_grid(self, native: Grid) -> Grid:
        """Return the grid of the columns: that of the images, coarsened ``levels`` times."""
        return native.coarsen(self.levels)

    def to_dict(self) -> dict[str, Any]:
        """Return the steps as the mapping of numbers and strings that is stored with a model."""
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Preprocessing:
        """Return the steps that ``to_dict`` stored; what is left out has its default."""
        if not isinstance(stored, Mapping):
            raise InputError(f"pre-processing is {stored!r}; expected a mapping such as {cls().to_dict()}.")
        names = [field.name for field in fields(cls)]
        for name in stored:
            require_choice(name, names, "pre-processing step")
        return cls(**stored)


def prepare(
    dataset: Dataset,
    steps: Preprocessing,
    dtype: str = "float64",
    *,
    backend: Backend = NUMPY,
    max_bytes: int = 2**26,
    refinements: int = 0,
    what: str = "images",
) -> tuple[Array, Grid]:
    """Return the images as feature columns, worked through in batches of bounded memory.

    Parameters
    ----------
    dataset : Dataset
        Images of shape (m, c, *native grid).
    steps : Preprocessing
        What to do with them, channel by channel.
    dtype : str
        ``"float32"`` or ``"float64"``; every step is computed in it.
    backend : Backend
        Where to compute and where the columns live.
    max_bytes : int
        Memory for the intermediate images of one batch, in bytes; the result comes on top of it.
    refinements : int
        How many times the pair's P doubles the grid in the end: images interpolated to a mesh finer than
        their own. Not together with ``levels``.
    what : str
        ``"images"``, or ``"targets"`` where these are images, too.

    Returns
    -------
    tuple of (array, Grid)
        Columns of shape (c·n, m), C-contiguous, one per example, and their grid of n cells.

    Raises
    ------
    InputError
        If the grid cannot be halved ``levels`` times, both ``levels`` and ``refinements`` are given, there
        are no targets, or dtype or memory limit is not usable.

    Notes
    -----
    Y = (I_c ⊗ R_L … R_1 G) (scale · V / max_value - shift), with G the smoothing and R_l the restrictions as
    explicit sparse matrices; or with P_L … P_1 in the place of the R_l. Every column depends on its own image
    only, so the batches do not show in the result.

    Examples
    --------
    >>> data = Dataset(np.full((3, 1, 4, 4), 9.0), np.zeros(3, int), classes=10, name="lit", max_value=9.0)
    >>> Y, grid = prepare(data, Preprocessing(smoothing=0.5, levels=1))
    >>> Y.shape, grid, Y.round(12).min()
    ((4, 3), Grid(shape=(2, 2)), np.float64(1.0))
    """
    require_choice(dtype, ("float32", "float64"), "dtype")
    require_choice(what, ("images", "targets"), "what to prepare")
    refinements = require_whole(refinements, "refinements")
    if refinements and steps.levels:
        raise InputError(
            f"levels is {steps.levels} and refinements is {refinements}; expected one of them to be 0."
        )
    native = dataset.target_grid if what == "targets" else dataset.grid
    values = dataset.targets if what == "targets" else dataset.images
    channels = int(values.shape[1])
    grid = native.refine(refinements) if refinements else steps.coarse_grid(native)
    batch = _columns_per_batch(channels, max(native, grid, key=attrgetter("cells")), dtype, max_bytes)
    moved = _between(steps, native, refinements, {"dtype": dtype, "backend": backend})
    columns = backend.xp.empty((channels * grid.cells, dataset.count), dtype=dtype)
    for start in range(0, dataset.count, batch):
        images = backend.from_host(values[start : start + batch].astype(dtype))
        Y = columns_from_nchw(images) * (steps.scale / dataset.max_value) - steps.shift
        if steps.smoothing:
            Y = smooth(Y, native, steps.smoothing)
        for k in range(channels):
            y = Y[k * native.cells : (k + 1) * native.cells]
            rows = slice(k * grid.cells, (k + 1) * grid.cells)
            columns[rows, start : start + batch] = y if moved is None else moved @ y
    return columns, grid


def _between(steps: Preprocessing, native: Grid, refinements: int, options: dict[str, Any]) -> Any:
    """Return R or P from the native grid to that of the columns, or None where they are the same."""
    pair = transfer_pair(steps.pair)
    if refinements:
        return pair.prolongation_matrix(native.refine(refinements), levels=refinements, **options)
    return pair.restriction_matrix(native, levels=steps.levels, **options) if steps.levels else None


def _columns_per_batch(channels: int, native: Grid, dtype: str, max_bytes: int) -> int:
    """Return how many images fit, counting five copies of an image alive at once."""
    image = 5 * channels * native.cells * np.dtype(dtype).itemsize
    if max_bytes < image:
        raise InputError(f"max_bytes is {max_bytes}; one image of grid {native.shape} needs {image}.")
    return max_bytes // image


def _number(value: Any, name: str) -> float:
    if not isinstance(value, int | float | np.integer | np.floating) or isinstance(value, bool):
        raise InputError(f"{name} is {value!r}; expected a number.")
    if not math.isfinite(value):
        raise InputError(f"{name} is {value}; expected a finite number.")
    return float(value)
