"""Each check passes what is right and fails what is wrong by 0.1 %, by 1e-10, by a factor, or is NaN."""

import dataclasses
import math

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from refms import checks
from refms.errors import InputError
from refms.grid import Grid

quick = settings(deadline=None, max_examples=15)
seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(1, 9)
BOTH = pytest.mark.parametrize("dtype", ["float32", "float64"])


def random(seed, *shape, dtype="float64"):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


# report and residual


def test_the_verdict_changes_at_30_and_300():
    found = [checks.verdict(rho) for rho in (0.0, 30.0, 30.001, 300.0, 300.1, math.inf, math.nan)]
    assert found == ["PASS", "PASS", "MARGINAL", "MARGINAL", "FAIL", "FAIL", "FAIL"]


def test_only_pass_counts_as_passed():
    for outcome in ("PASS", "MARGINAL", "FAIL"):
        report = checks.Report("c", 1.0, outcome, "s.")
        assert report.passed == (outcome == "PASS") == report.as_dict()["passed"]
        assert str(report) == f"{outcome} c: s."
    with pytest.raises(dataclasses.FrozenInstanceError):
        report.rho = 2.0


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_the_residual_counts_eps_of_the_dtype(device, dtype):
    eps = np.finfo(dtype).eps
    got = device.array(np.array([1 + 2 * eps, 1.0], dtype))
    expected = device.array(np.ones(2, dtype))
    assert checks.scaled_residual(got, expected, 0.5) == pytest.approx(4.0, rel=1e-12)


def test_the_residual_of_the_unusable_never_passes():
    one, nan = np.ones(2), np.full(2, np.nan)
    assert math.isinf(checks.scaled_residual(one, np.ones((2, 1)), 1.0))  # broadcasting would hide it
    assert math.isnan(checks.scaled_residual(nan, one, 1.0))
    assert math.isnan(checks.scaled_residual(nan, one, 0.0))
    assert math.isinf(checks.scaled_residual(one, 0 * one, 0.0))
    assert checks.scaled_residual(0 * one, 0 * one, 0.0) == 0.0
    with pytest.raises(InputError, match="dtype"):
        checks.scaled_residual(np.ones(2, int), np.ones(2, int), 1.0)


# adjoint


def matvec(A):
    return lambda x: A @ x


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


def test_complex_maps_need_the_conjugate():
    A = random(3, 4, 4) + 1j * random(4, 4, 4)
    assert checks.adjoint_test(matvec(A), matvec(A.conj().T), 4, 4, "complex128").passed
    assert checks.adjoint_test(matvec(A), matvec(A.T), 4, 4, "complex128").verdict == "FAIL"


def test_an_operator_norm_as_scale():
    A = np.diag([1.0, 1e-12])
    wrong = np.diag([1.0, 1e-12 * (1 + 1e-3)])
    assert checks.adjoint_test(matvec(A), matvec(wrong), 2, 2, norm=1.0).rho < 10  # 1e-15 of the norm
    assert checks.adjoint_test(matvec(A), matvec(A.T), 2, 2, norm=1.0).passed


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


def test_the_check_needs_a_repetition():
    with pytest.raises(InputError, match="repeats"):
        checks.adjoint_test(matvec(np.eye(2)), matvec(np.eye(2)), 2, 2, repeats=0)


# a small smooth problem for the derivative checks


class Net:
    """F(x) = B tanh(A x) and f(x) = ½‖F(x)‖², with their derivatives."""

    def __init__(self, device, seed, n, dtype="float64"):
        self.xp = device.backend.xp
        self.A = device.array(random(seed, n + 1, n, dtype=dtype) / math.sqrt(n))
        self.B = device.array(random(seed + 1, n + 2, n + 1, dtype=dtype) / math.sqrt(n))
        self.x, self.v = (device.array(random(seed + k, n, dtype=dtype) / 2) for k in (2, 3))

    def F(self, x):
        A, B = (M.astype(x.real.dtype) for M in (self.A, self.B))
        return B @ self.xp.tanh(A @ x)

    def f(self, x):
        r = self.F(x)
        return 0.5 * (r * r).sum()

    def J(self, x, v):
        return self.B @ ((1 - self.xp.tanh(self.A @ x) ** 2) * (self.A @ v))

    def JT(self, x, g):
        return self.A.T @ ((1 - self.xp.tanh(self.A @ x) ** 2) * (self.B.T @ g))

    def gradient(self, x):
        return self.JT(x, self.F(x))

    def second(self, x, v):
        t, w = self.xp.tanh(self.A @ x), self.A @ v
        return self.B @ (-2 * t * (1 - t * t) * w * w)

    def hessian(self, x, v):
        t, w = self.xp.tanh(self.A @ x), self.A @ v
        bend = self.A.T @ (-2 * t * (1 - t * t) * w * (self.B.T @ self.F(x)))
        return self.JT(x, self.J(x, v)) + bend

    def gauss_newton(self, x, v):
        return self.JT(x, self.J(x, v))


