"""Operators: the algebra is that of their matrices, the transpose is one, SciPy takes them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import scipy.sparse.linalg
import scipy.special
from optimize.problems import locked, normal, rho, spd
from small_problems import problem_and_blocks

from refms.errors import InputError
from refms.linear.cg import conjugate_gradients
from refms.linear.product import Operator


def operator(A):
    return Operator(A.shape, str(A.dtype), lambda v: A @ v, lambda w: A.T @ w)


def matrices(dtype="float64"):
    rng = np.random.default_rng(0)
    return [rng.standard_normal((3, 5)).astype(dtype) for _ in range(2)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_algebra_is_that_of_the_matrices(dtype):
    A, B = matrices(dtype)
    P, Q = operator(A), operator(B)
    C, R = A.T, P.T
    for made, expected in (
        (P + Q, A + B),
        (P - Q, A - B),
        (2.0 * P, 2 * A),
        (P @ R, A @ C),
        (R @ Q, C @ B),
        ((P - 0.5 * Q).T, (A - 0.5 * B).T),
        ((R @ Q).T, (C @ B).T),
    ):
        assert made.shape == expected.shape
        v, w = (normal(i, n, dtype) for i, n in enumerate(reversed(made.shape)))
        assert (made @ v).dtype == (made.T @ w).dtype == dtype
        assert rho(made @ v, expected @ v, 30.0) < 30
        assert rho(made.T @ w, expected.T @ w, 30.0) < 30
        assert rho(made.to_dense().astype(dtype), expected, 30.0) < 30


@pytest.mark.parametrize("name", ["propagation", "classifier"])
def test_the_curvature_of_the_problem_is_an_operator_for_scipy(name):
    problem, blocks = problem_and_blocks()
    x = blocks[name]
    G = problem.block(name, blocks).curvature(x)
    dense = G.to_dense()
    assert np.abs(dense - dense.T).max() < 1e-14 * np.abs(dense).max()
    b = G @ normal(1, x.size)  # the bias of the classifier is free along (1, …, 1)
    ours = conjugate_gradients(G, b, tolerance=1e-10, max_iterations=200)
    theirs, info = scipy.sparse.linalg.cg(G.to_scipy(), b, rtol=1e-10, atol=0.0, maxiter=200)
    assert info == 0
    assert np.linalg.norm(ours.x - theirs) < 1e-7 * np.linalg.norm(theirs)


@pytest.mark.parametrize("second_order", [False, True])
def test_scipy_finds_the_ends_of_the_spectrum_of_the_joint_matrix(second_order):
    problem, blocks = problem_and_blocks()
    x = problem.join(blocks)
    f = replace(problem, second_order=second_order).block("joint", blocks)
    A = f.curvature(x)
    assert (A.shape, A.dtype, A.T.shape) == ((x.size, x.size), "float64", (x.size, x.size))
    matrix = explicit_hessian(f, x) if second_order else explicit_gauss_newton(f, x)
    V = np.random.default_rng(2).standard_normal((x.size, 3))
    np.testing.assert_allclose(A @ V, matrix @ V, rtol=1e-12, atol=1e-13)
    expected = np.linalg.eigvalsh(matrix)
    for which, wanted in (("LA", expected[-3:]), ("SA", expected[:3])):
        # Several eigenvalues are nearly 0, and SciPy's own start is another one in each call.
        found = scipy.sparse.linalg.eigsh(
            A.to_scipy(), 3, which=which, return_eigenvectors=False, v0=V[:, 0], ncv=min(x.size - 1, 60)
        )
        np.testing.assert_allclose(np.sort(found), wanted, rtol=1e-9, atol=1e-11)


def columns_by_complex_steps(function, x):
    """Return ∂function/∂x column by column, exact to round-off: Im f(x + i·10⁻³⁰ e_k) / 10⁻³⁰."""
    return np.stack([function(x + 1e-30j * e).imag / 1e-30 for e in np.eye(x.size)], axis=-1)


def explicit_hessian(f, x):
    return columns_by_complex_steps(lambda z: f.value_and_gradient(z)[1], x)


def explicit_gauss_newton(f, x):
    """Return 1/m Σ_j J_jᵀ (diag p_j − p_j p_jᵀ) J_j + Q, with p_j the softmax of the logits of image j."""
    X = f.examples.inputs
    J = columns_by_complex_steps(lambda z: f.map.evaluate(z, X), x)
    P = scipy.special.softmax(f.map.evaluate(x, X), axis=0)
    curved = [J[:, j].T @ (np.diag(p) - np.outer(p, p)) @ J[:, j] for j, p in enumerate(P.T)]
    return np.mean(curved, axis=0) + f.regularizer.Q.toarray()


def test_numbers_of_numpy_multiply_operators_and_arrays_do_not():
    A, _ = matrices()
    product = np.float64(2) * operator(A)
    assert rho(product @ normal(0, 5), 2 * A @ normal(0, 5), 30.0) < 30
    with pytest.raises(TypeError):  # and no array of operators
        np.ones(5) * operator(A)


def test_scipy_finds_singular_values_by_products_with_the_transpose(device):
    A = np.random.default_rng(1).standard_normal((30, 20))
    held = device.array(A)
    J = Operator(A.shape, "float64", lambda v: held @ v, lambda w: held.T @ w, device.backend)
    found = scipy.sparse.linalg.svds(J.to_scipy(), 3, return_singular_vectors=False)
    assert np.sort(found) == pytest.approx(np.sort(np.linalg.svd(A, compute_uv=False)[:3]), rel=1e-10)


def test_single_precision_products_get_single_vectors():
    seen = []

    def product(v):
        seen.append(v.dtype)
        return 2 * v

    found = Operator.symmetric(product, np.zeros(4, dtype="float32")).to_scipy() @ np.ones(4)
    assert (found.dtype, set(seen)) == (np.dtype("float64"), {np.dtype("float32")})


def test_wrong_vectors_and_an_unknown_transpose_are_refused():
    J = Operator((2, 3), "float64", lambda v: v[:2])
    assert J(locked(np.ones(3))).shape == (2,)
    for bad in (np.ones(2), np.ones((3, 1)), np.ones(3, dtype="float32")):
        with pytest.raises(InputError, match=r"expected \(3,\) and float64"):
            J(bad)
    with pytest.raises(InputError, match="transpose"):
        J.T @ np.ones(2)


def test_the_dot_test_tells_a_wrong_transpose():
    A = spd(1, 4)
    right, wrong = operator(A), Operator((4, 4), "float64", lambda v: A @ v, lambda w: 2 * (A @ w))
    v, w = normal(2, 4), normal(3, 4)
    gaps = [abs(w @ (J @ v) - v @ (J.T @ w)) for J in (right, wrong)]
    assert gaps[0] < 1e-12
    assert gaps[1] > 1e-3
