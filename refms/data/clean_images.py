"""Images of a data set as the columns that a task corrupts: a mesh, and values in [−1, 1]."""

from __future__ import annotations

import numpy as np

from refms.data.dataset import Dataset
from refms.errors import Array, InputError, note
from refms.grid import Grid, columns_from_nchw
from refms.stencils.transfer import transfer_pair


def clean_images(dataset: Dataset, grid: Grid | None = None) -> Array:
    """Return the images of a data set as feature columns with values in [−1, 1].

    Parameters
    ----------
    dataset : Dataset
        Images with values from 0 to ``max_value``.
    grid : Grid or None
        A mesh 2^k times as coarse as theirs, to which they are restricted by means of cells; None for theirs.

    Returns
    -------
    numpy.ndarray
        Shape (c·n, m), float64: 2 x / max_value − 1, channel slowest.

    Raises
    ------
    InputError
        If the mesh cannot be reached by halving, or an image leaves [0, max_value].

    Warns
    -----
    InputWarning
        If all values of all images are the same.

    Examples
    --------
    >>> two = Dataset(np.array([[[0, 255], [255, 0]]], "uint8")[:, None], None, 0, "one", max_value=255.0)
    >>> clean_images(two).ravel().tolist(), clean_images(two, Grid((1, 1))).ravel().tolist()
    ([-1.0, 1.0, 1.0, -1.0], [0.0])
    """
    X = columns_from_nchw(np.asarray(dataset.images, dtype="float64"))
    low, high = float(X.min()), float(X.max())
    if low < 0 or high > dataset.max_value:
        raise InputError(
            f"{dataset.name!r} has values from {low:g} to {high:g}; expected 0 to {dataset.max_value:g}, its "
            "max_value. State the largest value that an image may have."
        )
    X = 2.0 * X / dataset.max_value - 1.0
    levels = 0 if grid is None else grid.levels_to(dataset.grid)
    if levels < 0:
        raise InputError(f"the images have {dataset.grid.shape} cells; they are not made finer, {grid}.")
    if low == high:
        note(f"every value of the {dataset.count} images of {dataset.name!r} is {low:g}; expected pictures.")
    if levels == 0:
        return X
    pair = transfer_pair("averaging-constant")
    R = pair.restriction_matrix(dataset.grid, dataset.channels, levels=levels)
    return np.asarray(R @ X)
