"""Training images drawn anew for each epoch: mirrored and shifted, the same ones for the same seed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from refms.data.dataset import Dataset
from refms.errors import Array, InputError, require_whole_fields


@dataclass(frozen=True)
class Augmentation:
    """What may happen to an image without another class.

    Parameters
    ----------
    flip : bool
        It is mirrored along its last axis with probability ½.
    shift_cells : int
        It moves by −s to s whole cells along each axis, each as probable: a random crop of the image padded
        by so many cells. Beyond its edge the nearest cell stands again.
    """

    flip: bool = False
    shift_cells: int = 0

    def __post_init__(self) -> None:
        require_whole_fields(self, shift_cells=0)

    @property
    def changes(self) -> bool:
        """Whether anything happens at all."""
        return self.flip or self.shift_cells > 0


def augment(dataset: Dataset, augmentation: Augmentation, seed: int, epoch: int) -> Dataset:
    """Return the images of an epoch, each mirrored or not and shifted; labels stay.

    Parameters
    ----------
    dataset : Dataset
        Labelled images, (m, c, n_1, …, n_d).
    augmentation : Augmentation
        What is drawn.
    seed, epoch : int
        Name the draws, those of ``numpy.random.default_rng``.

    Returns
    -------
    Dataset
        A new one; the very same where nothing is to happen.

    Raises
    ------
    InputError
        If the images are paired with targets.

    Notes
    -----
    y_{k, i} = x_{k, c(i + s_k)} with c(i) = min(max(i, 0), n − 1) along every axis and a shift s_k for each
    image k; n − 1 − i in the place of i along the last axis where image k is mirrored.

    Examples
    --------
    >>> data = Dataset(np.arange(3.0).reshape(1, 1, 3), np.array([0]), 2, "one", 1.0)
    >>> found = {tuple(augment(data, Augmentation(flip=True), 0, e).images[0, 0].tolist()) for e in range(9)}
    >>> sorted(found)
    [(0.0, 1.0, 2.0), (2.0, 1.0, 0.0)]
    """
    if not augmentation.changes:
        return dataset
    if dataset.targets is not None:
        raise InputError(f"{dataset.name!r} has image pairs; expected labelled images to be augmented.")
    rng = np.random.default_rng([seed, epoch])
    mirrored = rng.random(dataset.count) < 0.5 * augmentation.flip
    s, d = augmentation.shift_cells, dataset.grid.dimension
    shifts = rng.integers(-s, s + 1, (d, dataset.count))
    images = dataset.images
    for axis, (n, shift) in enumerate(zip(dataset.grid.shape, shifts, strict=True), 2):
        last = axis == images.ndim - 1
        images = np.take_along_axis(images, _cells(n, shift, mirrored & last, axis, images.ndim), axis)
    return replace(dataset, images=images)


def _cells(n: int, shift: Array, mirrored: Array, axis: int, ndim: int) -> Array:
    """Return which cell along an axis each cell of each image takes, shape (m, 1, …, n, …, 1)."""
    i = np.arange(n)
    places = np.where(mirrored[:, None], n - 1 - i, i) + shift[:, None]
    shape = (len(shift), *[n if one == axis else 1 for one in range(1, ndim)])
    return np.clip(places, 0, n - 1).reshape(shape)
