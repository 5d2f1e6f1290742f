"""Patches of the two photographs inside scikit-learn: real colour images without a file or a network."""

from __future__ import annotations

import importlib

import numpy as np

from refms.data.dataset import Dataset
from refms.errors import InputError, require_choice

EDGE, STRIDE, TRAINED_COLUMNS = 64, 32, 480
"""Cells of a patch, from one training patch to the next, and the columns of a photograph that they cover."""


def load_photographs(part: str = "train") -> Dataset:
    """Return patches of the photographs ``china`` and ``flower``, for restoring images.

    Parameters
    ----------
    part : str
        ``"train"``: overlapping patches of the left three quarters; ``"test"``: patches of the right quarter
        that do not overlap.

    Returns
    -------
    Dataset
        Images uint8 0 to 255 of shape (m, 3, 64, 64), row first, without labels: m = 336 or 24.

    Raises
    ------
    InputError
        If scikit-learn or Pillow is not installed, or ``part`` is another word.

    Notes
    -----
    Photographs by Yuichi Sakuraba ("china") and dany13 ("flower"), CC BY 2.0, 427 × 640 pixels. Training and
    test patches come from the same two pictures: figures on them say how far a training got, not how well a
    network does on other images.

    Examples
    --------
    >>> load_photographs("test").images.shape
    (24, 3, 64, 64)
    """
    require_choice(part, ("train", "test"), "part of the data set")
    try:  # it imports Pillow when it is called
        photographs = importlib.import_module("sklearn.datasets").load_sample_images().images
    except ImportError as error:
        raise InputError(
            f"the photographs come with scikit-learn and are read by Pillow ({error}). Install both with "
            "pip install 'refms[data]', or choose another data set."
        ) from error
    patches = []
    for photograph in photographs:
        rows, columns = photograph.shape[:2]
        step = STRIDE if part == "train" else EDGE
        first, last = (0, TRAINED_COLUMNS) if part == "train" else (TRAINED_COLUMNS, columns)
        patches += [
            photograph[i : i + EDGE, j : j + EDGE]
            for i in range(0, rows - EDGE + 1, step)
            for j in range(first, last - EDGE + 1, step)
        ]
    images = np.ascontiguousarray(np.moveaxis(np.stack(patches), 3, 1))
    return Dataset(images, None, 0, f"photographs {part}", max_value=255.0)
