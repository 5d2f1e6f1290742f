"""Right derivatives have remainders of slopes 1, 2, 3; derivatives wrong by 0.1 % have not."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smooth_problem import Net, matvec, random

from refms import checks
from refms.checks.convergence import fit_order
from refms.errors import InputError

quick = settings(max_examples=15)
BOTH = pytest.mark.parametrize("dtype", ["float32", "float64"])


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
            if order.verdict == "PASS":
                assert order.slope >= order.order + 0.8
            else:
                assert order.order == 2  # few octaves are left between round-off and the next order


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
    report = checks.taylor_test(net.f, net.x, net.v, gradient=net.gradient, hessian_product=net.hessian)
    assert report.verdict == "MARGINAL"
    assert report.orders[2].octaves < 12
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
    def along(*v):
        return checks.taylor_test(
            lambda z: z[0] ** 2, np.ones(2), np.array(v), gradient=np.zeros(2), directions=1
        )

    for v in ((0.0, 1.0), (0.0, 0.0)):
        report = along(*v)
        assert report.verdict == "MARGINAL"
        assert "nothing was tested" in report.sentence
    assert along(1.0, 0.0).verdict == "FAIL"


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
        ({"gradient": np.ones(2), "octaves": 11}, "octaves"),
        ({"gradient": np.ones(2), "largest_step": 0.0}, "largest_step"),
    ],
)
def test_taylor_arguments_that_contradict_are_refused(arguments, said):
    with pytest.raises(InputError, match=said):
        checks.taylor_test(lambda z: z.sum(), np.ones(2), np.ones(2), **arguments)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"gradient": np.ones(3)}, "gradient has shape"),
        ({"jvp": np.ones(2)}, "derivative has"),
        ({"gradient": np.ones(2), "hessian_product": np.ones(3)}, "hessian_product has shape"),
        ({"gradient": np.ones(2), "second_derivative": np.ones(2)}, "second derivative has"),
    ],
)
def test_derivatives_of_another_shape_fail(arguments, said):
    report = checks.taylor_test(lambda z: z.sum(), np.ones(2), np.ones(2), **arguments)
    assert report.verdict == "FAIL"
    assert said in report.sentence


def test_a_function_that_changes_its_shape_fails():
    report = checks.taylor_test(lambda z: z[: 1 + int(z[0] > 1)], np.ones(2), np.ones(2), jvp=np.ones(1))
    assert report.verdict == "FAIL"


def test_too_few_points_for_a_slope_are_marginal():
    """With a third derivative of 1e-15 order 2 lies above round-off at the largest steps only."""
    x, v = np.ones(2), np.array([1.0, 0.5])

    def f(z):
        return (z**2).sum() + 2e-15 * ((z - 1) ** 3).sum()

    report = checks.taylor_test(f, x, v, gradient=2 * x, hessian_product=2 * v)
    assert report.orders[2].verdict == "MARGINAL"
    assert report.verdict == "MARGINAL"


@pytest.mark.parametrize(("bend", "outcome"), [(0, "PASS"), (1, "PASS"), (8, "PASS"), (64, "MARGINAL")])
def test_higher_orders_may_bend_the_line(bend, outcome):
    """t³ / (1 + bend t) has slope 2 at the largest steps and 3 at the smallest: a late asymptote."""
    steps = [4.0 * 2.0**-k for k in range(15)]
    assert fit_order(2, steps, [t**3 / (1 + bend * t) for t in steps], [1e-30] * 15).verdict == outcome


def test_a_lower_order_may_not():
    steps = [4.0 * 2.0**-k for k in range(15)]
    assert fit_order(2, steps, [t**3 + 1e-3 * t**2 for t in steps], [1e-30] * 15).verdict == "FAIL"


@pytest.mark.parametrize(
    ("slope", "outcome"), [(2.65, "FAIL"), (2.75, "MARGINAL"), (2.95, "PASS"), (4.0, "PASS")]
)
def test_a_straight_line_is_judged_by_its_slope(slope, outcome):
    steps = [4.0 * 2.0**-k for k in range(15)]
    found = fit_order(2, steps, [t**slope for t in steps], [1e-30] * 15)
    assert found.verdict == outcome
    assert found.slope == pytest.approx(slope)
