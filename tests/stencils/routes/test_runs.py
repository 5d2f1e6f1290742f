"""Cells in runs: with plain loops over them, the convolution is that of the matrix."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from stencils.drawn import boundaries, seeds, shapes_and_sizes

from refms.grid import Grid
from refms.stencils.convolution import Convolution
from refms.stencils.routes.route import Geometry
from refms.stencils.routes.runs import runs_of


@settings(max_examples=60)
@given(shapes_and_sizes(7), boundaries, seeds)
def test_loops_over_runs_are_the_convolution(shape_and_sizes, boundary, seed):
    shape, sizes = shape_and_sizes
    table, all_taps = runs_of(Geometry(Grid(shape), sizes, boundary))
    rng = np.random.default_rng(seed)
    s, y = rng.standard_normal(sizes), rng.standard_normal(math.prod(shape))
    found = np.full(y.size, np.nan)
    for first, length, start, count in table:
        for i in range(length):
            assert np.isnan(found[first + i])  # every cell once
            taps = all_taps[start : start + count]
            found[first + i] = sum(s.reshape(-1)[tap] * y[cell + i] for tap, cell in taps)
    K = Convolution(Grid(shape), 1, 1, sizes, boundary).matrix(s[None, None])
    np.testing.assert_allclose(found, K @ y, rtol=0, atol=1e-12)
    firsts = table[:, 0]
    assert (np.diff(firsts) > 0).all()
    assert table.dtype == all_taps.dtype == np.int64


def test_runs_are_as_long_as_they_can_be():
    lengths = {
        ((3, 8), (3, 3)): [1, 6, 1] * 3,
        ((2, 9), (1, 5)): [1, 1, 5, 1, 1] * 2,
        ((2, 8), (3, 1)): [8, 8],
        ((2, 8), (1, 1)): [16],
        ((4,), (5,)): [1, 1, 1, 1],
    }
    for (shape, sizes), expected in lengths.items():
        for boundary in ("periodic", "zero"):
            table, _ = runs_of(Geometry(Grid(shape), sizes, boundary))
            assert table[:, 1].tolist() == expected
