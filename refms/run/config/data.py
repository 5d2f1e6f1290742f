"""The section [data]: which images, how many, and what is done to them."""

from __future__ import annotations

from dataclasses import dataclass, field

from refms.data.by_name import require_dataset
from refms.data.preprocessing import Preprocessing
from refms.errors import InputError, require_whole, require_whole_fields
from refms.grid import Grid

Size = int | tuple[int, ...]
"""Cells along every axis, or along each."""


def grid_of(size: Size, dimension: int) -> Grid:
    """Return the grid with so many cells along every axis, or along each.

    >>> grid_of(4, 2), grid_of((2, 4), 2)
    (Grid(shape=(4, 4)), Grid(shape=(2, 4)))
    """
    shape = (size,) * dimension if isinstance(size, int) else tuple(size)
    if len(shape) != dimension:
        raise InputError(f"size is {shape}; expected one number, or {dimension}, one for each axis.")
    return Grid(shape)


@dataclass(frozen=True)
class DataSection:
    """Which images, how many, on which mesh, and what is done to them.

    Parameters
    ----------
    dataset : str
        ``"digits"`` (embedded, 8×8), ``"mnist"`` (28×28, from a folder), colour images from files
        (``"imagenette96"``, ``"imagenette56"``, ``"urban100"``), or ``"idx:FOLDER"`` for any data set in IDX
        files, with ``?channels=last`` behind it for colours, see :func:`~refms.data.by_name.read_dataset`.
    train, validation : int
        Number of examples of the two disjoint sets; 0 takes five sixths and the rest.
    split_seed : int
        Seed of the permutation that splits.
    size : int or tuple of int
        Cells along every axis of the network's mesh, or along each, such as (2, 4); 0 takes the images' own.
    scale, shift, smoothing, pair
        See :class:`~refms.data.preprocessing.Preprocessing`.
    interpolate : bool
        Whether ``size`` may be larger than the images, which are then prolonged by the P of the pair.
    """

    dataset: str = "digits"
    train: int = 0
    validation: int = 0
    split_seed: int = 0
    size: Size = field(default=0, metadata={"also": tuple})
    scale: float = 1.0
    shift: float = 0.0
    smoothing: float = 0.0
    pair: str = "averaging-bilinear"
    interpolate: bool = False

    def __post_init__(self) -> None:
        require_dataset(self.dataset)
        require_whole_fields(self, train=0, validation=0, split_seed=0)
        object.__setattr__(self, "size", checked_size(self.size))
        _ = self.preprocessing

    @property
    def preprocessing(self) -> Preprocessing:
        """The steps from images to columns, but for the number of levels, which follows from the mesh."""
        return Preprocessing(self.scale, self.shift, self.smoothing, self.pair)

    def grid(self, native: Grid) -> Grid:
        """Return the network's mesh for images on the given one.

        ``size`` cells along every axis or along each, or the native grid if ``size`` is 0.
        """
        return mesh_for(self.size, native, interpolate=self.interpolate)


def mesh_for(size: Size, native: Grid, *, interpolate: bool | None = None) -> Grid:
    """Return the mesh of a size for images on the native one, which it must reach by halving.

    ``interpolate`` says whether it may be finer; None where that is no choice.
    """
    grid = native if size == 0 else grid_of(size, native.dimension)
    try:
        levels = grid.levels_to(native)
    except InputError as error:
        raise InputError(f"[data] size is {size}: {error}") from error
    if levels < 0 and not interpolate:
        way_out = "." if interpolate is None else ", or interpolate = true."
        raise InputError(
            f"[data] size is {size}, larger than the images {native.shape}; expected at most that{way_out}"
        )
    return grid


def checked_size(size: Size) -> Size:
    """Return a size with whole numbers, 0 for that of the images."""
    if isinstance(size, tuple | list):
        return tuple(require_whole(n, "size", 1) for n in size)
    return require_whole(size, "size")