# Taylor


def taylor_reports(device, seed, n):
    net = Net(device, seed, n)
    return (
        checks.taylor_test(net.f, net.x, net.v, gradient=net.gradient, hessian_product=net.hessian),
        checks.taylor_test(net.F, net.x, net.v, jvp=net.J, second_derivative=net.second),
    )


@given(seed=st.integers(0, 10**6), n=st.integers(2, 8))
@quick
def test_right_derivatives_never_fail(device, seed, n):
    for report in taylor_reports(device, seed, n):
        assert report.verdict != "FAIL", report
        for order in report.orders:
            assert order.slope >= order.order + 0.8
            assert order.verdict == "PASS" or order.order == 2


def test_right_derivatives_have_slopes_1_2_3_over_12_octaves(device):
    reports = [report for seed in range(10) for report in taylor_reports(device, 11 * seed, 6)]
    for report in reports:
        assert report.passed, report
        for order in report.orders:
            assert order.slope == pytest.approx(order.order + 1, abs=0.1)
            assert order.octaves >= 12
            assert order.window[0] == order.window[1] * 2**order.octaves
        assert len(report.steps) == len(report.floors) == len(report.remainders[2]) == 33


@pytest.mark.parametrize("error", [1e-3, -1e-3, 1e-6, 1.0])
def test_a_gradient_wrong_by_little_has_slope_1(device, error):
    for seed in range(5):
        net = Net(device, 7 * seed, 6)
        gradient, Jv = net.gradient(net.x), net.J(net.x, net.v)
        for report in (
            checks.taylor_test(net.f, net.x, net.v, gradient=(1 + error) * gradient),
            checks.taylor_test(net.F, net.x, net.v, jvp=(1 + error) * Jv),
        ):
            assert report.verdict == "FAIL"
            assert report.orders[0].verdict == "PASS"
            assert report.orders[1].tail == pytest.approx(1.0, abs=0.3)
            assert "instead of 2" in report.sentence


def test_a_hessian_wrong_by_a_thousandth_has_slope_2(device):
    net = Net(device, 3, 6)
    gradient = net.gradient(net.x)
    for factor in (1.001, 0.999):
        Hv = factor * net.hessian(net.x, net.v)
        report = checks.taylor_test(net.f, net.x, net.v, gradient=gradient, hessian_product=Hv)
        assert report.orders[1].verdict == "PASS"
        assert report.orders[2].slope == pytest.approx(2.0, abs=0.15)
        assert report.verdict == "FAIL"


def test_a_gauss_newton_product_is_no_hessian(device):
    net = Net(device, 4, 6)
    report = checks.taylor_test(net.f, net.x, net.v, gradient=net.gradient, hessian_product=net.gauss_newton)
    assert report.verdict == "FAIL"
    assert report.orders[2].slope == pytest.approx(2.0, abs=0.1)


def test_single_precision_says_what_it_cannot_see(device):
    net = Net(device, 5, 6, "float32")
    report = checks.taylor_test(net.f, net.x, net.v, gradient=net.gradient)
    assert report.verdict == "MARGINAL"
    assert report.orders[1].octaves <= 12
    assert "evaluate in double precision" in report.sentence


def test_a_double_route_tests_single_precision_derivatives(device):
    net = Net(device, 6, 6, "float32")

    def check(g):
        return checks.taylor_test(net.f, net.x, net.v, gradient=g, reference=net.f)

    right = check(net.gradient)
    assert right.passed, right
    assert check(1.001 * net.gradient(net.x)).verdict == "FAIL"
    assert checks.taylor_test(net.F, net.x, net.v, jvp=net.J, reference=net.F).passed


