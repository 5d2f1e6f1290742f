import sys

import numpy as np
import pytest

from refms.data import load_digits
from refms.errors import InputError


def test_the_digits_are_those_of_scikit_learn():
    data = load_digits()
    assert data.images.shape == (1797, 1, 8, 8)
    assert data.images.dtype == np.uint8
    assert (data.images.min(), data.images.max(), data.max_value) == (0, 16, 16.0)
    assert np.bincount(data.labels).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert data.images[0, 0, 0].tolist() == [0, 0, 5, 13, 9, 1, 0, 0]


def test_without_scikit_learn_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(InputError, match=r"pip install 'refms\[data\]'"):
        load_digits()
