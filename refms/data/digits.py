"""The 1,797 handwritten digits of 8×8 cells inside scikit-learn: real data without a file or a network."""

from __future__ import annotations

import numpy as np

from refms.data.dataset import Dataset
from refms.errors import required


def load_digits() -> Dataset:
    """Return the embedded digits, the default data set.

    Returns
    -------
    Dataset
        Images uint8 0 to 16 of shape (1797, 1, 8, 8), row first; labels 0 to 9.

    Raises
    ------
    InputError
        If scikit-learn is not installed.

    Notes
    -----
    They are the test half of the UCI data set "Optical recognition of handwritten digits" (E. Alpaydin,
    C. Kaynak, 1998): 32×32 bitmaps, counted in blocks of 4×4.

    Examples
    --------
    >>> digits = load_digits()
    >>> digits.images.shape, digits.images.max(), digits.classes
    ((1797, 1, 8, 8), np.uint8(16), 10)
    """
    source = required(
        "sklearn.datasets",
        "the digits come with scikit-learn, which cannot be imported ({error}). "
        "Install it with pip install 'refms[data]', or choose another data set.",
    )
    bunch = source.load_digits()
    images = np.ascontiguousarray(bunch.images).astype("uint8")[:, None]
    return Dataset(images, bunch.target.astype("int64"), classes=10, name="digits", max_value=16.0)