@BOTH
def test_linear_and_quadratic_maps_are_recognised(device, dtype):
    """A quadratic f is exact from order 2 on, a linear F from order 1 on, at round-off."""
    n = 12
    A = device.array(random(0, n, n, dtype=dtype))
    x, v = (device.array(random(k, n, dtype=dtype)) for k in (1, 2))
    linear = checks.taylor_test(matvec(A), x, v, jvp=A @ v)
    assert linear.passed, linear
    assert linear.orders[1].exact
    assert "exactly linear" in linear.sentence
    assert linear.rho < 30

    def quadratic(z):
        return 0.5 * ((A @ z) ** 2).sum()

    report = checks.taylor_test(
        quadratic, x, v, gradient=A.T @ (A @ x), hessian_product=A.T @ (A @ v), largest_step=1.0
    )
    assert report.orders[2].exact
    assert "exactly quadratic" in report.sentence
    assert report.verdict == ("PASS" if dtype == "float64" else "MARGINAL")


@pytest.mark.parametrize("error", [1e-3, 1e-8])
def test_a_wrong_derivative_of_a_linear_map_is_not_round_off(error):
    A, x, v = random(0, 4, 4), random(1, 4), random(2, 4)
    assert checks.taylor_test(matvec(A), x, v, jvp=(1 + error) * (A @ v)).verdict == "FAIL"


def test_a_null_direction_tests_nothing():
    report = checks.taylor_test(lambda z: z[0] ** 2, np.ones(2), np.array([0.0, 1.0]), gradient=np.zeros(2))
    assert report.verdict == "MARGINAL"
    assert "nothing was tested" in report.sentence


def test_a_null_direction_with_a_wrong_gradient_fails():
    report = checks.taylor_test(
        lambda z: z[0] ** 2, np.ones(2), np.array([0.0, 1.0]), gradient=np.array([2.0, 1e-6])
    )
    assert report.verdict == "FAIL"


def test_a_vanishing_next_derivative_passes_with_a_steeper_slope():
    """At 0 the odd function sin has R_1 = O(t³) and no second derivative."""
    x, v = np.zeros(3), np.array([1.0, -0.5, 0.25])
    report = checks.taylor_test(lambda z: np.sin(z).sum(), x, v, gradient=np.ones(3))
    assert report.passed, report
    assert report.orders[1].slope == pytest.approx(3.0, abs=0.05)


def test_noise_is_measured_and_shortens_the_window():
    x, v = random(1, 5), random(2, 5)

    def noisy(z):
        return np.exp(z).sum() * (1 + 1e-5 * math.sin(1e14 * float(z.sum())))

    clean = checks.taylor_test(lambda z: np.exp(z).sum(), x, v, gradient=np.exp(x))
    report = checks.taylor_test(noisy, x, v, gradient=np.exp(x))
    assert clean.passed
    assert clean.noise < 30
    assert report.noise > 1e5
    assert report.orders[1].octaves < 12
    assert report.verdict != "PASS"


def test_kinks_are_avoided_by_small_steps():
    x, v = np.array([1e-3, -1.0]), np.array([-1.0, 0.3])

    def relu(z):
        return np.maximum(z, 0.0)

    Jv = (x > 0) * v
    assert checks.taylor_test(relu, x, v, jvp=Jv, largest_step=1.0).verdict == "FAIL"
    assert checks.taylor_test(relu, x, v, jvp=Jv, largest_step=2.0**-10).passed


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_value_that_is_not_finite_fails(value):
    x = np.ones(2)
    report = checks.taylor_test(lambda z: z.sum() if z[0] == 1 else value, x, x, gradient=x)
    assert report.verdict == "FAIL"
    assert "not finite" in report.sentence
    assert checks.taylor_test(lambda z: z.sum(), x, x, gradient=value * x).verdict == "FAIL"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "exactly one"),
        ({"gradient": np.ones(2), "jvp": 1.0}, "exactly one"),
        ({"gradient": np.ones(3)}, "gradient has shape"),
        ({"jvp": np.ones(2)}, "derivative has"),
        ({"gradient": np.ones(2), "octaves": 11}, "octaves"),
        ({"gradient": np.ones(2), "largest_step": 0.0}, "largest_step"),
        ({"gradient": np.ones(2), "hessian_product": np.ones(3)}, "hessian_product has shape"),
    ],
)
def test_taylor_arguments_that_contradict_are_refused(arguments, said):
    with pytest.raises(InputError, match=said):
        checks.taylor_test(lambda z: z.sum(), np.ones(2), np.ones(2), **arguments)


# complex step


@BOTH
@given(seed=st.integers(0, 10**6), n=sizes)
@quick
def test_the_complex_step_agrees_to_round_off(device, dtype, seed, n):
    net = Net(device, seed, n, dtype)
    assert checks.complex_step_test(net.F, net.x, net.v, jvp=net.J).rho < 20
    assert checks.complex_step_test(net.f, net.x, net.v, gradient=net.gradient).rho < 20


