"""Images of one or more channels with labels or targets, seeded disjoint splits, and one-hot labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from refms.backend import backend_of, require_indices
from refms.display import short_repr
from refms.errors import (
    Array,
    InputError,
    require_choice,
    require_shape,
    require_whole,
    require_whole_fields,
)
from refms.grid import Grid, require_images

_IMAGE_TYPES = ("uint8", "float32", "float64")


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images with what is known of them, as read: no scaling, no shuffling.

    Parameters
    ----------
    images : numpy.ndarray
        Shape (m, c, n_1, …, n_d), one image after the other, channel before cells as in a feature column;
        dtype uint8, float32 or float64, all finite.
    labels : numpy.ndarray or None
        Shape (m,), integers 0 to classes - 1; None where the images have none.
    classes : int
        Number of classes ℓ; 0 without labels.
    name : str
        What the data are, for messages and records.
    max_value : float
        The value of a fully lit cell (255 for bytes), by which pre-processing divides; of targets, too.
    targets : numpy.ndarray or None
        What an image is to become, where that is an image: (m, c', n'_1, …, n'_d), of a dtype as images have.
    class_names : tuple of str
        What the classes are called, in their order; empty where they are numbers.

    Raises
    ------
    InputError
        If shapes, dtypes or ranges are not as above.

    Examples
    --------
    >>> data = Dataset(np.zeros((2, 1, 8, 8)), np.array([3, 1]), classes=10, name="two", max_value=1.0)
    >>> data.count, data.channels, data.grid
    (2, 1, Grid(shape=(8, 8)))
    >>> data[1:].labels.tolist()
    [1]
    >>> blurred = Dataset(np.zeros((2, 3, 8, 8)), None, 0, "RGB", 1.0, targets=np.ones((2, 3, 16, 16)))
    >>> blurred.channels, blurred.target_grid
    (3, Grid(shape=(16, 16)))
    """

    images: Array
    labels: Array
    classes: int
    name: str
    max_value: float
    targets: Array = None
    class_names: tuple[str, ...] = ()

    __repr__ = short_repr

    def __post_init__(self) -> None:
        _require_plain_images(self.images, "images")
        if self.labels is not None:
            require_shape(self.labels, (self.count,), "labels", "one label for each image")
            _require_labels(self.labels, self.classes)
            require_whole_fields(self, classes=2)
        elif self.classes != 0:
            raise InputError(f"there are no labels, but classes is {self.classes!r}; expected 0.")
        names = self.class_names
        if names and (self.labels is None or int(self.labels.max()) >= len(names)):
            raise InputError(f"{len(names)} class_names for {self.classes} classes; expected one for each.")
        if self.targets is not None:
            _require_plain_images(self.targets, "targets")
            if self.targets.shape[0] != self.count:
                raise InputError(
                    f"there are {self.targets.shape[0]} targets for {self.count} images; expected one each."
                )
        if not (np.isfinite(self.max_value) and self.max_value > 0):
            raise InputError(
                f"max_value is {self.max_value}; expected a positive number, such as 255 for bytes."
            )

    def __getitem__(self, part: slice) -> Dataset:
        """Return the examples of a slice, such as ``data[:100]``, as views; :func:`subset` chooses others."""
        if not isinstance(part, slice):
            raise InputError(
                f"{part!r} is no slice; expected one such as data[:100], or subset(data, [0, 2])."
            )
        labels, targets = (None if a is None else a[part] for a in (self.labels, self.targets))
        return replace(self, images=self.images[part], labels=labels, targets=targets)

    @property
    def count(self) -> int:
        """Number of examples m."""
        return int(self.images.shape[0])

    @property
    def channels(self) -> int:
        """Number of channels c of an image."""
        return int(self.images.shape[1])

    @property
    def grid(self) -> Grid:
        """The native grid of the images."""
        return Grid(tuple(self.images.shape[2:]))

    @property
    def target_grid(self) -> Grid:
        """The native grid of the targets, which need not be that of the images."""
        if self.targets is None:
            raise InputError(f"{self.name!r} has no targets; expected a data set of image pairs.")
        return Grid(tuple(self.targets.shape[2:]))


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
        Copies of the chosen images, labels and targets.

    Raises
    ------
    InputError
        If there is no index, one is out of range, or they are not integers.

    Examples
    --------
    >>> data = Dataset(np.zeros((3, 1, 8, 8)), np.array([3, 1, 2]), classes=10, name="three", max_value=1.0)
    >>> subset(data, [2, 0]).labels.tolist()
    [2, 3]
    """
    chosen = require_indices(indices, dataset.count)
    labels, targets = (None if a is None else a[chosen] for a in (dataset.labels, dataset.targets))
    return replace(dataset, images=dataset.images[chosen], labels=labels, targets=targets)


def with_class_names(dataset: Dataset, names: Sequence[str]) -> Dataset:
    """Return the examples with the classes of these names, by which labels are numbered anew.

    >>> data = Dataset(np.zeros((2, 1, 8)), np.array([0, 1]), 2, "two", 1.0, class_names=("cat", "dog"))
    >>> with_class_names(data, ("ant", "cat", "dog")).labels.tolist()
    [1, 2]
    """
    numbers = np.array([names.index(require_choice(one, names, "class")) for one in dataset.class_names])
    classes = max(len(names), 2)
    return replace(dataset, labels=numbers[dataset.labels], classes=classes, class_names=tuple(names))


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
    >>> data = Dataset(np.zeros((5, 1, 8, 8)), np.arange(5), classes=10, name="five", max_value=1.0)
    >>> first, second = split(data, 3, 2, seed=0)
    >>> sorted([*first.labels.tolist(), *second.labels.tolist()])
    [0, 1, 2, 3, 4]
    """
    seed = require_whole(seed, "seed")
    train, validation = require_whole(train, "train"), require_whole(validation, "validation")
    if min(train, validation) < 1 or train + validation > dataset.count:
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
        If there are no labels, one is out of range or no integer, or the dtype is another one.

    Examples
    --------
    >>> one_hot(np.array([1, 0, 1]), 2).tolist()
    [[0.0, 1.0, 0.0], [1.0, 0.0, 1.0]]
    """
    require_choice(dtype, ("float32", "float64"), "dtype")
    if labels is None:
        raise InputError("these images have no labels; expected a data set with labels, such as digits.")
    classes = require_whole(classes, "classes", 2)
    require_shape(labels, (None,), "labels")
    _require_labels(labels, classes)
    xp = backend_of(labels).xp
    return (xp.arange(classes)[:, None] == labels[None, :]).astype(dtype)


def _require_plain_images(images: Array, name: str) -> None:
    require_images(images, name=name)
    if str(images.dtype) not in _IMAGE_TYPES:
        raise InputError(f"{name} have dtype {images.dtype}; expected one of {', '.join(_IMAGE_TYPES)}.")
    if images.dtype.kind == "f" and not np.isfinite(images).all():
        raise InputError(f"{name} hold NaN or infinite values; expected finite ones. Remove those first.")


def _require_labels(labels: Array, classes: int) -> None:
    if labels.dtype.kind not in "iu":
        raise InputError(f"labels have dtype {labels.dtype}; expected integers.")
    require_whole(classes, "classes", 2)
    least, most = int(labels.min()), int(labels.max())
    if least < 0 or most >= classes:
        raise InputError(f"labels run from {least} to {most}; expected 0 to {classes - 1}.")
