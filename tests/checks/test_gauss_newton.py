"""Gauss–Newton products are symmetric, semi-definite and composed; wrong ones are not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smooth_problem import matvec, random

from refms import checks
from refms.errors import InputError

quick = settings(max_examples=15)
sizes = st.integers(1, 9)
BOTH = pytest.mark.parametrize("dtype", ["float32", "float64"])


def gauss_newton(device, seed, n, m, dtype="float64"):
    """Return J, H = MᵀM and the four functions."""
    J = device.array(random(seed, m, n, dtype=dtype))
    M = device.array(random(seed + 1, m, m, dtype=dtype))
    parts = {"jvp": matvec(J), "vjp": matvec(J.T), "loss_hessian": lambda z: M.T @ (M @ z)}
    return {"product": lambda v: J.T @ (M.T @ (M @ (J @ v))), **parts}


@BOTH
@given(seed=st.integers(0, 10**6), n=sizes, m=sizes)
@quick
def test_a_gauss_newton_product_passes(device, dtype, seed, n, m):
    parts = gauss_newton(device, seed, n, m, dtype)
    report = checks.gauss_newton_test(
        **parts, shape=n, dtype=dtype, seed=seed, explicit=True, backend=device.backend
    )
    assert report.passed, report
    assert report.semidefinite <= 1.0
    assert report.explicit < 5


def wrong_products():
    n = 6
    rng = np.random.default_rng(0)
    J, skew = rng.standard_normal((4, n)), rng.standard_normal((n, n))
    G, skew = J.T @ J, skew - skew.T
    null = np.linalg.svd(J)[2][-1]
    return {
        "0.1 %": (1.001 * G, "1.001 times"),
        "1e-10": ((1 + 1e-10) * G, "1 + 1e-10 times"),
        "missing h^d": (G / 16, "0.0625 = h^2 times"),
        "negative": (-G, "-1 times"),
        "not symmetric": (G + 1e-8 * skew, "not symmetric"),
        "one negative eigenvalue": (G - 1e-6 * np.outer(null, null), "JᵀHJ"),
        "damped": (G + 1e-3 * np.eye(n), "vjp(H jvp(v))"),
        "nan": (G * np.nan, "not symmetric"),
    }, J


@pytest.mark.parametrize("case", wrong_products()[0])
def test_wrong_products_fail(case):
    cases, J = wrong_products()
    G, said = cases[case]
    report = checks.gauss_newton_test(
        matvec(G), matvec(J), matvec(J.T), lambda z: z, 6, explicit=True, lengths={"h": 0.25}
    )
    assert report.verdict == "FAIL"
    assert said in report.sentence


def test_the_explicit_matrix_finds_what_random_vectors_miss():
    """A wrong vjp that product and composition share shows only against the columns of J."""
    J = random(0, 3, 4)
    wrong = J.copy()
    wrong[2] = 0.0
    J2 = np.diag([1.0, 1.0, 0.0]) @ J
    hidden = {
        "product": matvec(wrong.T @ wrong),
        "jvp": matvec(J),
        "vjp": matvec(J2.T),
        "loss_hessian": lambda z: z,
    }
    assert checks.gauss_newton_test(**hidden, shape=4).passed
    assert checks.gauss_newton_test(**hidden, shape=4, explicit=True).verdict == "FAIL"


def test_an_indefinite_product_fails_even_if_it_is_consistent():
    J = random(0, 3, 4)

    def report(H):
        return checks.gauss_newton_test(
            matvec(J.T @ H @ J), matvec(J), matvec(J.T), matvec(H), shape=4, explicit=True
        )

    for lowest in (-1.0, -1e-6):  # a tiny negative eigenvalue shows in the whole matrix only
        found = report(np.diag([1.0, 2.0, lowest]) if lowest > -1 else -np.eye(3))
        assert found.verdict == "FAIL"
        assert found.composition < 5
        assert (found.semidefinite > 30) == (lowest == -1.0)
        assert found.explicit > 30


def test_products_of_wrong_shape_or_dtype_fail():
    eye = matvec(np.eye(3))
    parts = {"jvp": eye, "vjp": eye, "loss_hessian": eye, "shape": 3}
    assert checks.gauss_newton_test(lambda v: v[:2], **parts).verdict == "FAIL"
    assert "precision" in checks.gauss_newton_test(lambda v: v.astype("float32"), **parts).sentence
    with pytest.raises(InputError, match="real"):
        checks.gauss_newton_test(eye, **parts, dtype="complex128")


def test_a_zero_product_tests_nothing():
    def zero(v):
        return 0 * v

    assert checks.gauss_newton_test(zero, zero, zero, zero, 3).verdict == "MARGINAL"
    assert (
        checks.gauss_newton_test(zero, matvec(np.eye(3)), matvec(np.eye(3)), lambda z: z, 3).verdict == "FAIL"
    )


def softmax_network(seed, m, classes, n):
    """Return J, the softmax's H for m examples with their columns below each other, and G by its examples."""
    rng = np.random.default_rng(seed)
    J, p = rng.standard_normal((classes * m, n)), rng.dirichlet(np.ones(classes), m).T
    H = np.zeros((classes, m, classes, m))
    for j in range(m):
        H[:, j, :, j] = np.diag(p[:, j]) - np.outer(p[:, j], p[:, j])
    parts = J.reshape(classes, m, n)
    G = sum(parts[:, j].T @ H[:, j, :, j] @ parts[:, j] for j in range(m))
    return J, H.reshape(classes * m, -1), G


@pytest.mark.parametrize(("m", "classes"), [(1, 2), (2, 2), (1, 3), (2, 5)])
def test_terms_that_cancel_in_the_softmax_are_no_mistake(m, classes):
    """H leaves hardly anything of a Jv with almost equal entries; what is left has few digits."""
    worst = 0.0
    for seed in range(400):
        J, H, G = softmax_network(seed, m, classes, 12)
        found = checks.gauss_newton_test(matvec(G), matvec(J), matvec(J.T), matvec(H), 12, seed=seed)
        worst = max(worst, found.rho)
        assert found.passed, found
        wrong = (1 + 1e-11) * G
        found = checks.gauss_newton_test(matvec(wrong), matvec(J), matvec(J.T), matvec(H), 12, seed=seed)
        assert found.verdict == "FAIL", found
    assert worst < 10