@given(seed=st.integers(0, 10**6), n=st.integers(2, 9))
@quick
def test_the_complex_step_sees_1e10(device, seed, n):
    net = Net(device, seed, n)
    Jv = net.J(net.x, net.v)
    report = checks.complex_step_test(net.F, net.x, net.v, jvp=Jv * (1 + 1e-10))
    assert report.verdict == "FAIL"
    assert report.relative_error == pytest.approx(1e-10, rel=1e-3)
    right, wrong = net.gradient(net.x), net.gradient(net.x) * (1 + 1e-10)
    report = checks.complex_step_test(net.f, net.x, right, gradient=wrong)
    assert report.verdict == "FAIL"


def test_the_complex_step_needs_an_analytic_function():
    x, v = np.array([0.5, -0.25]), np.ones(2)
    for function in (lambda z: np.abs(z).sum(), lambda z: z.real.sum(), lambda z: float(z[0].real)):
        report = checks.complex_step_test(function, x, v, gradient=np.ones(2))
        assert report.verdict == "FAIL"
        assert "imaginary" in report.sentence
    conjugated = checks.complex_step_test(lambda z: (z * z.conj()).sum(), x, v, gradient=2 * x)
    assert conjugated.verdict == "FAIL"


def test_the_complex_step_keeps_the_precision():
    x = np.ones(2, "float32")
    report = checks.complex_step_test(lambda z: z.astype("complex128").sum(keepdims=True), x, x, jvp=x[:1])
    assert report.verdict == "FAIL"
    assert "precision" in report.sentence
    assert checks.complex_step_test(lambda z: z * np.nan, x, x, jvp=x).verdict == "FAIL"
    assert checks.complex_step_test(lambda z: z, x, x, jvp=x * np.nan).verdict == "FAIL"
    assert checks.complex_step_test(lambda z: z.sum(), x, x, jvp=x).verdict == "FAIL"
    assert checks.complex_step_test(lambda z: complex(z.sum()), x, x, gradient=x).passed


def test_complex_step_arguments_that_contradict_are_refused():
    x = np.ones(2)
    with pytest.raises(InputError, match="exactly one"):
        checks.complex_step_test(lambda z: z, x, x)
    with pytest.raises(InputError, match="real"):
        checks.complex_step_test(lambda z: z, x + 0j, x, jvp=x)
    with pytest.raises(InputError, match="mixed precision"):
        checks.complex_step_test(lambda z: z, x, x.astype("float32"), jvp=x)
    with pytest.raises(InputError, match="gradient has shape"):
        checks.complex_step_test(lambda z: z, x, x, gradient=np.ones(3))


# Gauss–Newton


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


def test_products_of_wrong_shape_or_dtype_fail():
    eye = matvec(np.eye(3))
    parts = {"jvp": eye, "vjp": eye, "loss_hessian": eye, "shape": 3}
    assert checks.gauss_newton_test(lambda v: v[:2], **parts).verdict == "FAIL"
    assert "precision" in checks.gauss_newton_test(lambda v: v.astype("float32"), **parts).sentence
    with pytest.raises(InputError, match="real"):
        checks.gauss_newton_test(eye, **parts, dtype="complex128")


# Galerkin


