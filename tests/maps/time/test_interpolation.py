"""θ(t) between the layers: which polynomials are met, and what it has to do with prolongation in depth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refms.maps.time.interpolation import INTERPOLATIONS, stage_matrix
from refms.multiscale.depth import time_interpolation_matrix

DEGREES = {"constant": 0, "linear": 1, "cubic": 3}
times = st.lists(st.tuples(st.integers(0, 2**20), st.floats(0, 1)), min_size=1, max_size=6)


@settings(max_examples=60)
@given(
    kind=st.sampled_from(INTERPOLATIONS), layers=st.integers(1, 9), where=times, seed=st.integers(0, 2**31)
)
def test_polynomials_of_its_degree_are_met(kind, layers, where, seed):
    steps, nodes = [k % layers for k, _ in where], [node for _, node in where]
    M = stage_matrix(layers, steps, nodes, kind).toarray()
    degree = min(DEGREES[kind], layers - 1)
    polynomial = np.polynomial.Polynomial(np.random.default_rng(seed).standard_normal(degree + 1))
    t = np.array(steps) + np.array(nodes)
    if kind == "linear":  # constant at the end
        t = np.minimum(t, layers - 1)
    expected = polynomial(t)
    scale = 8 * np.abs(polynomial.coef).sum() * max(layers, 1) ** degree
    assert np.abs(M @ polynomial(np.arange(layers)) - expected).max() <= 30 * np.finfo(float).eps * scale


def test_constant_parameters_are_those_of_the_step_even_at_its_end():
    M = stage_matrix(3, [0, 1, 2], [1.0, 1.0, 0.5], "constant").toarray()
    assert np.array_equal(M, np.eye(3))


def test_cubic_weights_are_those_of_lagrange():
    M = stage_matrix(6, [2, 5], [0.5, 1.0], "cubic").toarray()
    assert np.allclose(M[0], [0, -1 / 16, 9 / 16, 9 / 16, -1 / 16, 0], rtol=0, atol=1e-15)
    assert np.allclose(M[1], [0, 0, -1, 4, -6, 4], rtol=0, atol=1e-14)


@pytest.mark.parametrize("layers", [1, 2, 3, 8])
def test_linear_parameters_at_half_steps_are_those_of_the_net_of_twice_the_depth(layers):
    steps = [k for k in range(layers) for _ in range(2)]
    M = stage_matrix(layers, steps, [0.0, 0.5] * layers, "linear").toarray()
    assert np.array_equal(M, time_interpolation_matrix(layers, 2 * layers))
