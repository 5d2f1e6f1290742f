"""The complex step: a derivative without subtraction, hence exact to round-off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from refms.backend import backend_of
from refms.checks.report import Report, verdict
from refms.checks.residual import (
    as_double,
    inner,
    is_number,
    machine_epsilon,
    norm_of,
    scaled_residual,
    shape_of,
)
from refms.errors import Array, InputError, require_same_precision

Term = Array | Callable[..., Array]
"""A derivative as an array, or as a function that returns it."""


@dataclass(frozen=True)
class ComplexStepReport(Report):
    """Outcome of :func:`complex_step_test`.

    Parameters
    ----------
    step : float
        The step h.
    relative_error : float
        ‖Im F(x + ihv)/h − Jv‖ / scale.
    """

    step: float = 0.0
    relative_error: float = float("nan")


def complex_step_test(
    function: Callable[[Array], Array],
    x: Array,
    direction: Array,
    *,
    jvp: Term | None = None,
    gradient: Term | None = None,
    scale: float | None = None,
    step: float | None = None,
) -> ComplexStepReport:
    """Test a directional derivative against Im F(x + i h v) / h.

    Parameters
    ----------
    function : callable
        F, analytic near x, written so that complex arrays pass through (no ``abs``, ``conj``, ``maximum``);
        its value is a number or an array of any shape.
    x, direction : array
        Real point x and direction v, same shape and precision.
    jvp : array or callable, optional
        J(x)v, of the shape of F, or a function (x, v) → J(x)v. Give either this or ``gradient``.
    gradient : array or callable, optional
        ∇F(x) of a real-valued F, of the shape of x, or a function x → ∇F(x).
    scale : float, optional
        What the error is measured against: by default ‖J(x)v‖, and ‖∇F(x)‖‖v‖ for a gradient.
    step : float, optional
        h; by default 2⁻⁶⁶ ≈ 1e-20 in double and 2⁻⁴⁰ ≈ 1e-12 in single precision.

    Returns
    -------
    ComplexStepReport
        ρ = ‖Im F(x + ihv)/h − J(x)v‖ / (eps · scale).

    Raises
    ------
    InputError
        If x is not real, if shapes or precisions differ, or unless exactly one of ``jvp`` and ``gradient``
        is given.

    Notes
    -----
    F(x + ihv) = F(x) + ih J v − h²/2 F″[v,v] + …, so the imaginary part over h is J v up to h², far below
    round-off; nothing is subtracted, so no digits cancel. It sees a relative error of 1e-10, but no error
    that F and its derivative share, such as a flipped kernel.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([0.3, -0.7])
    >>> complex_step_test(lambda z: (z**3).sum(), x, np.ones(2), gradient=3 * x**2).passed
    True
    >>> complex_step_test(lambda z: (z**3).sum(), x, np.ones(2), gradient=3.003 * x**2).verdict
    'FAIL'
    """
    backend = backend_of(x, direction)
    require_same_precision(x=x, direction=direction)
    if x.dtype.kind == "c" or direction.dtype.kind == "c" or x.shape != direction.shape:
        kinds = f"x is {x.dtype} {x.shape}, direction {direction.dtype} {direction.shape}"
        raise InputError(f"{kinds}; expected real arrays of one shape.")
    if (jvp is None) == (gradient is None):
        raise InputError("give exactly one of jvp and gradient.")
    eps = machine_epsilon(x.dtype)
    partner, tiny = ("complex128", 2.0**-66) if eps < 1e-10 else ("complex64", 2.0**-40)
    h = tiny if step is None else step
    if gradient is not None:
        g = gradient(x) if callable(gradient) else gradient
        if shape_of(g) != shape_of(x):
            return _failed(f"gradient has shape {shape_of(g)}; expected {shape_of(x)}, the shape of x.", h)
        expected: Array = inner(g, direction)
        size = norm_of(g) * norm_of(direction)
    else:
        expected = jvp(x, direction) if callable(jvp) else jvp
        size = abs(expected) if is_number(expected) else norm_of(expected)
    value = function(x + (1j * h) * direction.astype(partner))
    wrong = _unusable(value, expected, partner)
    if wrong:
        return _failed(wrong, h)
    got, size = as_double(value, backend).imag / h, size if scale is None else scale
    return _judge(scaled_residual(got, as_double(expected, backend), size, x.dtype), eps, h)


def _judge(rho: float, eps: float, h: float) -> ComplexStepReport:
    """Turn the residual into a report."""
    text = f"the derivative agrees with the complex step to {rho:.2g} eps."
    if verdict(rho) != "PASS":
        text = f"the derivative differs from the complex step by {rho:.3g} eps (relative {rho * eps:.2g})."
    return ComplexStepReport("complex_step_test", rho, verdict(rho), text, h, rho * eps)


def _failed(sentence: str, h: float) -> ComplexStepReport:
    """Return the report on what cannot be compared."""
    return ComplexStepReport("complex_step_test", float("inf"), "FAIL", sentence, h, float("inf"))


def _unusable(value: Array, expected: Array, partner: str) -> str | None:
    """Return a sentence when the value cannot be compared at all."""
    dtype = "complex128" if isinstance(value, complex) else str(getattr(value, "dtype", type(value).__name__))
    if not dtype.startswith("complex"):
        return f"the function returned {dtype} for complex input: it drops the imaginary part on the way."
    if dtype != partner and not is_number(value):
        return f"the function returned {dtype} for {partner} input: the precision must not change."
    if shape_of(value) != shape_of(expected):
        return f"the function has shape {shape_of(value)} but the derivative has {shape_of(expected)}."
    return None