def circulant(s, n):
    """The 1-D matrix of a stencil, entry by entry."""
    K = np.zeros((n, n))
    for i in range(n):
        for k, value in enumerate(s):
            K[i, (i + k - len(s) // 2) % n] += value
    return K


def averaging(n):
    """The pair averaging-constant on n fine cells."""
    P = np.repeat(np.eye(n // 2), 2, axis=0)
    return P.T / 2, P


def coarse_stencil(s):
    """A s for averaging-constant: A = [[½,0,0],[½,1,½],[0,0,½]]."""
    return np.array([s[0] / 2, s[0] / 2 + s[1] + s[2] / 2, s[2] / 2])


def sparse_on(device, dtype, *matrices):
    return [device.backend.csr_from_host(scipy.sparse.csr_array(M.astype(dtype))) for M in matrices]


@BOTH
@given(seed=seeds, half=st.integers(1, 6))
@quick
def test_the_galerkin_product_is_the_convolution_with_the_coarse_stencil(device, dtype, seed, half):
    s = random(seed, 3)
    R, P = averaging(2 * half)
    matrices = sparse_on(device, dtype, R, circulant(s, 2 * half), P, circulant(coarse_stencil(s), half))
    assert checks.galerkin_test(*matrices).rho < 5
    stencil = device.array(coarse_stencil(s).astype(dtype))
    assert checks.galerkin_stencil_test(*matrices[:3], stencil, Grid((half,))).rho < 5


def test_the_stencil_form_in_two_dimensions_with_channels(device):
    rng = np.random.default_rng(0)
    S = rng.standard_normal((2, 3, 3, 5))
    grid = Grid((4, 3))
    K = np.zeros((2, 4, 3, 3, 4, 3))
    for o, c, i, j, a, b in np.ndindex(2, 3, 4, 3, 3, 5):
        K[o, i, j, c, (i + a - 1) % 4, (j + b - 2) % 3] += S[o, c, a, b]
    K = K.reshape(24, 36)
    one_out, fine, one_in = sparse_on(device, "float64", np.eye(24), K, np.eye(36))
    right = checks.galerkin_stencil_test(one_out, fine, one_in, device.array(S), grid)
    assert right.passed, right
    for wrong in (S[:, :, ::-1], S[:, :, :, ::-1], S * (1 + 1e-10), S + np.nan):
        report = checks.galerkin_stencil_test(one_out, fine, one_in, device.array(wrong), grid)
        assert report.verdict == "FAIL"


def test_wrong_coarse_matrices_fail(device):
    s = np.array([0.3, -1.0, 0.9])
    R, P = averaging(8)
    H = circulant(coarse_stencil(s), 4)
    cases = {
        "0.1 %": (1.001 * H, "1.001 times"),
        "1e-10": ((1 + 1e-10) * H, "1 + 1e-10 times"),
        "summed instead of averaged": (2 * H, "2 = 2^1 times"),
        "transposed": (H.T, "no constant factor"),
        "unchanged stencil": (circulant(s, 4), "no constant factor"),
        "nan": (H * np.nan, "differs"),
        "zero": (0 * H, "differs"),
        "wrong size": (circulant(s, 8), "fit together"),
    }
    for name, (wrong, said) in cases.items():
        report = checks.galerkin_test(*sparse_on(device, "float64", R, circulant(s, 8), P, wrong))
        assert report.verdict == "FAIL", name
        assert said in report.sentence, name


def test_a_zero_product_tests_nothing():
    zero, one = scipy.sparse.csr_array((2, 2), dtype=float), scipy.sparse.eye_array(2, format="csr")
    assert checks.galerkin_test(one, zero, one, zero).verdict == "MARGINAL"
    assert checks.galerkin_test(one, zero, one, one).verdict == "FAIL"


def test_galerkin_arguments_that_contradict_are_refused():
    one = scipy.sparse.eye_array(4, format="csr")
    with pytest.raises(InputError, match="mixed dtypes"):
        checks.galerkin_test(one, one.astype("float32"), one, one)
    with pytest.raises(InputError, match="odd extent"):
        checks.galerkin_stencil_test(one, one, one, np.ones(2), Grid((4,)))


# side effects


def test_checks_change_nothing_and_say_nothing(locked, capsys):
    A, x, v = (locked(random(k, *shape)) for k, shape in enumerate([(3, 3), (3,), (3,)]))
    state = np.random.get_state()[1].tolist()  # noqa: NPY002 (the global state must stay)
    checks.adjoint_test(matvec(A), matvec(A.T), 3, 3)
    checks.taylor_test(matvec(A), x, v, jvp=locked(A @ v))
    checks.complex_step_test(matvec(A), x, v, jvp=locked(A @ v))
    checks.gauss_newton_test(matvec(A.T @ A), matvec(A), matvec(A.T), lambda z: z, 3, explicit=True)
    one = scipy.sparse.csr_array(np.eye(3))
    checks.galerkin_test(one, one, one, one)
    assert capsys.readouterr() == ("", "")
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002


def test_checks_repeat_themselves():
    A = random(0, 4, 4)
    first, second, other = (
        checks.adjoint_test(matvec(A), matvec(A.T), 4, 4, seed=seed) for seed in (1, 1, 2)
    )
    assert first == second
    assert first.products != other.products


def test_reports_turn_into_plain_values():
    import json

    A = random(0, 4, 4)
    report = checks.taylor_test(matvec(A), A[0], A[1], jvp=A @ A[1])
    assert json.loads(json.dumps(report.as_dict()))["orders"][1]["exact"] is True
