"""The complex step agrees to round-off with what is right and sees errors of 1e-10."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from smooth_problem import Net

from refms import checks
from refms.errors import InputError
from refms.linear.vectors import norm

quick = settings(max_examples=15)
sizes = st.integers(1, 9)
BOTH = pytest.mark.parametrize("dtype", ["float32", "float64"])


@BOTH
@given(seed=st.integers(0, 10**6), n=sizes)
@quick
def test_the_complex_step_agrees_to_round_off(device, dtype, seed, n):
    net = Net(device, seed, n, dtype)
    assert checks.complex_step_test(net.F, net.x, net.v, jvp=net.J).rho < 20
    size = norm(net.F(net.x)) * norm(net.A) * norm(net.B) * norm(net.v)  # Jᵀ F may cancel
    assert checks.complex_step_test(net.f, net.x, net.v, gradient=net.gradient, scale=size).rho < 20


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
    assert checks.complex_step_test(lambda z: z.sum(), x, x, gradient=np.ones(3, "float32")).verdict == "FAIL"
    assert checks.complex_step_test(lambda z: complex(z.sum()), x, x, gradient=x).passed


def test_complex_step_arguments_that_contradict_are_refused():
    x = np.ones(2)
    with pytest.raises(InputError, match="exactly one"):
        checks.complex_step_test(lambda z: z, x, x)
    with pytest.raises(InputError, match="real"):
        checks.complex_step_test(lambda z: z, x + 0j, x, jvp=x)
    with pytest.raises(InputError, match="mixed precision"):
        checks.complex_step_test(lambda z: z, x, x.astype("float32"), jvp=x)
