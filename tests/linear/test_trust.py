"""Solvers at any scale, on singular matrices, and with products that change what they are given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from optimize.problems import normal, spd

from refms.errors import Array, InputError
from refms.linear.cg import conjugate_gradients
from refms.linear.direction import newton_direction
from refms.linear.extremes import extreme_eigenvalues
from refms.linear.kernel_polynomials import chebyshev_moments
from refms.linear.lanczos import lanczos
from refms.linear.outcome import Status
from refms.linear.probing import probed_diagonal
from refms.linear.quadrature import spectral_measure
from refms.linear.spectrum import Effort, spectrum_of
from refms.linear.steihaug import steihaug
from refms.linear.vectors import dot

POWERS = [("float64", 996), ("float64", -996), ("float32", 100), ("float32", -100), ("float32", 0)]
"""Powers of two near 1e300 and 1e30: what is scaled by them is the same, digit for digit."""
at_every_scale = pytest.mark.parametrize(("dtype", "power"), POWERS)


def matrix(A: Array, factor: float, dtype: str) -> Callable[[Array], Array]:
    scaled = (A * factor).astype(dtype)
    return lambda v: scaled @ v


def vector(b: Array, factor: float, dtype: str) -> Array:
    return (b * factor).astype(dtype)


@at_every_scale
@pytest.mark.parametrize(("of_matrix", "of_b"), [(1, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize("solved", [True, False])
def test_conjugate_gradients_at_every_scale(
    dtype: str, power: int, of_matrix: int, of_b: int, solved: bool
) -> None:
    A, b = spd(1, 9, 50.0, dtype), normal(2, 9, dtype)
    d = np.linspace(1.0, 2.0, 9).astype(dtype)
    options = {
        "tolerance": 1e-5,
        "max_iterations": 30,
        "preconditioner": (lambda r: r / d) if solved else None,
    }
    plain = conjugate_gradients(lambda v: A @ v, b, **options)
    factor = 2.0**power
    run = conjugate_gradients(matrix(A, factor**of_matrix, dtype), vector(b, factor**of_b, dtype), **options)
    assert run.outcome.status is Status.CONVERGED
    assert run.iterations == plain.iterations
    assert run.x.tolist() == vector(plain.x, factor ** (of_b - of_matrix), dtype).tolist()
    assert run.residual_norms == tuple(factor**of_b * one for one in plain.residual_norms)


@at_every_scale
@pytest.mark.parametrize(("of_matrix", "of_gradient"), [(1, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_trust_region_at_every_scale(
    dtype: str, power: int, of_matrix: int, of_gradient: int, sign: float
) -> None:
    """The path to 2ᵏ Δ for 2ⁱ H and 2ʲ g with k = j − i is 2ᵏ times the one to Δ."""
    H, g = spd(1, 6, 50.0, dtype) * np.dtype(dtype).type(sign), normal(2, 6, dtype)
    factor = 2.0**power
    length = factor ** (of_gradient - of_matrix)
    for radius in (0.1, 2.0, 1e3):
        expected, at_edge = steihaug(lambda v: H @ v, g, radius, tolerance=1e-4).cut(radius)
        path = steihaug(
            matrix(H, factor**of_matrix, dtype),
            vector(g, factor**of_gradient, dtype),
            length * radius,
            tolerance=1e-4,
        )
        step, edge = path.cut(length * radius)
        assert (edge, step.cg.outcome.status) == (at_edge, expected.cg.outcome.status)
        assert step.p.tolist() == vector(expected.p, length, dtype).tolist()


@pytest.mark.parametrize("radius", [1e-320, 1e-300, 1e-160, 1e160, np.inf])
@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_a_radius_of_any_size_beside_the_gradient(size: float, radius: float) -> None:
    g, H = size * np.array([1.0, 2.0, 2.0]) / 3.0, np.array([1.0, 2.0, 3.0])
    step, edge = steihaug(lambda v: H * v, g, radius, tolerance=1e-12).cut(radius)
    assert edge == (radius < size)
    assert step.p == pytest.approx(-radius * (g / size) if edge else -g / H, rel=1e-3 if edge else 1e-9)


@at_every_scale
def test_spectra_at_every_scale(dtype: str, power: int) -> None:
    factor, A = 2.0**power, spd(3, 70, 10.0, dtype)
    like = np.zeros(70, dtype)
    found = spectrum_of(matrix(A, factor, dtype), like, Effort(count=2, steps=8, probes=2))
    exact = np.linalg.eigvalsh(A.astype("float64")) * factor
    assert found.extremes.largest == pytest.approx(exact[::-1][:2], rel=1e-4)
    assert found.extremes.smallest == pytest.approx(exact[:2], rel=1e-4)
    assert all(np.isfinite(one.value).all() for one in found.densities().values())
    T = lanczos(matrix(A, factor, dtype), vector(np.ones(70), factor, dtype), 70)
    assert T.gauss_rule().nodes == pytest.approx(exact, rel=1e-4)


def test_a_product_that_underflows_keeps_its_sign() -> None:
    a = np.full(2, 1e-200)
    assert dot(a, -a) < 0.0 < dot(a, a)
    assert dot(np.array([1e-200, 0.0]), np.array([0.0, 1e-200])) == 0.0


def singular(seed: int, n: int, kernel: int, dtype: str) -> tuple[Array, Array]:
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    A = Q * np.append(np.linspace(1.0, 5.0, n - kernel), np.zeros(kernel)) @ Q.T
    return A.astype(dtype), rng.standard_normal(n).astype(dtype)


CASES = [(np.diag([1.0, 2.0, 0.0]), np.ones(3)), *(singular(seed, 12, 3, "float64") for seed in range(4))]
CASES += [singular(seed, 12, 3, "float32") for seed in range(4)]


@pytest.mark.parametrize("case", range(len(CASES)))
@pytest.mark.parametrize("solved", [True, False])
def test_a_right_hand_side_outside_the_range_is_told_as_a_singular_matrix(case: int, solved: bool) -> None:
    A, b = CASES[case]
    d = np.linspace(1.0, 2.0, b.size).astype(b.dtype)
    options = {
        "tolerance": 1e-10,
        "max_iterations": 100,
        "preconditioner": (lambda r: r / d) if solved else None,
    }
    run = conjugate_gradients(lambda v: A @ v, b, **options)
    assert run.outcome.status is Status.SINGULAR
    assert not run.outcome.success
    assert np.linalg.norm(run.x) < (1e10 if b.dtype == "float64" else 1e7)
    assert b @ run.x > 0
    path = steihaug(lambda v: A @ v, -b, 1e12, **options)
    step, edge = path.cut(1e12)
    assert (edge, step.cg.outcome.status) == (True, Status.SINGULAR)
    assert np.linalg.norm(step.p) <= 2e12


def test_singular_systems_with_a_solution_and_damped_ones_are_solved() -> None:
    A, b = CASES[1]
    inside = A @ b
    run = conjugate_gradients(lambda v: A @ v, inside, tolerance=1e-10, max_iterations=100)
    assert run.outcome.status is Status.CONVERGED
    assert newton_direction(
        b, lambda v: A @ v, damping=1e-3, tolerance=1e-8, max_iterations=100
    ).cg.outcome.success


def test_ill_conditioned_matrices_are_not_called_singular() -> None:
    for condition, dtype in ((1e12, "float64"), (1e5, "float32")):
        A = spd(5, 30, condition, dtype)
        run = conjugate_gradients(
            lambda v, A=A: A @ v, normal(6, 30, dtype), tolerance=0.0, max_iterations=25
        )
        assert run.outcome.status is Status.ITERATION_LIMIT


def in_place(v: Any) -> Any:
    v *= 2.0
    return v


SOLVERS: dict[str, Callable[[Any], object]] = {
    "conjugate gradients": lambda f: conjugate_gradients(f, np.ones(3)),
    "with a start": lambda f: conjugate_gradients(f, np.ones(3), x0=np.ones(3)),
    "Newton": lambda f: newton_direction(np.ones(3), f),
    "damped": lambda f: newton_direction(np.ones(3), f, damping=1.0),
    "Steihaug": lambda f: steihaug(f, np.ones(3), 1.0),
    "Lanczos": lambda f: lanczos(f, np.ones(3), 2),
    "quadrature": lambda f: spectral_measure(f, np.zeros(3), steps=1, probes=1, seed=0),
    "Chebyshev": lambda f: chebyshev_moments(f, np.zeros(3), (-9.0, 9.0), steps=1, probes=1, seed=0),
    "probing": lambda f: probed_diagonal(f, np.zeros(3), 1, 0),
    "dense extremes": lambda f: extreme_eigenvalues(f, np.zeros(3), 1),
    "extremes": lambda f: extreme_eigenvalues(f, np.zeros(100), 1),
}


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_product_that_changes_its_argument_is_noticed(solver: str) -> None:
    with pytest.raises(InputError, match="product modified its argument"):
        SOLVERS[solver](in_place)


@pytest.mark.parametrize("solver", [conjugate_gradients, lambda f, b, **more: steihaug(f, b, 1.0, **more)])
def test_a_preconditioner_that_changes_its_argument_is_noticed(solver: Any) -> None:
    with pytest.raises(InputError, match="preconditioner modified its argument"):
        solver(lambda v: 2.0 * v, np.ones(3), preconditioner=in_place)


def test_a_device_notices_it_too(fake_gpu: Any) -> None:
    def on_device(v: Any) -> Any:
        v[...] = 2.0 * v
        return v

    for more, name in (({}, "product"), ({"preconditioner": on_device}, "preconditioner")):
        product = on_device if name == "product" else lambda v: 3.0 * v
        with pytest.raises(InputError, match=f"{name} modified its argument"):
            conjugate_gradients(product, fake_gpu.array(np.ones(3)), **more)


def test_products_and_preconditioners_may_return_one_array_again_and_again() -> None:
    A, b, d = spd(1, 8, 100.0), normal(2, 8), np.linspace(1.0, 3.0, 8)
    held, scratch = np.empty(8), np.empty(8)

    def product(v: Array) -> Array:
        held[:] = A @ v
        return held

    def preconditioner(r: Array) -> Array:
        scratch[:] = r / d
        return scratch

    options = {"tolerance": 1e-9, "max_iterations": 30}
    run = conjugate_gradients(product, b, preconditioner=preconditioner, **options)
    expected = conjugate_gradients(lambda v: A @ v, b, preconditioner=lambda r: r / d, **options)
    assert run.x.tolist() == expected.x.tolist()
    ours, theirs = (
        steihaug(f, b, 1e3, preconditioner=g, **options).cut(1e3)[0].p
        for f, g in ((product, preconditioner), (lambda v: A @ v, lambda r: r / d))
    )
    assert ours.tolist() == theirs.tolist()


@pytest.mark.parametrize("bad", [1.5, True, float("nan"), 0])
def test_counts_that_are_none_are_refused(bad: Any) -> None:
    calls = {
        "max_iterations": lambda: conjugate_gradients(lambda v: v, np.ones(2), max_iterations=bad),
        "steps": lambda: lanczos(lambda v: v, np.ones(2), bad),
        "probes": lambda: probed_diagonal(lambda v: v, np.ones(2), bad, 0),
        "count": lambda: extreme_eigenvalues(lambda v: v, np.ones(2), bad),
        "max_iterations is": lambda: steihaug(lambda v: v, np.ones(2), 1.0, max_iterations=bad),
    }
    for name, call in calls.items():
        with pytest.raises(InputError, match=name):
            call()


def test_counts_of_numpy_and_whole_floats_are_counts() -> None:
    for count in (np.int32(2), 2.0, np.float64(2.0)):
        assert conjugate_gradients(lambda v: [1, 2] * v, np.ones(2), max_iterations=count).iterations == 2
        assert lanczos(lambda v: [1, 2] * v, np.ones(2), count).diagonal.shape == (2,)
