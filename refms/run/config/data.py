"""The section [data]: which images, how many, and what is done to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from refms.data.by_name import require_dataset
from refms.data.dataset import Dataset
from refms.data.fitting import as_words, fit, meshes_around, multiples_around, ways_to_fit
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
        (``"imagenette96"``, ``"imagenette56"``), or own ones: ``"npz:FILE"`` (arrays ``images`` and
        ``labels``), ``"folder:DIR"`` (pictures, one subfolder a class), ``"csv:FILE"`` (lines path,label) or
        ``"idx:FOLDER"`` (IDX files).
    train, validation : int
        Number of examples of the two disjoint sets; 0 takes five sixths and the rest.
    split_seed : int
        Seed of the permutation that splits.
    size : int or tuple of int
        Cells along every axis of the network's mesh, or along each, such as (2, 4); 0 takes the images' own.
    scale, shift : float
        y = scale · v / max_value - shift for a cell's value v of 0 to max_value (255 for bytes).
    smoothing : float
        Standard deviation of a Gaussian, in cells of the images' own mesh, before they are restricted; 0 for
        none.
    pair : str
        Name of the transfer pair whose R restricts them to ``size``.
    interpolate : bool
        Whether ``size`` may be larger than the images, which are then prolonged by the P of the pair.
    pad, crop : bool
        Whether images that halving does not bring to ``size`` are padded (by their edge) or cropped (to their
        middle) to the nearest size from which it does.
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
    pad: bool = False
    crop: bool = False

    def __post_init__(self) -> None:
        require_dataset(self.dataset)
        require_whole_fields(self, train=0, validation=0, split_seed=0)
        object.__setattr__(self, "size", checked_size(self.size))
        require_one_way(self, ("pad", "crop", "interpolate"))
        if self.size == 0 and (self.pad or self.crop):
            raise InputError(
                "size is 0, that of the images, to which nothing is padded or cropped; state it."
            )
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
        odd = next(k for k in range(64) if any(n % 2 ** (k + 1) for n in native.shape))
        fitting = ", ".join(as_words(native.coarsen(k)) for k in range(odd + 1))
        raise InputError(
            f"[data] size is {size}: grids {grid.shape} and {native.shape} are not related by doubling every "
            f"axis. Sizes that halving reaches: {fitting}. Or {ways_to_fit(meshes_around(native, grid))}."
        ) from error
    if levels < 0 and not interpolate:
        way_out = "." if interpolate is None else ", or interpolate = true."
        raise InputError(
            f"[data] size is {size}, larger than the images {native.shape}; expected at most that{way_out}"
        )
    return grid


def fitted(dataset: Dataset, section: Any, max_bytes: int, step: Callable[[], int] = lambda: 1) -> Dataset:
    """Return a data set padded or cropped where its section [data] asks for that and its images do not fit.

    They fit where halving leads to ``size`` cells, or with size 0 where they have multiples of ``step``.
    """
    if not (section.pad or section.crop):
        return dataset
    native, size = dataset.grid, section.size
    if size == 0:
        smaller, larger = multiples_around(native, step())
    else:
        smaller, larger = meshes_around(native, grid_of(size, native.dimension))
    grid = larger if section.pad or larger == native else smaller
    if grid is None:
        raise InputError(
            f"[data] crop: images of {as_words(native)} cells are too small; expected a smaller size, fewer "
            f"levels, or {ways_to_fit((None, larger))}."
        )
    return dataset if grid == native else fit(dataset, grid, max_bytes)


def require_one_way(section: Any, names: Sequence[str]) -> None:
    """Refuse more than one of the ways in which images come to another size."""
    asked = [one for one in names if getattr(section, one)]
    if len(asked) > 1:
        raise InputError(f"{' and '.join(asked)} are both asked for; expected one of them.")


def checked_size(size: Size) -> Size:
    """Return a size with whole numbers, 0 for that of the images."""
    if isinstance(size, tuple | list):
        return tuple(require_whole(n, "size", 1) for n in size)
    return require_whole(size, "size")
