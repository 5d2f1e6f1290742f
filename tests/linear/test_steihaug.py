import math

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st
from optimize.problems import normal, spd

from refms.errors import InputError
from refms.linear.steihaug import steihaug
from refms.optimize import Status, conjugate_gradients


def model(H, g, p):
    return float(g @ p + 0.5 * p @ H @ p)


def dense(H, g, radius):
    """Return the minimiser in the ball, from the eigenvalues of H and the secular equation."""
    values, Q = np.linalg.eigh(H)
    c = Q.T @ g
    if values[0] > 0 and np.linalg.norm(c / values) <= radius:
        return -Q @ (c / values)
    low = max(0.0, -values[0])

    def excess(shift):
        return np.linalg.norm(c / (values + shift)) - radius

    shift = scipy.optimize.brentq(excess, low + 1e-13, low + 1e6, xtol=1e-15, rtol=1e-15)
    return -Q @ (c / (values + shift))


def indefinite(seed, n):
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.standard_normal((n, n)))[0]
    return Q * np.linspace(-1.0, 2.0, n) @ Q.T


def test_inside_the_region_the_step_is_that_of_conjugate_gradients():
    H, g = spd(1, 8), normal(2, 8)
    step, edge = steihaug(lambda v: H @ v, g, 1e3, tolerance=1e-13, max_iterations=100).cut(1e3)
    cg = conjugate_gradients(lambda v: H @ v, -g, tolerance=1e-13, max_iterations=100)
    assert not edge
    assert step.cg.iterations == cg.iterations
    assert np.allclose(step.p, cg.x, rtol=1e-10)
    assert step.cg.residual_norms == pytest.approx(cg.residual_norms, rel=1e-6)
    assert step.cg.model_values == pytest.approx(cg.model_values, rel=1e-9)


@pytest.mark.parametrize("radius", [1e-6, 0.1, 0.4])
def test_in_one_dimension_of_krylov_space_the_edge_is_the_dense_solution(radius):
    # g is an eigenvector, so that the Krylov space holds the solution for every radius
    H = spd(1, 6)
    g = np.linalg.eigh(H)[1][:, 2]
    step, edge = steihaug(lambda v: H @ v, g, radius, tolerance=1e-14).cut(radius)
    expected = dense(H, g, radius)
    assert edge == (np.linalg.norm(expected) > radius * (1 - 1e-9))
    assert np.allclose(step.p, expected, rtol=0, atol=1e-12 * radius)


@pytest.mark.parametrize("make", [lambda seed: spd(seed, 5), lambda seed: indefinite(seed, 5)])
@given(seed=st.integers(0, 10**6), exponent=st.floats(-3, 1))
def test_the_step_gains_at_least_half_of_the_dense_solution_where_that_is_convex(make, seed, exponent):
    H, g, radius = make(seed), np.random.default_rng(seed + 1).standard_normal(5), 10.0**exponent
    step, edge = steihaug(lambda v: H @ v, g, radius, tolerance=1e-12, max_iterations=50).cut(radius)
    assert np.linalg.norm(step.p) <= radius * (1 + 1e-10)
    assert edge == (np.linalg.norm(step.p) >= radius * (1 - 1e-10))
    assert -step.predicted_decrease(1.0) == pytest.approx(model(H, g, step.p), rel=1e-8, abs=1e-12)
    best = model(H, g, dense(H, g, radius))
    cauchy = min(radius / np.linalg.norm(g), g @ g / (g @ H @ g) if g @ H @ g > 0 else math.inf)
    assert best * (1 + 1e-8) - 1e-12 <= model(H, g, step.p) <= model(H, g, -cauchy * g) + 1e-12
    if np.linalg.eigvalsh(H)[0] > 0:  # Yuan (2000): at least half of the best decrease
        assert model(H, g, step.p) <= 0.5 * best + 1e-12


@given(seed=st.integers(0, 10**6), share=st.floats(0.01, 1.0))
def test_a_shorter_radius_cuts_the_same_path(seed, share):
    H, g = indefinite(seed, 6), np.random.default_rng(seed).standard_normal(6)
    path = steihaug(lambda v: H @ v, g, 3.0, tolerance=1e-10)
    cut, edge = path.cut(3.0 * share)
    again, same = steihaug(lambda v: H @ v, g, 3.0 * share, tolerance=1e-10).cut(3.0 * share)
    assert edge == same
    assert np.allclose(cut.p, again.p, rtol=1e-9, atol=1e-12)
    assert cut.cg.outcome.status == again.cg.outcome.status
    assert cut.cg.iterations == again.cg.iterations


