"""What the tests of stencils share: random geometries, write-locked numbers, and errors in units of eps."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from refms.grid import Grid
from refms.stencils.convolution import Convolution
from refms.stencils.transfer import TRANSFER_PAIRS

LIMIT = 30
DTYPES = ("float32", "float64", "complex64", "complex128")

seeds = st.integers(0, 2**32 - 1)
pairs = st.sampled_from(TRANSFER_PAIRS)
boundaries = st.sampled_from(("periodic", "zero"))
orientations = st.sampled_from(("correlation", "convolution"))
channels = st.tuples(st.integers(1, 3), st.integers(1, 3))


def shapes(*largest):
    """Shapes of grids down to one cell, with at most so many cells along an axis in 1, 2 and 3 dimensions."""
    return st.integers(1, 3).flatmap(lambda d: st.tuples(*[st.integers(1, largest[d - 1])] * d))


def shapes_and_sizes(largest=6, sizes=(1, 3, 5)):
    """Grids with stencils, up to wider than the grid, so that entries that wrap around meet often."""
    return st.integers(1, 3).flatmap(
        lambda d: st.tuples(
            st.tuples(*[st.integers(1, largest)] * d), st.tuples(*[st.sampled_from(sizes)] * d)
        )
    )


@st.composite
def convolutions(draw, cells=(9, 6, 4), c_in=(1, 2, 3), c_out=(1, 2, 3), of=boundaries):
    """Convolutions down to one cell and up to stencils of 7 cells."""
    shape = draw(shapes(*cells))
    sizes = (1, 3, 5, 7) if len(shape) < 3 else (1, 3, 5)
    return Convolution(
        Grid(shape),
        draw(st.sampled_from(c_in)),
        draw(st.sampled_from(c_out)),
        draw(st.tuples(*[st.sampled_from(sizes)] * len(shape))),
        draw(of),
        draw(orientations),
    )


def draw_array(seed, shape, dtype="float64"):
    """Normal numbers, locked against writing: whoever changes an input fails its test."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal(shape) + (1j * rng.standard_normal(shape) if "complex" in dtype else 0)
    array = np.asarray(values).astype(dtype)
    array.flags.writeable = False
    return array


def rho(got, expected, scale):
    """The largest error in units of eps · scale, entry by entry; where the scale is 0 the error must be 0."""
    error = np.abs(got - expected)
    assert np.all(error[scale == 0] == 0)
    return np.max(error / np.where(scale == 0, 1, np.finfo(got.dtype).eps * scale), initial=0)
