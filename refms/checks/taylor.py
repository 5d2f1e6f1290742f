"""The Taylor test: how fast the remainders of orders 0, 1 and 2 fall as the step is halved.

The round-off floor is measured: the largest ‖R_1‖ at eight steps of size eps^0.8, in units of
eps(‖F(x)‖ + ‖F(x+tv)‖ + ‖tJv‖ + …), at least a half. A remainder below 4 floors at every step means that F is
a polynomial of that degree along v. A steeper slope than expected passes: the next derivative vanishes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from refms.backend import Backend, backend_of
from refms.checks.convergence import TaylorOrder, fit_order
from refms.checks.report import Report, worst_rho, worst_verdict
from refms.checks.residual import as_double, inner, machine_epsilon, norm_of
from refms.errors import Array, InputError, require_same_precision

Term = Array | Callable[..., Array]
"""A derivative as an array, or as a function that returns it."""

_PROBES = tuple(sign * 2.0**-j for j in range(4) for sign in (1, -1))


@dataclass(frozen=True)
class TaylorReport(Report):
    """Outcome of :func:`taylor_test`, with the whole table.

    The verdict rests on the slopes; ρ tells how far the remainder is from round-off at the step where
    truncation should meet it.

    Parameters
    ----------
    steps : tuple of float
        The steps t = 2⁻ᵏ t₀.
    remainders : tuple of tuple of float
        One row an order 0, 1, (2): ‖R(t)‖ at every step.
    floors : tuple of float
        The round-off floor of the remainders at every step.
    noise : float
        The measured noise of F in eps, which sets the floor.
    orders : tuple of TaylorOrder
        Slope, window and verdict of every order.
    """

    steps: tuple[float, ...] = ()
    remainders: tuple[tuple[float, ...], ...] = ()
    floors: tuple[float, ...] = ()
    noise: float = float("nan")
    orders: tuple[TaylorOrder, ...] = ()


class _ShapeError(Exception):
    """Shapes that cannot be compared: an answer that is wrong, hence a report and not an error."""


@dataclass(frozen=True)
class _Expansion:
    """F along x + t v, its claimed derivatives, and the sizes that round-off is relative to."""

    backend: Backend
    value: Callable[[Array], Array]
    x: Array
    v: Array
    base: Array
    first: Array
    second: Array | None
    eps: float
    eps_terms: float

    @np.errstate(invalid="ignore", over="ignore")
    def remainders(self, t: float) -> tuple[list[float], float]:
        """Return ‖R_0‖, ‖R_1‖, (‖R_2‖) at one step, and the size of one rounding error there."""
        moved = as_double(self.value(self.x + t * self.v), self.backend)
        if tuple(moved.shape) != tuple(self.base.shape):
            raise _ShapeError(f"F has shape {self.base.shape} at x and {moved.shape} at x + {t:.3g} v.")
        rest, terms = moved - self.base, t * self.first
        result, derivatives = [norm_of(rest), norm_of(rest - terms)], norm_of(terms)
        if self.second is not None:
            quadratic = (0.5 * t * t) * self.second
            result.append(norm_of(rest - terms - quadratic))
            derivatives += norm_of(quadratic)
        values = norm_of(self.base) + norm_of(moved)
        return result, self.eps * (values + derivatives) + self.eps_terms * derivatives


def taylor_test(
    value: Callable[[Array], Array],
    x: Array,
    direction: Array,
    *,
    gradient: Term | None = None,
    jvp: Term | None = None,
    hessian_product: Term | None = None,
    second_derivative: Term | None = None,
    reference: Callable[[Array], Array] | None = None,
    largest_step: float = 4.0,
    octaves: int = 32,
) -> TaylorReport:
    """Test derivatives by the rates at which the Taylor remainders of F fall along x + t v.

    Parameters
    ----------
    value : callable
        F; its value is a real number or a real array of any shape.
    x, direction : array
        Point x and direction v, real, same shape and precision.
    gradient : array or callable, optional
        ∇F(x) of a scalar F, of the shape of x, or a function x → ∇F(x). Give this or ``jvp``.
    jvp : array or callable, optional
        J(x)v, of the shape of F, or a function (x, v) → J(x)v.
    hessian_product : array or callable, optional
        H(x)v of a scalar F, of the shape of x, or a function (x, v) → H(x)v; adds order 2. The full Hessian:
        a Gauss–Newton product gives slope 2, not 3, unless the residual is zero.
    second_derivative : array or callable, optional
        F″(x)[v,v], of the shape of F, or a function (x, v); the same for vector-valued F.
    reference : callable, optional
        F evaluated in double precision. When given it replaces ``value`` and is called with float64 arrays,
        while the derivatives stay as they are: the way to test derivatives computed in single precision.
    largest_step : float
        t₀, in units of v. Choose it small enough that no kink of F lies between x and x + t₀ v.
    octaves : int
        How often the step is halved; at least 12.

    Returns
    -------
    TaylorReport
        Table, slopes, windows, round-off floor.

    Raises
    ------
    InputError
        If the arguments contradict each other.

    Notes
    -----
    R_0 = F(x+tv) − F(x), R_1 = R_0 − t Jv, R_2 = R_1 − t²/2 F″[v,v]: ‖R_p‖ = O(t^{p+1}) if and only if the
    derivatives up to order p are right. The slope of log ‖R_p‖ is fitted by least squares over the
    straightest window of at least 12 octaves that ends at the smallest step above the floor, because that is
    where a wrong lower order dominates: a gradient wrong by 0.1 % has slope 1 there.

    In single precision order 1 has 10 to 12 octaves above the floor and order 2 about 7, so the verdict is
    mostly MARGINAL and says so: use ``reference`` or double precision. Taylor tests see relative errors down
    to about √eps; :func:`complex_step_test` sees 1e-10.

    Examples
    --------
    >>> x, v = np.array([0.3, -0.7]), np.array([1.0, 0.5])
    >>> f, g = lambda z: np.exp(z).sum(), np.exp(x)
    >>> report = taylor_test(f, x, v, gradient=g, hessian_product=g * v)
    >>> report.passed, [round(order.slope, 1) for order in report.orders]
    (True, [1.0, 2.0, 3.0])
    >>> taylor_test(f, x, v, gradient=1.001 * g).verdict
    'FAIL'
    """
    if octaves < 12 or not largest_step > 0:
        raise InputError(f"octaves is {octaves}, largest_step {largest_step}; expected >= 12 and > 0.")
    steps = tuple(largest_step * 2.0**-k for k in range(octaves + 1))
    try:
        F = _expansion(value, x, direction, gradient, jvp, hessian_product, second_derivative, reference)
        rows = [F.remainders(t) for t in steps]
    except _ShapeError as error:
        return TaylorReport("taylor_test", float("inf"), "FAIL", str(error), steps)
    return _report(F, steps, rows)


def _report(F: _Expansion, steps: tuple[float, ...], rows: list[tuple[list[float], float]]) -> TaylorReport:
    """Turn the remainders and rounding errors at every step into a report."""
    table = tuple(zip(*(row for row, _ in rows), strict=True))
    broken = [t for t, (row, _) in zip(steps, rows, strict=True) if not np.isfinite(row).all()]
    if broken:
        text = f"F or its derivative is not finite at the step {max(broken):.3g}; try a smaller largest_step."
        return TaylorReport("taylor_test", float("nan"), "FAIL", text, steps, table)
    noise = _noise(F)
    floors = tuple(noise * unit for _, unit in rows)
    orders = tuple(fit_order(p, steps, row, floors) for p, row in enumerate(table))
    rho = worst_rho(_rho(p, steps, table[p], rows, F.eps) for p in range(1, len(table)))
    outcome = worst_verdict(order.verdict for order in orders)
    text = "; ".join(order.describe() for order in orders)
    if all(order.exact for order in orders):
        outcome, text = "MARGINAL", "F does not change along this direction, so nothing was tested"
    report = (rho, outcome, f"{text} (noise {noise:.2g} eps).")
    return TaylorReport("taylor_test", *report, steps, table, floors, noise, orders)


def _noise(F: _Expansion) -> float:
    """Return the noise of F in units of one rounding error, from steps so small that only noise is left."""
    size = norm_of(F.x) / norm_of(F.v) if norm_of(F.x) > 0 and norm_of(F.v) > 0 else 1.0
    found = [0.5]
    for probe in _PROBES:
        (_, first, *_), unit = F.remainders(probe * size * F.eps**0.8)
        found.append(first / unit if unit > 0 and np.isfinite(first) else 0.0)
    return max(found)


def _rho(
    p: int,
    steps: tuple[float, ...],
    row: tuple[float, ...],
    rows: list[tuple[list[float], float]],
    eps: float,
) -> float:
    """Return ‖R_p‖ in rounding errors at the step eps^{1/(p+1)} t₀, where C t^{p+1} should be one eps · C."""
    coarse = [r / t ** (p + 1) for r, t in zip(row, steps, strict=True) if t >= steps[0] / 256]
    k = int(np.argmin([abs(np.log(t / steps[0]) - np.log(eps) / (p + 1)) for t in steps]))
    scale = rows[k][1] + eps * max(coarse) * steps[0] ** (p + 1)
    return row[k] / scale if scale > 0 else 0.0


def _expansion(
    value: Callable[[Array], Array],
    x: Array,
    v: Array,
    gradient: Term | None,
    jvp: Term | None,
    hessian_product: Term | None,
    second: Term | None,
    reference: Callable[[Array], Array] | None,
) -> _Expansion:
    """Check the arguments and evaluate F and its derivatives at x."""
    backend = backend_of(x, v)
    require_same_precision(x=x, direction=v)
    if x.shape != v.shape or x.dtype.kind == "c" or v.dtype.kind == "c":
        raise InputError(
            f"x is {x.dtype} {x.shape}, direction {v.dtype} {v.shape}; expected real, one shape."
        )
    if (gradient is None) == (jvp is None):
        raise InputError("give exactly one of gradient and jvp.")
    if hessian_product is not None and second is not None:
        raise InputError("give at most one of hessian_product and second_derivative.")
    g, Jv = _call(gradient, x), _call(jvp, x, v)
    Hv, Q = _call(hessian_product, x, v), _call(second, x, v)
    eps_terms = machine_epsilon(x.dtype) if reference is not None else 0.0
    evaluate, point, along = value, x, v
    if reference is not None:
        evaluate, point, along = reference, x.astype("float64"), v.astype("float64")
    base = as_double(evaluate(point), backend)
    first = as_double(_pair(g, v, "gradient") if g is not None else Jv, backend)
    quadratic = _pair(Hv, v, "hessian_product") if Hv is not None else Q
    curved = None if quadratic is None else as_double(quadratic, backend)
    for name, term in (("derivative", first), ("second derivative", curved)):
        if term is not None and tuple(term.shape) != tuple(base.shape):
            raise _ShapeError(f"F has shape {tuple(base.shape)}; the {name} has {tuple(term.shape)}.")
    eps = machine_epsilon(point.dtype)
    return _Expansion(backend, evaluate, point, along, base, first, curved, eps, eps_terms)


def _call(term: Term | None, *arguments: Array) -> Array | None:
    """Return a derivative, evaluated if it is a function."""
    return term(*arguments) if callable(term) else term


def _pair(term: Array, v: Array, name: str) -> float:
    """Return ⟨term, v⟩."""
    if tuple(term.shape) != tuple(v.shape):
        raise _ShapeError(f"{name} has shape {tuple(term.shape)}; expected {tuple(v.shape)}, the shape of x.")
    return inner(term, v).real
