"""No check passes what is wrong: at any scale, with arguments changed in place, or where nothing was seen."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from smooth_problem import matvec, random

from refms import checks
from refms.errors import InputError

SCALES = [
    ("float64", 1e160),
    ("float64", 1e-165),
    ("float64", 1e-200),
    ("float64", 1e300),
    ("float64", 1e-300),
    ("float32", 1e30),
    ("float32", 1e-30),
]
ROOM = {"float64": 1e-10, "float32": 1e-2}
"""A relative error that each precision must see."""
at_every_scale = pytest.mark.parametrize(("dtype", "scale"), SCALES)
OFF = np.array([1.0, 0.0])


def scaled(A: Any, factor: float, dtype: str) -> Any:
    return matvec((factor * A).astype(dtype))


@at_every_scale
def test_the_dot_test_at_every_scale(dtype: str, scale: float) -> None:
    A = random(0, 2, 3)
    forward, adjoint = scaled(A, scale, dtype), scaled(A.T, scale, dtype)
    assert checks.adjoint_test(forward, adjoint, 3, 2, dtype).passed
    wrong = checks.adjoint_test(forward, scaled(A.T, scale / 2, dtype), 3, 2, dtype)
    assert (wrong.verdict, wrong.factor) == ("FAIL", pytest.approx(0.5))
    assert not checks.adjoint_test(forward, scaled(A.T, scale * (1 + ROOM[dtype]), dtype), 3, 2, dtype).passed


@at_every_scale
def test_derivatives_at_every_scale(dtype: str, scale: float) -> None:
    x, v, size = random(1, 4, dtype=dtype), random(2, 4, dtype=dtype), np.dtype(dtype).type(scale)

    def f(z: Any) -> Any:
        return (size * np.exp(z)).sum()

    g = size * np.exp(x)
    for gradient, passes in ((g, True), (g * np.dtype(dtype).type(1 + 10 * ROOM[dtype]), False)):
        assert checks.complex_step_test(f, x, v, gradient=gradient).passed == passes
    assert checks.taylor_test(f, x, v, gradient=g).verdict != "FAIL"
    assert checks.taylor_test(f, x, v, gradient=g * np.dtype(dtype).type(1.1)).verdict == "FAIL"


@at_every_scale
def test_products_at_every_scale(dtype: str, scale: float) -> None:
    A, one = random(3, 2, 4), np.eye(4)
    J = {
        "jvp": scaled(A, 1, dtype),
        "vjp": scaled(A.T, 1, dtype),
        "loss_hessian": scaled(np.eye(2), scale, dtype),
    }
    for factor in (1.0, 0.5, -1.0):
        product = scaled(A.T @ A, factor * scale, dtype)
        report = checks.gauss_newton_test(product, **J, shape=4, dtype=dtype, explicit=True)
        assert report.passed == (factor == 1.0), report
    matrices = [M.astype(dtype) for M in (A, scale * one, A.T, scale * A @ A.T, 2 * scale * A @ A.T)]
    assert checks.galerkin_test(*matrices[:4]).passed
    assert checks.galerkin_test(*matrices[:3], matrices[4]).factor == pytest.approx(2.0)


def in_place(factor: float) -> Any:
    def multiply(x: Any) -> Any:
        x *= factor
        return x

    return multiply


@pytest.mark.parametrize(("back", "verdict"), [(5.0, "FAIL"), (3.0, "MARGINAL")])
def test_maps_that_work_in_place_are_told_so_and_never_pass(back: float, verdict: str) -> None:
    report = checks.adjoint_test(in_place(3.0), in_place(back), 4, 4)
    assert report.verdict == verdict
    assert "forward modified its argument; adjoint modified its argument" in report.sentence
    assert verdict == "FAIL" or "holds" in report.sentence
    x, v = np.ones(3), np.ones(3)
    for name, report in {
        "function": checks.complex_step_test(in_place(3.0), x, v, jvp=3.0 * v),
        "jvp": checks.complex_step_test(lambda z: 3.0 * z, x, v, jvp=lambda _, d: in_place(3.0)(d)),
        "value": checks.taylor_test(in_place(3.0), x, v, jvp=3.0 * v),
        "loss_hessian": checks.gauss_newton_test(
            lambda d: 3.0 * d, lambda d: d, lambda d: d, in_place(3.0), 3
        ),
    }.items():
        assert report.verdict == "MARGINAL"
        assert f"{name} modified its argument" in report.sentence
    assert x.tolist() == v.tolist() == [1.0, 1.0, 1.0]


def test_a_map_that_returns_one_buffer_again_and_again_is_judged_by_what_it_returned() -> None:
    A, buffer = random(0, 3, 3), np.empty(3)

    def product(v: Any) -> Any:
        buffer[:] = A.T @ (A @ v)
        return buffer

    assert checks.gauss_newton_test(product, matvec(A), matvec(A.T), lambda z: z, 3).passed


NONE, PAIR = np.ones(0), np.ones(2)

NOTHING_SEEN: dict[str, Callable[[], checks.Report]] = {
    "empty adjoint": lambda: checks.adjoint_test(lambda x: x, lambda y: 2 * y, 0, 0),
    "zero maps": lambda: checks.adjoint_test(lambda x: 0 * x, lambda y: 0 * y, 3, 3),
    "zero weights": lambda: checks.adjoint_test(
        lambda x: x, lambda y: y, 3, 3, weight_in=0.0, weight_out=0.0
    ),
    "empty product": lambda: checks.gauss_newton_test(*[lambda v: v] * 4, shape=0, explicit=True),
    "empty complex step": lambda: checks.complex_step_test(lambda z: z.sum(), NONE, NONE, gradient=NONE),
    "direction zero": lambda: checks.complex_step_test(lambda z: z.sum(), PAIR, 0 * PAIR, gradient=7 * PAIR),
    "zero derivative": lambda: checks.complex_step_test(lambda z: (0 * z).sum(), PAIR, gradient=0 * PAIR),
    "orthogonal": lambda: checks.complex_step_test(
        lambda z: z[0], PAIR, np.array([0.0, 1.0]), gradient=OFF, directions=1
    ),
    "empty Taylor": lambda: checks.taylor_test(lambda z: z.sum(), NONE, NONE, gradient=NONE),
    "Taylor along zero": lambda: checks.taylor_test(lambda z: z.sum(), PAIR, 0 * PAIR, gradient=7 * PAIR),
    "constant": lambda: checks.taylor_test(lambda z: 0 * z.sum(), PAIR, gradient=0 * PAIR),
    "empty matrices": lambda: checks.galerkin_test(*[np.ones((0, 0))] * 4),
    "zero matrices": lambda: checks.galerkin_test(*[np.zeros((2, 2))] * 4),
}


@pytest.mark.parametrize("case", NOTHING_SEEN)
def test_where_nothing_was_tested_the_verdict_is_marginal_and_says_so(case: str) -> None:
    report = NOTHING_SEEN[case]()
    assert report.verdict == "MARGINAL"
    assert "nothing was tested" in report.sentence
    assert not report


@pytest.mark.parametrize("size", [-1.0, 0.0, math.inf, math.nan, "1", True])
def test_a_scale_that_is_no_size_is_refused(size: float) -> None:
    A, x = random(0, 3, 3), np.ones(2)
    with pytest.raises(InputError, match="norm"):
        checks.adjoint_test(matvec(A), matvec(A), 3, 3, norm=size)
    for name in ("scale", "step"):
        with pytest.raises(InputError, match=name):
            checks.complex_step_test(lambda z: z.sum(), x, x, gradient=x, **{name: size})
    with pytest.raises(InputError, match="largest_step"):
        checks.taylor_test(lambda z: z.sum(), x, x, gradient=x, largest_step=size)
    if size != 0.0:
        with pytest.raises(InputError, match="scale"):
            checks.scaled_residual(x, x, size)
    if size not in (0.0, True):
        with pytest.raises(InputError, match="weight"):
            checks.adjoint_test(matvec(A), matvec(A), 3, 3, weight_in=size)


@pytest.mark.parametrize("size", [1e12, 1e300])
def test_a_huge_scale_is_compared_with_what_was_measured(size: float) -> None:
    A, x = random(0, 3, 3), random(1, 3)
    assert checks.adjoint_test(matvec(A), matvec(A), 3, 3, norm=size).verdict == "FAIL"
    assert "too large" in checks.adjoint_test(matvec(A), matvec(A.T), 3, 3, norm=size).sentence
    for slope, outcome in ((1.0, "PASS"), (2.0, "FAIL")):
        report = checks.complex_step_test(lambda z: z.sum(), x, x, gradient=slope + 0 * x, scale=size)
        assert report.verdict == outcome
        assert f"scale = {size} is too large" in report.sentence


def test_weights_of_any_size_are_taken_and_what_is_no_weight_is_refused() -> None:
    A = random(0, 2, 3)
    for size in (1e300, 1e-300):
        same = {"weight_in": size, "weight_out": size}
        assert checks.adjoint_test(matvec(A), matvec(A.T), 3, 2, **same).passed
        assert checks.adjoint_test(matvec(A), matvec(A.T / 2), 3, 2, **same).factor == pytest.approx(0.5)
    for weight in ("1", np.ones(2), np.ones((1, 3)), np.ma.ones(3)):
        with pytest.raises(InputError, match=r"weight|array"):
            checks.adjoint_test(matvec(A), matvec(A.T), 3, 2, weight_in=weight)


def test_what_is_no_array_is_refused_or_fails_and_breaks_nothing() -> None:
    x, one = np.ones(2), np.eye(2)
    for test in (checks.taylor_test, checks.complex_step_test):
        with pytest.raises(InputError, match="gradient is a list"):
            test(lambda z: z.sum(), x, gradient=[1.0, 1.0])
        for bad in (math.nan, math.inf):
            report = test(lambda z: z.sum(), x, bad * x, gradient=x)
            assert report.verdict == "MARGINAL"
            assert "not finite" in report.sentence
    same = lambda v: v  # noqa: E731 -- the identity
    assert checks.gauss_newton_test(same, lambda v: None, same, same, 2).verdict == "FAIL"
    with pytest.raises(InputError, match="list"):
        checks.scaled_residual([1.0, 2.0], x, 1.0)
    for size in (1e-300, 1e160):  # of R, where squares of R K_h P leave the range
        assert checks.galerkin_test(size * one, one, one, 3 * size * one).factor == pytest.approx(3.0)


def test_a_gradient_wrong_across_the_direction_fails() -> None:
    x, wrong = np.array([0.3, -0.7]), np.array([1.0, 2.0])

    def f(z: Any) -> Any:
        return z[0] + z[1] ** 2

    for directions, passes in ((1, True), (3, False)):
        assert checks.complex_step_test(f, x, OFF, gradient=wrong, directions=directions).passed == passes
        assert checks.taylor_test(f, x, OFF, gradient=wrong, directions=directions).passed == passes
    for v in (None, OFF):
        right = 1.0 * OFF + np.array([0.0, 2 * x[1]])
        assert checks.complex_step_test(f, x, v, gradient=right).directions == 3
        assert checks.taylor_test(f, x, v, gradient=right).passed


def test_the_report_says_how_small_an_error_would_have_been_seen_in_each_block() -> None:
    x = random(0, 5)

    def f(z: Any) -> Any:
        return np.exp(z[:4]).sum() + 1e-6 * np.sin(z[4])

    def blocks(z: Any) -> Any:
        return {"large": z[:4], "small": z[4:]}

    gradient = np.concatenate([np.exp(x[:4]), 1e-6 * np.cos(x[4:])])
    for test in (checks.complex_step_test, checks.taylor_test):
        report = test(f, x, gradient=gradient, blocks=blocks)
        assert report.passed, report
        assert report.resolutions["large"] < 1e-2 * report.resolutions["small"]
        assert "small" in report.sentence
        for factor, passes in ((0.1, True), (30, False)):
            wrong = gradient.copy()
            wrong[4] *= 1 + factor * report.resolutions["small"]
            assert test(f, x, gradient=wrong, blocks=blocks).passed == passes, (test, factor)
    v = np.array([1.0, 1.0, 1.0, 1.0, 0.0])
    report = checks.complex_step_test(f, x, v, gradient=gradient, blocks=blocks, directions=1)
    assert report.verdict == "MARGINAL"
    assert "nothing was tested in small" in report.sentence
    J = checks.complex_step_test(lambda z: z * z, x, jvp=lambda x, v: 2 * x * v, blocks=blocks)
    assert max(J.resolutions.values()) < 1e-12


def test_a_jvp_given_along_one_direction_needs_that_direction() -> None:
    with pytest.raises(InputError, match="give v"):
        checks.complex_step_test(lambda z: z, np.ones(2), jvp=np.ones(2))
    with pytest.raises(InputError, match="directions"):
        checks.complex_step_test(lambda z: z, np.ones(2), np.ones(2), jvp=np.ones(2), directions=0)


def test_the_dot_test_between_real_and_complex_arrays() -> None:
    n = 7
    weights = np.where(np.arange(n // 2 + 1) == 0, 1.0, 0.5)
    right = checks.adjoint_test(
        np.fft.rfft, lambda y: n * np.fft.irfft(weights * y, n), n, n // 2 + 1, dtype_out="complex128"
    )
    assert right.passed
    assert "Re⟨·,·⟩" in right.sentence
    inverse = checks.adjoint_test(np.fft.rfft, lambda y: np.fft.irfft(y, n), n, 4, dtype_out="complex128")
    assert inverse.verdict == "FAIL"


def test_the_dot_test_of_block_operators() -> None:
    A, B = random(0, 2, 3), random(1, 2, 4)
    shapes = ((3,), 4), ((2,),)
    dtypes = ("float64", "float32")

    def forward(x: Any) -> Any:
        return (A @ x[0] + B @ x[1],)

    assert checks.adjoint_test(forward, lambda y: (A.T @ y[0], B.T @ y[0]), *shapes).passed
    assert checks.adjoint_test(forward, lambda y: [A.T @ y[0], 2 * B.T @ y[0]], *shapes).verdict == "FAIL"
    assert "2 arrays" in checks.adjoint_test(forward, lambda y: A.T @ y[0], *shapes).sentence
    assert "shape" in checks.adjoint_test(forward, lambda y: (A.T @ y[0], A.T @ y[0]), *shapes).sentence
    cast = lambda y: (y, y.astype("float32"))  # noqa: E731 -- the adjoint of a sum in two precisions
    assert checks.adjoint_test(
        lambda x: x[0] + x[1], cast, ((3,), (3,)), 3, dtypes, dtype_out="float64"
    ).passed
    with pytest.raises(InputError, match="dtypes"):
        checks.adjoint_test(forward, forward, *shapes, ("float64",) * 3)


def test_counts_of_numpy_are_counts_and_others_are_refused() -> None:
    assert checks.adjoint_test(
        lambda x: x, lambda y: y, np.int64(3), (np.int32(3),), repeats=np.int64(2)
    ).passed
    for shape in (1.5, True, "three", (2, -1)):
        with pytest.raises(InputError, match="shape"):
            checks.adjoint_test(lambda x: x, lambda y: y, shape, shape)
    for count in (1.5, True, math.nan):
        with pytest.raises(InputError, match="repeats"):
            checks.adjoint_test(lambda x: x, lambda y: y, 3, 3, repeats=count)


def test_matrices_may_be_dense() -> None:
    R = np.array([[0.5, 0.5]])
    assert checks.galerkin_test(R, np.eye(2), 2 * R.T, np.array([[1.0]])).passed
    with pytest.raises(InputError, match="matrix"):
        checks.galerkin_test(R[0], np.eye(2), R.T, R)


def test_a_residual_below_zero_never_passes() -> None:
    assert checks.verdict(-1.0) == "FAIL"
    assert not checks.Report("c", 0.0, "FAIL", "s.")
    assert checks.Report("c", 0.0, "PASS", "s.")
