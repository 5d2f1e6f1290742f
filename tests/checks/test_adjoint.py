"""The dot test passes transposes and weighted adjoints, and names the factor that is missing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smooth_problem import matvec, random

from refms import checks
from refms.checks.factor import constant_factor, name_factor
from refms.errors import InputError

quick = settings(max_examples=15)
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 9)
BOTH = pytest.mark.parametrize("dtype", ["float32", "float64"])


@BOTH
@given(seed=seeds, rows=sizes, columns=sizes, examples=sizes)
@quick
def test_a_transpose_is_an_adjoint(device, dtype, seed, rows, columns, examples):
    A = device.array(random(seed, rows, columns, dtype=dtype))
    report = checks.adjoint_test(
        matvec(A),
        matvec(A.T),
        (columns, examples),
        (rows, examples),
        dtype,
        seed=seed,
        backend=device.backend,
    )
    assert report.passed
    assert report.rho <= 2.0


@BOTH
@given(seed=seeds, n=st.integers(2, 9))
@quick
def test_a_wrong_transpose_is_seen(device, dtype, seed, n):
    A = random(seed, n, n, dtype=dtype)
    wrong = A.T.copy()
    wrong[0, 1] += np.linalg.norm(A) / 1000
    A, wrong = device.array(A), device.array(wrong)
    report = checks.adjoint_test(matvec(A), matvec(wrong), n, n, dtype, seed=seed, backend=device.backend)
    assert report.rho > 30
    assert dtype == "float32" or report.factor is None


def test_an_adjoint_wrong_by_1e10_is_seen():
    A = random(0, 5, 5)
    report = checks.adjoint_test(matvec(A), matvec(A.T * (1 + 1e-10)), 5, 5)
    assert report.verdict == "FAIL"


@given(seed=seeds, shape=st.lists(st.integers(1, 4), min_size=1, max_size=3))
@quick
def test_adjoints_keep_their_inner_products(seed, shape):
    """P with h^d on the fine and H^d on the coarse side has the adjoint P^T h^d / H^d."""
    n, d = int(np.prod(shape)), len(shape)
    P = random(seed, 2 * n, n)
    weights = {"weight_in": 2.0**d / n, "weight_out": 1 / n}
    right = checks.adjoint_test(matvec(P), matvec(P.T / 2**d), n, 2 * n, **weights)
    plain = checks.adjoint_test(matvec(P), matvec(P.T), n, 2 * n, **weights)
    assert right.passed
    assert plain.verdict == "FAIL"
    assert plain.factor == pytest.approx(2**d)


def test_array_weights():
    A, w = random(1, 3, 4), np.array([1.0, 2.0, 3.0])
    assert checks.adjoint_test(matvec(A), lambda y: A.T @ (w * y), 4, 3, weight_out=w).passed
    assert not checks.adjoint_test(matvec(A), lambda y: A.T @ y, 4, 3, weight_out=w).passed


@pytest.mark.parametrize(
    ("factor", "lengths", "named"),
    [
        (0.25, {"h": 0.5}, "0.25 = h^2"),
        (1 / 28**2, {"h": 1 / 28}, "0.00127551 = h^2"),
        (-1.0, {"h": 1 / 28}, "-1"),
        (1 / 7, {}, "0.142857 = shape_in[0]^-1"),
        (0.125, {}, "0.125 = 2^-3"),
        (1.7, {}, "1.7 from"),
    ],
)
def test_a_missing_factor_is_named(factor, lengths, named):
    A = random(2, 5, 7)
    report = checks.adjoint_test(matvec(A), matvec(factor * A.T), 7, 5, lengths=lengths)
    assert report.verdict == "FAIL"
    assert report.factor == pytest.approx(factor)
    assert f"factor {named}" in report.sentence


def test_factors_need_two_pairs_and_differ_from_one():
    assert constant_factor([0.5, -1.0], [2.0, -4.0], 1e-6) == 0.25
    for got, expected in (
        ([1.0], [2.0]),
        ([1.0, 2.0], [1.0, 2.0]),
        ([1.0, 2.0], [0.0, 0.0]),
        ([1.0, 2.0], [2.0, 1.0]),
    ):
        assert constant_factor(got, expected, 1e-6) is None
    assert name_factor(1 / 3, {}) == "0.333333"


def test_complex_maps_need_the_conjugate():
    A = random(3, 4, 4) + 1j * random(4, 4, 4)
    assert checks.adjoint_test(matvec(A), matvec(A.conj().T), 4, 4, "complex128").passed
    assert checks.adjoint_test(matvec(A), matvec(A.T), 4, 4, "complex128").verdict == "FAIL"


def test_an_operator_norm_as_scale():
    A = np.diag([1.0, 1e-12])
    wrong = np.diag([1.0, 1e-12 * (1 + 1e-3)])
    assert checks.adjoint_test(matvec(A), matvec(wrong), 2, 2, norm=1.0).rho < 10  # 1e-15 of the norm
    one, two = (checks.adjoint_test(matvec(A), matvec(2 * A), 2, 2, norm=c).rho for c in (1.0, 2.0))
    assert one == pytest.approx(2 * two)
    assert one > 1e15


def bad_results():
    A = random(5, 3, 3)
    return {
        "nan": (matvec(A), lambda y: A.T @ y * np.nan, "FAIL"),
        "nan forward": (lambda x: A @ x * np.nan, matvec(A.T), "FAIL"),
        "infinite": (matvec(A), lambda y: A.T @ y * np.inf, "FAIL"),
        "zero adjoint": (matvec(A), lambda y: 0 * y, "FAIL"),
        "zero forward": (lambda x: 0 * x, matvec(A.T), "FAIL"),
        "both zero": (lambda x: 0 * x, lambda y: 0 * y, "MARGINAL"),
        "wrong shape": (matvec(A), lambda y: (A.T @ y)[:, None], "FAIL"),
        "scalar": (matvec(A), lambda y: 1.0, "FAIL"),
        "wrong precision": (matvec(A), lambda y: (A.T @ y).astype("float32"), "FAIL"),
    }


@pytest.mark.parametrize("case", bad_results())
def test_null_adapters_never_pass(case):
    forward, adjoint, outcome = bad_results()[case]
    report = checks.adjoint_test(forward, adjoint, 3, 3)
    assert report.verdict == outcome
    assert report.sentence.endswith(".")


@pytest.mark.parametrize("wrong_call", range(4))
def test_every_repetition_counts(wrong_call):
    calls = iter(range(4))

    def adjoint(y):
        return y * (1 + 1e-3 * (next(calls) == wrong_call))

    assert checks.adjoint_test(lambda x: 1 * x, adjoint, 3, 3, repeats=4).verdict == "FAIL"


@pytest.mark.parametrize("seed", [-1, 1.5, "three"])
def test_a_seed_that_is_no_whole_number_is_refused(seed):
    with pytest.raises(InputError, match="seed"):
        checks.adjoint_test(lambda x: x, lambda y: y, 3, 3, seed=seed)
    with pytest.raises(InputError, match="seed"):
        checks.gauss_newton_test(lambda v: v, lambda v: v, lambda g: g, lambda z: z, 3, seed=seed)
