"""The Lanczos process: exact quadrature, exact spectra, orthogonality where rounding would lose it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from linear.known_spectra import counted, laplacian, laplacian_eigenvalues

from refms.errors import InputError
from refms.linear.lanczos import lanczos


@pytest.mark.parametrize("n", [2, 5, 30, 100])
def test_as_many_steps_as_rows_give_every_eigenvalue_once(n):
    product, _ = counted(laplacian(n))
    T = lanczos(product, np.random.default_rng(n).standard_normal(n), n)
    nodes = T.gauss_rule().nodes
    assert nodes.shape == (n,)
    assert np.abs(nodes - laplacian_eigenvalues(n)).max() <= 1e-13 * n
    assert T.last == 0.0


@settings(max_examples=30)
@given(n=st.integers(4, 30), k=st.integers(1, 6), seed=st.integers(0, 2**31))
def test_the_gauss_rule_is_exact_to_degree_2k_minus_1_and_no_further(n, k, seed):
    rng = np.random.default_rng(seed)
    A = rng.standard_normal((n, n))
    A = (A + A.T) / np.linalg.norm(A)
    start = rng.standard_normal(n)
    steps = min(k, n - 1)
    rule = lanczos(lambda v: A @ v, start, steps).gauss_rule()
    q = start / np.linalg.norm(start)
    for degree in range(2 * steps + 1):
        expected = q @ np.linalg.matrix_power(A, degree) @ q
        found = rule.weights @ rule.nodes**degree
        if degree < 2 * steps:
            assert abs(found - expected) <= 1e-13
    # degree 2k: the error is the square of the product of the β, never zero for a generic matrix
    T = lanczos(lambda v: A @ v, start, steps)
    error = np.prod(np.append(T.off_diagonal, T.last)) ** 2
    assert abs(expected - found - error) <= 1e-13


def test_no_eigenvalue_comes_up_twice():
    """Without reorthogonalisation the far eigenvalue would come up again after some twenty steps."""
    values = np.append(np.linspace(0, 1, 199), 1000.0)
    T = lanczos(lambda v: values * v, np.ones(200), 60)
    nodes = T.gauss_rule().nodes
    assert (nodes > 2).sum() == 1
    assert nodes[-1] == pytest.approx(1000.0, rel=1e-13)


def test_an_invariant_space_ends_the_process_with_its_own_eigenvalues():
    A = np.diag([1.0, 2.0, 3.0, 50.0])
    product, calls = counted(A)
    T = lanczos(product, np.array([1.0, 1.0, 0.0, 0.0]), 4)
    assert len(calls) == 2
    assert T.gauss_rule().nodes == pytest.approx([1.0, 2.0], abs=1e-14)
    assert T.interval() == pytest.approx((1.0, 2.0), abs=1e-13)
    zero = lanczos(lambda v: 0 * v, np.ones(3), 3)
    assert (zero.gauss_rule().nodes.tolist(), zero.last) == ([0.0], 0.0)


@pytest.mark.parametrize("steps", [1, 3, 8, 15])
def test_an_eigenvalue_lies_within_the_residual_of_each_end(steps):
    A, exact = laplacian(40), laplacian_eigenvalues(40)
    T = lanczos(lambda v: A @ v, np.random.default_rng(1).standard_normal(40), steps)
    low, high = T.interval()
    nodes = T.gauss_rule().nodes
    assert low <= nodes[0]
    assert high >= nodes[-1]
    assert np.abs(exact - nodes[0]).min() <= nodes[0] - low + 1e-14
    assert np.abs(exact - nodes[-1]).min() <= high - nodes[-1] + 1e-14


def test_bad_input_is_refused(locked):
    with pytest.raises(InputError, match="start of a Lanczos process is zero"):
        lanczos(lambda v: v, np.zeros(3), 2)
    with pytest.raises(InputError, match="NaN or infinite"):
        lanczos(lambda v: v * np.nan, np.ones(3), 2)
    with pytest.raises(InputError, match="steps"):
        lanczos(lambda v: v, np.ones(3), 0)
    lanczos(lambda v: 2 * v, locked(np.ones(3)), 2)
