"""Labelled images, seeded disjoint splits, and one-hot labels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral

import numpy as np

from refms.backend import backend_of
from refms.errors import Array, InputError, require_choice, require_shape, require_whole
from refms.grid import Grid

_IMAGE_TYPES = ("uint8", "float32", "float64")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images of one channel with their labels, as read: no scaling, no shuffling.

    Parameters
    ----------
    images : numpy.ndarray
        Shape (m, n_1, …, n_d), one image after the other; dtype uint8, float32 or float64, all finite.
    labels : numpy.ndarray
        Shape (m,), integers 0 to classes - 1.
    classes : int
        Number of classes ℓ.
    name : str
        What the data are, for messages and records.
    max_value : float
        The value of a fully lit cell (255 for bytes), by which pre-processing divides.

    Raises
    ------
    InputError
        If shapes, dtypes or ranges are not as above.

    Examples
    --------
    >>> data = Dataset(np.zeros((2, 8, 8)), np.array([3, 1]), classes=10, name="two", max_value=1.0)
    >>> data.count, data.grid
    (2, Grid(shape=(8, 8)))
    """

    images: Array
    labels: Array
    classes: int
    name: str
    max_value: float

    def __post_init__(self) -> None:
        if getattr(self.images, "ndim", 0) not in (2, 3, 4) or 0 in self.images.shape:
            raise InputError(
                f"images have shape {getattr(self.images, 'shape', None)}; expected (examples, *grid) with "
                "one to three grid axes, none of them empty."
            )
        if str(self.images.dtype) not in _IMAGE_TYPES:
            raise InputError(
                f"images have dtype {self.images.dtype}; expected one of {', '.join(_IMAGE_TYPES)}."
            )
        if self.images.dtype.kind == "f" and not np.isfinite(self.images).all():
            raise InputError(
                "images hold NaN or infinite values; expected finite ones. Remove those images first."
            )
        require_shape(self.labels, (self.images.shape[0],), "labels", "one label for each image")
        _require_labels(self.labels, self.classes)
        if not (np.isfinite(self.max_value) and self.max_value > 0):
            raise InputError(
                f"max_value is {self.max_value}; expected a positive number, such as 255 for bytes."
            )

    @property
    def count(self) -> int:
        """Number of examples m."""
        return int(self.images.shape[0])

    @property
    def grid(self) -> Grid:
        """The native grid of the images."""
        return Grid(tuple(self.images.shape[1:]))


def subset(dataset: Dataset, indices: Array) -> Dataset:
    """Return the chosen examples in the given order.

    Parameters
    ----------
    dataset : Dataset
        Where to choose from.
    indices : sequence of int
        Positions 0 to m - 1; at least one.

    Returns
    -------
    Dataset
        Copies of the chosen images and labels.

    Raises
    ------
    InputError
        If there is no index, one is out of range, or they are not integers.

    Examples
    --------
    >>> data = Dataset(np.zeros((3, 8, 8)), np.array([3, 1, 2]), classes=10, name="three", max_value=1.0)
    >>> subset(data, [2, 0]).labels.tolist()
    [2, 3]
    """
    chosen = np.asarray(indices)
    if chosen.ndim != 1 or chosen.size == 0 or chosen.dtype.kind not in "iu":
        raise InputError(
            f"indices have shape {chosen.shape} and dtype {chosen.dtype}; expected one or more integers."
        )
    if chosen.min() < 0 or chosen.max() >= dataset.count:
        raise InputError(
            f"indices run from {chosen.min()} to {chosen.max()}; expected 0 to {dataset.count - 1}."
        )
    return replace(dataset, images=dataset.images[chosen], labels=dataset.labels[chosen])


def split(dataset: Dataset, train: int, validation: int, seed: int) -> tuple[Dataset, Dataset]:
    """Return two disjoint random parts, the same ones for the same seed on every machine.

    Parameters
    ----------
    dataset : Dataset
        Where to draw from.
    train, validation : int
        Number of examples of either part; together at most m.
    seed : int
        Seed of ``numpy.random.default_rng``; the first ``train`` entries of its permutation are the first
        part, the next ``validation`` entries the second.

    Returns
    -------
    tuple of Dataset
        Training part and validation part.

    Raises
    ------
    InputError
        If a part is empty, both together are larger than the data set, or the seed is negative.

    Examples
    --------
    >>> data = Dataset(np.zeros((5, 8, 8)), np.arange(5), classes=10, name="five", max_value=1.0)
    >>> first, second = split(data, 3, 2, seed=0)
    >>> sorted([*first.labels.tolist(), *second.labels.tolist()])
    [0, 1, 2, 3, 4]
    """
    require_whole(seed, "seed")
    whole = isinstance(train, Integral) and isinstance(validation, Integral)
    if not whole or train < 1 or validation < 1 or train + validation > dataset.count:
        raise InputError(
            f"cannot split {dataset.count} examples of {dataset.name} into {train} for training and "
            f"{validation} for validation; expected at least 1 each and at most {dataset.count} together."
        )
    order = np.random.default_rng(seed).permutation(dataset.count)
    return subset(dataset, order[:train]), subset(dataset, order[train : train + validation])


def one_hot(labels: Array, classes: int, dtype: str = "float64") -> Array:
    """Return labels as the one-hot columns that the loss compares with, eq. (5) of [LAS].

    Parameters
    ----------
    labels : array
        Shape (m,), integers 0 to classes - 1, NumPy or CuPy.
    classes : int
        Number of classes ℓ.
    dtype : str
        dtype of the result, ``"float32"`` or ``"float64"``.

    Returns
    -------
    array
        Shape (ℓ, m), C-contiguous, on the backend of ``labels``: 1 in row ``labels[j]`` of column j, else 0.

    Raises
    ------
    InputError
        If a label is out of range or no integer, or the dtype is another one.

    Examples
    --------
    >>> one_hot(np.array([1, 0, 1]), 2).tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]
    """
    require_choice(dtype, ("float32", "float64"), "dtype")
    require_shape(labels, (None,), "labels")
    _require_labels(labels, classes)
    xp = backend_of(labels).xp
    return (xp.arange(classes)[:, None] == labels[None, :]).astype(dtype)


def _require_labels(labels: Array, classes: int) -> None:
    if labels.dtype.kind not in "iu":
        raise InputError(f"labels have dtype {labels.dtype}; expected integers.")
    if not isinstance(classes, int | np.integer) or isinstance(classes, bool) or classes < 2:
        raise InputError(f"classes is {classes!r}; expected an integer of at least 2.")
    least, most = int(labels.min()), int(labels.max())
    if least < 0 or most >= classes:
        raise InputError(f"labels run from {least} to {most}; expected 0 to {classes - 1}.")
