"""Each method of each library that is installed is the matrix that refms says."""

from __future__ import annotations

import importlib.util
import itertools
from pathlib import Path

import numpy as np
import pytest

from refms.grid import Grid
from refms.stencils.resize import resize_matrix
from refms.stencils.resize_methods import RESIZE_METHODS

PLACE = Path(__file__).parents[2] / "validation" / "peers" / "resizing.py"
SPECIFICATION = importlib.util.spec_from_file_location("resizing", PLACE)
resizing = importlib.util.module_from_spec(SPECIFICATION)
SPECIFICATION.loader.exec_module(resizing)

LIBRARIES = {"opencv": "cv2", "pillow": "PIL"}
SINGLE = ("pillow", "opencv-cubic", "opencv-area")
"""Methods whose weights are rounded to single precision."""


@pytest.mark.parametrize("method", RESIZE_METHODS)
def test_a_method_is_the_matrix_that_is_said(method):
    library = method.partition("-")[0]
    pytest.importorskip(LIBRARIES.get(library, library), reason="pip install 'refms[peers,resize-peers]'")
    _, resize = resizing.CALLS[method]
    sizes = [*itertools.product((1, 7, 50), (2, 5, 64)), (63, 21), (54, 60)]
    for n, m in sizes if library != "jax" else sizes[::3]:
        found, ties = resizing.deviations(resize, RESIZE_METHODS[method], n, m)
        assert found[~ties].max(initial=0.0) < (1e-5 if method.startswith(SINGLE) else 1e-13), (n, m)


def test_every_method_is_called_in_one_way():
    assert set(resizing.CALLS) == set(RESIZE_METHODS)


def test_ties_are_where_centres_and_edges_meet():
    assert resizing.ties("nearest", 8, 6).tolist() == [True, False, False] * 2
    assert resizing.ties("nearest-exact", 8, 6).tolist() == [False, True, False] * 2
    assert resizing.ties("box", 3, 2).tolist() == [True, True]
    assert not resizing.ties("box", 6, 2).any()
    assert not np.any([resizing.ties("linear", n, 3) for n in (1, 2, 3, 9)])


WIDE = {"torch-area", "torch-bilinear-antialias", "torch-bicubic-antialias", "jax-linear", "jax-cubic"}
WIDE |= {"pillow-box", "pillow-bilinear", "pillow-bicubic", "opencv-area"}
"""Methods that read more cells where images become smaller."""


@pytest.mark.parametrize("method", RESIZE_METHODS)
def test_a_method_keeps_constants_and_images_of_the_same_size(method):
    """Whether its library is there or not."""
    given = RESIZE_METHODS[method]
    np.testing.assert_allclose(
        resize_matrix(Grid((5,)), Grid((5,)), **given).toarray(), np.eye(5), atol=1e-15
    )
    smaller = resize_matrix(Grid((12,)), Grid((2,)), **given).toarray()
    np.testing.assert_allclose(smaller.sum(axis=1), 1, rtol=1e-14)
    assert (np.count_nonzero(smaller, axis=1) > 4).all() == (method in WIDE)