def test_the_path_says_where_it_ended():
    """With H = I one step is exact; a radius below ‖g‖ cuts it."""
    g = normal(5, 9)
    ends = [steihaug(lambda v: 1.0 * v, g, share * np.linalg.norm(g)).status for share in (2.0, 0.5)]
    assert ends == [Status.CONVERGED, Status.BOUNDARY]


def test_norms_and_models_along_the_path_are_monotone():
    H, g = indefinite(4, 9), normal(5, 9)
    path = steihaug(lambda v: H @ v, g, 50.0, tolerance=1e-12, max_iterations=30)
    assert path.status is Status.NEGATIVE_CURVATURE
    sizes = [math.sqrt(segment.pp) for segment in path.segments]
    assert sizes == sorted(sizes)
    values = path.cut(50.0)[0].cg.model_values
    assert list(values) == sorted(values, reverse=True)


def test_with_a_preconditioner_the_region_is_an_ellipsoid():
    H, g, M = spd(1, 6), normal(2, 6), np.diag(np.linspace(1.0, 5.0, 6))
    solve = np.linalg.inv(M)
    step, edge = steihaug(lambda v: H @ v, g, 0.2, tolerance=1e-12, preconditioner=lambda r: solve @ r).cut(
        0.2
    )
    assert edge
    assert math.sqrt(step.p @ M @ step.p) == pytest.approx(0.2, rel=1e-10)
    # the same as without, in the variable M^½ p
    root = np.sqrt(M)
    inverse = np.linalg.inv(root)
    plain, _ = steihaug(lambda v: inverse @ H @ inverse @ v, inverse @ g, 0.2, tolerance=1e-12).cut(0.2)
    assert np.allclose(root @ step.p, plain.p, rtol=1e-9)


def test_negative_curvature_at_once_is_followed_to_the_edge():
    step, edge = steihaug(lambda v: -v, np.array([3.0, 4.0]), 10.0).cut(10.0)
    assert edge
    assert step.p.tolist() == pytest.approx([-6.0, -8.0])
    assert step.cg.outcome.status is Status.NEGATIVE_CURVATURE
    assert step.curvature == pytest.approx(-100.0)


def test_what_is_not_finite_ends_the_path_with_what_there_is():
    calls = []

    def breaks(v):
        calls.append(v)
        return v * (1.0 if len(calls) < 2 else math.nan) * np.array([1.0, 2.0, 3.0])

    step, _ = steihaug(breaks, np.ones(3), 1e3, tolerance=1e-12).cut(1e3)
    assert step.cg.outcome.status is Status.NON_FINITE
    assert step.cg.iterations == 1
    assert np.isfinite(step.p).all()
    nothing, edge = steihaug(lambda v: v * math.nan, np.ones(2), 1.0).cut(1.0)
    assert not edge
    assert nothing.p.tolist() == [0.0, 0.0]


def test_an_indefinite_preconditioner_is_named():
    path = steihaug(lambda v: v, np.ones(2), 1.0, preconditioner=lambda r: -r)
    assert path.status is Status.INDEFINITE_PRECONDITIONER


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_precision_and_place_are_kept(device, dtype):
    g = device.array(normal(2, 6, dtype))
    H = device.array(spd(1, 6, 100.0, dtype))
    step, _ = steihaug(lambda v: H @ v, g, 0.1).cut(0.1)
    assert device.owns(step.p)
    assert step.p.dtype == dtype
    assert float(np.linalg.norm(device.host(step.p))) == pytest.approx(0.1, rel=1e-5)


@pytest.mark.parametrize(
    "bad",
    [{"radius": 0.0}, {"radius": "a"}, {"tolerance": -1.0}, {"tolerance": "a"}, {"max_iterations": 0}],
)
def test_bad_options_are_refused(bad):
    options = {"radius": 1.0, **bad}
    with pytest.raises(InputError, match=r"expected a positive radius|max_iterations"):
        steihaug(lambda v: v, np.ones(2), options.pop("radius"), **options)
