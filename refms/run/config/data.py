"""The section [data]: which images, how many, and what is done to them."""

from __future__ import annotations

from dataclasses import dataclass

from refms.data.by_name import require_dataset
from refms.data.preprocessing import Preprocessing
from refms.errors import InputError
from refms.grid import Grid
from refms.run.config.reading import require_at_least


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
    size : int
        Cells along each axis of the network's mesh; 0 takes the images' own, which need not be square.
    scale, shift, smoothing, pair
        See :class:`~refms.data.preprocessing.Preprocessing`.
    interpolate : bool
        Whether ``size`` may be larger than the images, which are then prolonged by the P of the pair.
    """

    dataset: str = "digits"
    train: int = 0
    validation: int = 0
    split_seed: int = 0
    size: int = 0
    scale: float = 1.0
    shift: float = 0.0
    smoothing: float = 0.0
    pair: str = "averaging-bilinear"
    interpolate: bool = False

    def __post_init__(self) -> None:
        require_dataset(self.dataset)
        require_at_least(0, train=self.train, validation=self.validation, size=self.size)
        require_at_least(0, split_seed=self.split_seed)
        _ = self.preprocessing

    @property
    def preprocessing(self) -> Preprocessing:
        """The steps from images to columns, but for the number of levels, which follows from the mesh."""
        return Preprocessing(self.scale, self.shift, self.smoothing, self.pair)

    def grid(self, native: Grid) -> Grid:
        """Return the network's mesh for images on the given one.

        ``size`` cells along every axis, or the native grid if ``size`` is 0.
        """
        grid = native if self.size == 0 else Grid((self.size,) * native.dimension)
        try:
            levels = grid.levels_to(native)
        except InputError as error:
            raise InputError(f"[data] size is {self.size}: {error}") from error
        if levels < 0 and not self.interpolate:
            raise InputError(
                f"[data] size is {self.size}, larger than the images {native.shape}; expected at most that, "
                "or interpolate = true."
            )
        return grid
