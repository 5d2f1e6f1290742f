"""The complex step: a derivative without subtraction, hence exact to round-off."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from refms.backend import backend_of
from refms.checks.calls import Calls
from refms.checks.directions import (
    Blocks,
    DirectionalReport,
    Seen,
    Term,
    describe,
    directions_from,
    nothing_along,
    parts_of,
    require_terms,
    resolved,
    unseen,
)
from refms.checks.report import PASS_LIMIT, Verdict, verdict, worst_rho, worst_verdict
from refms.checks.residual import (
    as_double,
    inner,
    is_number,
    machine_epsilon,
    norm_of,
    ratio,
    require_size,
    shape_of,
)
from refms.display import short_repr
from refms.errors import Array, InputError


@dataclass(frozen=True)
class ComplexStepReport(DirectionalReport):
    """Outcome of :func:`complex_step_test`.

    Parameters
    ----------
    step : float
        The step h.
    relative_error : float
        ‖Im F(x + ihv)/h − Jv‖ / scale, the largest of all directions.
    """

    step: float = 0.0
    relative_error: float = float("nan")

    __repr__ = short_repr


def complex_step_test(
    function: Callable[[Array], Array],
    x: Array,
    direction: Array | None = None,
    *,
    jvp: Term | None = None,
    gradient: Term | None = None,
    scale: float | None = None,
    step: float | None = None,
    directions: int = 3,
    seed: int = 0,
    blocks: Blocks | None = None,
) -> ComplexStepReport:
    """Test directional derivatives against Im F(x + i h v) / h.

    Parameters
    ----------
    function : callable
        F, analytic near x, written so that complex arrays pass through (no ``abs``, ``conj``, ``maximum``);
        its value is a number or an array of any shape.
    x : array
        Real point x.
    direction : array, optional
        Real direction v, of the shape and precision of x.
    jvp : array or callable, optional
        J(x)v, of the shape of F, or a function (x, v) → J(x)v. Give either this or ``gradient``.
    gradient : array or callable, optional
        ∇F(x) of a real-valued F, of the shape of x, or a function x → ∇F(x).
    scale : float, optional
        What the error is measured against: by default ‖J(x)v‖, and ‖∇F(x)‖‖v‖ for a gradient; these also
        where the scale is so far above ‖J(x)v‖ that relative errors of eps^¼ could not be seen.
    step : float, optional
        h; by default 2⁻⁶⁶ ≈ 1e-20 in double and 2⁻⁴⁰ ≈ 1e-12 in single precision, and 2⁻²⁶ or 2⁻¹² where the
        imaginary parts would underflow.
    directions, seed : int
        Along how many directions: the given one, and random ones of its norm (of that of x without one). A
        ``jvp`` given as an array is tested along the given direction alone.
    blocks : callable, optional
        What splits a vector like x into its named blocks, as views, such as ``Layout.unpack``; the report
        then says for each how small an error would have been seen.

    Returns
    -------
    ComplexStepReport
        ρ = ‖Im F(x + ihv)/h − J(x)v‖ / (eps · scale), the worst of all directions.

    Raises
    ------
    InputError
        If x is not real, if shapes or precisions differ, if a number is out of range, or unless exactly one
        of ``jvp`` and ``gradient`` is given.

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
    if (jvp is None) == (gradient is None):
        raise InputError("give exactly one of jvp and gradient.")
    require_terms(jvp=jvp, gradient=gradient)
    for name, size in (("scale", scale), ("step", step)):
        if size is not None:
            require_size(size, name)
    fixed = jvp is not None and not callable(jvp)
    along = directions_from(x, direction, directions, seed, fixed=fixed)
    nothing = nothing_along(along)
    if nothing:
        return ComplexStepReport(_NAME, 0.0, "MARGINAL", nothing)
    eps = machine_epsilon(x.dtype)
    call, steps = Calls(), _STEPS[str(x.dtype)] if step is None else (step,)
    g = call("gradient", gradient, x) if callable(gradient) else gradient
    if g is not None and shape_of(g) != shape_of(x):
        return _failed(f"gradient has shape {shape_of(g)}; expected {shape_of(x)}, the shape of x.")
    found, used = [], scale is None
    for v in along:
        J = (lambda d: call("jvp", jvp, x, d)) if callable(jvp) else None
        expected = inner(g, v) if g is not None else jvp if J is None else J(v)
        size = _size(expected)
        wanted = size if g is None else norm_of(g) * norm_of(v)
        if scale is not None and PASS_LIMIT * eps * scale <= eps**0.25 * size:
            wanted, used = scale, True
        one = _compare(lambda z: call("function", function, z), x, v, expected, wanted, steps)
        if isinstance(one, str):
            return call.judge(_failed(one))
        rho, least, h = one
        found.append((rho, Seen(least, size, parts_of(blocks, v, g, J)), h))
    aside = "" if used else f" (scale = {scale} is too large)"
    return call.judge(_judge(*zip(*found, strict=True), eps=eps, aside=aside))


