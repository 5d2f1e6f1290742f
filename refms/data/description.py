"""What a data set holds: images, their values, classes, and how often their mesh halves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from refms.data.dataset import Dataset
from refms.data.fitting import multiples_around
from refms.display import short_repr

MOST_HALVINGS = 3


@dataclass(frozen=True)
class Halving:
    """What halving a mesh so many times leads to, None where it does not, and what would have to be done."""

    times: int
    size: tuple[int, ...] | None
    pad: tuple[int, ...]
    crop: tuple[int, ...] | None


@dataclass(frozen=True)
class Description:
    """What a data set holds.

    Parameters
    ----------
    name : str
        With its part.
    count, channels : int
        Images and their channels.
    grid : tuple of int
        Cells along each axis.
    dtype : str
        As the values were read.
    smallest, largest, max_value : float
        The range found, and the scale taken: values are divided by ``max_value``.
    classes : int
        Number of classes, 0 without labels.
    class_counts : dict of str to int
        Images of each class that has any, by its name or number.
    halvings : tuple of Halving
        Once, twice, three times.
    """

    name: str
    count: int
    channels: int
    grid: tuple[int, ...]
    dtype: str
    smallest: float
    largest: float
    max_value: float
    classes: int
    class_counts: dict[str, int]
    halvings: tuple[Halving, ...]

    __repr__ = short_repr


def describe_dataset(dataset: Dataset) -> Description:
    """Return what a data set holds.

    Parameters
    ----------
    dataset : Dataset
        As :func:`~refms.data.by_name.read_dataset` returns it.

    Returns
    -------
    Description
        Its fields are those of ``refms data --json``.

    Examples
    --------
    >>> images = np.arange(48.0).reshape(2, 1, 4, 6)
    >>> found = describe_dataset(Dataset(images, np.array([0, 2]), classes=3, name="two", max_value=47.0))
    >>> found.grid, found.class_counts, [one.size for one in found.halvings]
    ((4, 6), {'0': 1, '2': 1}, [(2, 3), None, None])
    """
    numbers, counts = np.unique([] if dataset.labels is None else dataset.labels, return_counts=True)
    names = dataset.class_names
    return Description(
        dataset.name,
        dataset.count,
        dataset.channels,
        dataset.grid.shape,
        str(dataset.images.dtype),
        float(dataset.images.min()),
        float(dataset.images.max()),
        dataset.max_value,
        dataset.classes,
        {names[k] if names else str(int(k)): int(m) for k, m in zip(numbers, counts, strict=True)},
        tuple(_halving(dataset, times) for times in range(1, MOST_HALVINGS + 1)),
    )


def _halving(dataset: Dataset, times: int) -> Halving:
    smaller, larger = multiples_around(dataset.grid, 2**times)
    reached = larger == dataset.grid
    size = larger.coarsen(times).shape if reached else None
    return Halving(times, size, larger.shape, smaller.shape if smaller else None)