_NAME = "complex_step_test"
_STEPS = {"float64": (2.0**-66, 2.0**-26), "float32": (2.0**-40, 2.0**-12)}
"""Steps h; the second, at which truncation is round-off, where imaginary parts underflow with the first."""


@np.errstate(invalid="ignore", over="ignore")
def _compare(
    function: Callable[[Array], Array],
    x: Array,
    v: Array,
    expected: Array,
    scale: float,
    steps: tuple[float, ...],
) -> tuple[float, float, float] | str:
    """Return ρ along v, the smallest error of J v that would fail and the step; or why nothing compares.

    What underflows at the step h is less than the smallest number of the precision over h, for each entry of
    F and, in proportion to J, of v.
    """
    backend, eps = backend_of(x), machine_epsilon(x.dtype)
    partner = "complex64" if str(x.dtype) == "float32" else "complex128"
    for h in steps:
        value = function(x + (1j * h) * v.astype(partner))
        wrong = _unusable(value, expected, partner)
        if wrong:
            return wrong
        got = as_double(value, backend).imag / h
        tiny = float(np.finfo(str(x.dtype)).smallest_subnormal) / h
        lost = tiny * (math.sqrt(max(got.size, 1)) + math.sqrt(v.size) * _size(expected) / norm_of(v))
        if lost <= eps * scale:
            break
    whole = scale + lost / eps
    return ratio(norm_of(got - as_double(expected, backend)), whole, eps), PASS_LIMIT * eps * whole, h


def _size(value: Array) -> float:
    return norm_of(np.asarray(value) if is_number(value) else value)


def _judge(
    rhos: tuple[float, ...], seen: tuple[Seen, ...], steps: tuple[float, ...], *, eps: float, aside: str
) -> ComplexStepReport:
    """Turn what was found along all directions into a report."""
    rho, (whole, blocks) = worst_rho(rhos), resolved(seen)
    outcome: Verdict = verdict(rho)
    text = f"the derivative agrees with the complex step to {rho:.2g} eps along {len(rhos)} directions"
    if outcome != "PASS":
        text = f"the derivative differs from the complex step by {rho:.3g} eps (relative {rho * eps:.2g})"
    if outcome != "FAIL" and not whole <= eps**0.25:
        outcome, text = "MARGINAL", f"nothing was tested, for {_TOO_SMALL}"
    if unseen(seen):
        outcome, text = worst_verdict([outcome, "MARGINAL"]), f"{text}; {unseen(seen)}"
    text = f"{text}; {describe(seen)}{aside}."
    measured = (len(rhos), whole, blocks, max(steps), rho * eps)
    return ComplexStepReport(_NAME, rho, outcome, text, *measured)


_TOO_SMALL = "the derivative is zero or too small beside its scale along every direction"


def _failed(sentence: str) -> ComplexStepReport:
    """Return the report on what cannot be compared."""
    return ComplexStepReport(_NAME, float("inf"), "FAIL", sentence, relative_error=float("inf"))


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
