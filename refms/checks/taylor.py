"""The Taylor test: how fast the remainders of orders 0, 1 and 2 fall as the step is halved.

The round-off floor is measured: the largest ‖R_1‖ at eight steps of size eps^0.8, in units of
eps(‖F(x)‖ + ‖F(x+tv)‖ + ‖tJv‖ + …), at least a half. A remainder below 4 floors at every step means that F is
a polynomial of that degree along v. A steeper slope than expected passes: the next derivative vanishes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from refms.backend import Backend, backend_of
from refms.checks.calls import Calls
from refms.checks.convergence import SAFETY, TaylorOrder, fit_order
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
from refms.checks.report import Verdict, worst_rho, worst_verdict
from refms.checks.residual import as_double, inner, machine_epsilon, norm_of, require_size
from refms.display import short_repr
from refms.errors import Array, InputError, require_whole

_PROBES = tuple(sign * 2.0**-j for j in range(4) for sign in (1, -1))


@dataclass(frozen=True)
class TaylorReport(DirectionalReport):
    """Outcome of :func:`taylor_test`, with the whole table.

    The verdict rests on the slopes; ρ tells how far the remainder is from round-off at the step where
    truncation should meet it. The table is that of the direction with the worst verdict, the first of them.

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

    __repr__ = short_repr


class _ShapeError(Exception):
    """Shapes that cannot be compared: an answer that is wrong, hence a report and not an error."""


@dataclass(frozen=True)
class _Function:
    """F at x, with what is called to evaluate it and its claimed derivatives."""

    call: Calls
    backend: Backend
    value: Callable[[Array], Array]
    x: Array  # where F is evaluated: in double precision if there is a reference
    base: Array
    claims: dict[str, Term | None]
    at: Array  # where the derivatives are
    eps: float
    eps_terms: float

    def evaluate(self, x: Array) -> Array:
        """Return F(x) in double precision."""
        return as_double(self.call("value", self.value, x), self.backend)

    def along(self, v: Array, *, given: bool) -> _Line:
        """Return F along v; second derivatives given as arrays belong to the given direction alone."""
        of = {name: term for name, term in self.claims.items() if given or name == "gradient"}
        for name, term in self.claims.items():
            if callable(term):
                of[name] = self.call(name, term, self.at, v)
        g, Hv = of["gradient"], of.get("hessian_product")
        first = as_double(of["jvp"] if g is None else _pair(g, v, "gradient"), self.backend)
        curved = of.get("second_derivative") if Hv is None else _pair(Hv, v, "hessian_product")
        second = None if curved is None else as_double(curved, self.backend)
        for name, term in (("derivative", first), ("second derivative", second)):
            if term is not None and tuple(term.shape) != tuple(self.base.shape):
                raise _ShapeError(
                    f"F has shape {tuple(self.base.shape)}; the {name} has {tuple(term.shape)}."
                )
        return _Line(self, v.astype(str(self.x.dtype)), first, second)


@dataclass(frozen=True)
class _Line:
    """F along x + t v, and its claimed derivatives there."""

    F: _Function
    v: Array
    first: Array
    second: Array | None

    @np.errstate(invalid="ignore", over="ignore")
    def remainders(self, t: float) -> tuple[list[float], float]:
        """Return ‖R_0‖, ‖R_1‖, (‖R_2‖) at one step, and the size of one rounding error there."""
        F = self.F
        moved = F.evaluate(F.x + t * self.v)
        if tuple(moved.shape) != tuple(F.base.shape):
            raise _ShapeError(f"F has shape {F.base.shape} at x and {moved.shape} at x + {t:.3g} v.")
        rest, terms = moved - F.base, t * self.first
        result, derivatives = [norm_of(rest), norm_of(rest - terms)], norm_of(terms)
        if self.second is not None:
            quadratic = (0.5 * t * t) * self.second
            result.append(norm_of(rest - terms - quadratic))
            derivatives += norm_of(quadratic)
        values = norm_of(F.base) + norm_of(moved)
        underflow = math.sqrt(moved.size) * float(np.finfo(str(F.x.dtype)).smallest_subnormal)
        return result, F.eps * (values + derivatives) + F.eps_terms * derivatives + underflow


def taylor_test(
    value: Callable[[Array], Array],
    x: Array,
    direction: Array | None = None,
    *,
    gradient: Term | None = None,
    jvp: Term | None = None,
    hessian_product: Term | None = None,
    second_derivative: Term | None = None,
    reference: Callable[[Array], Array] | None = None,
    largest_step: float = 4.0,
    octaves: int = 32,
    directions: int = 3,
    seed: int = 0,
    blocks: Blocks | None = None,
) -> TaylorReport:
    """Test derivatives by the rates at which the Taylor remainders of F fall along x + t v.

    Parameters
    ----------
    value : callable
        F; its value is a real number or a real array of any shape.
    x : array
        Real point x.
    direction : array, optional
        Real direction v, of the shape and precision of x.
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
    directions, seed : int
        Along how many directions: the given one, and random ones of its norm (of that of x without one).
        Derivatives given as arrays J(x)v, H(x)v and F″(x)[v,v] are tested along the given one alone.
    blocks : callable, optional
        What splits a vector like x into its named blocks, as views, such as ``Layout.unpack``; the report
        then says for each how small an error would have been seen.

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
    mostly MARGINAL and says so: use ``reference`` or double precision. A relative error ε of the derivative
    is seen where ε t ‖J v‖ is above ‖R_1‖ and the floor at some step, down to about √eps;
    :func:`complex_step_test` sees 1e-10.

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
    require_size(largest_step, "largest_step")
    steps = tuple(largest_step * 2.0**-k for k in range(require_whole(octaves, "octaves", 12) + 1))
    if (gradient is None) == (jvp is None):
        raise InputError("give exactly one of gradient and jvp.")
    require_terms(
        gradient=gradient, jvp=jvp, hessian_product=hessian_product, second_derivative=second_derivative
    )
    if hessian_product is not None and second_derivative is not None:
        raise InputError("give at most one of hessian_product and second_derivative.")
    fixed = jvp is not None and not callable(jvp)
    along = directions_from(x, direction, directions, seed, fixed=fixed)
    nothing, call = nothing_along(along), Calls()
    if nothing:
        return TaylorReport(_NAME, 0.0, "MARGINAL", nothing, steps=steps)
    claims = {"gradient": gradient, "jvp": jvp, "hessian_product": hessian_product}
    claims["second_derivative"] = second_derivative
    try:
        F = _function(call, value, reference, x, claims)
        lines = [F.along(v, given=k == 0 and direction is not None) for k, v in enumerate(along)]
        found = [_judge(line, steps, v, blocks) for line, v in zip(lines, along, strict=True)]
    except _ShapeError as error:
        return call.judge(TaylorReport(_NAME, float("inf"), "FAIL", str(error), steps=steps))
    return call.judge(_worst(*zip(*found, strict=True)))


_NAME = "taylor_test"


def _function(
    call: Calls,
    value: Callable[[Array], Array],
    reference: Callable[[Array], Array] | None,
    x: Array,
    claims: dict[str, Term | None],
) -> _Function:
    """Evaluate F at x, in double precision where there is a reference."""
    backend, at = backend_of(x), x
    if reference is not None:
        value, x = reference, x.astype("float64")
    base = as_double(call("value", value, x), backend)
    if callable(claims["gradient"]):
        claims["gradient"] = call("gradient", claims["gradient"], at)
    eps_terms = machine_epsilon(at.dtype) if reference is not None else 0.0
    return _Function(call, backend, value, x, base, claims, at, machine_epsilon(x.dtype), eps_terms)


def _worst(reports: Sequence[TaylorReport], seen: Sequence[Seen]) -> TaylorReport:
    """Return the report along the first direction with the worst verdict, with what all of them could see."""
    whole, parts = resolved(seen)
    tested = [one for one in reports if not all(order.exact for order in one.orders) or not one.orders]
    outcome = worst_verdict(one.verdict for one in tested) if tested else "MARGINAL"
    worst = next(one for one in tested or reports if one.verdict == outcome)
    text = f"{worst.sentence} along {len(tested)} of {len(reports)} directions" if tested else worst.sentence
    if tested and outcome != "FAIL":  # otherwise the remainder is that of the error
        text = f"{text}; {describe(seen)}"
    if unseen(seen):
        outcome, text = worst_verdict([outcome, "MARGINAL"]), f"{text}; {unseen(seen)}"
    return replace(
        worst,
        rho=worst_rho(one.rho for one in tested or reports),
        verdict=outcome,
        sentence=f"{text}.",
        directions=len(tested),
        resolution=whole,
        resolutions=parts,
    )


def _judge(
    line: _Line, steps: tuple[float, ...], v: Array, blocks: Blocks | None
) -> tuple[TaylorReport, Seen]:
    """Judge the remainders along one direction."""
    F, rows = line.F, [line.remainders(t) for t in steps]
    table = tuple(zip(*(row for row, _ in rows), strict=True))
    gradient, jvp = F.claims["gradient"], F.claims["jvp"]
    parts = parts_of(blocks, v, gradient, (lambda d: F.call("jvp", jvp, F.at, d)) if callable(jvp) else None)
    size = norm_of(line.first)
    broken = [t for t, (row, _) in zip(steps, rows, strict=True) if not np.isfinite(row).all()]
    if broken:
        text = f"F or its derivative is not finite at the step {max(broken):.3g}; try a smaller largest_step"
        report = TaylorReport(_NAME, float("nan"), "FAIL", text, steps=steps, remainders=table)
        return report, Seen(math.inf, size, parts)
    noise = _noise(line)
    floors = tuple(noise * unit for _, unit in rows)
    orders = tuple(fit_order(p, steps, row, floors) for p, row in enumerate(table))
    rho = worst_rho(_rho(p, steps, table[p], rows, F.eps) for p in range(1, len(table)))
    outcome: Verdict = worst_verdict(order.verdict for order in orders)
    text = "; ".join(order.describe() for order in orders)
    if all(order.exact for order in orders):
        outcome, text = "MARGINAL", "F does not change along any direction, so nothing was tested"
    text = f"{text} (noise {noise:.2g} eps)"
    report = TaylorReport(
        _NAME, rho, outcome, text, steps=steps, remainders=table, floors=floors, noise=noise, orders=orders
    )
    least = min(max(r, SAFETY * f) / t for r, f, t in zip(table[1], floors, steps, strict=True))
    return report, Seen(least, size, parts)


def _noise(line: _Line) -> float:
    """Return the noise of F in units of one rounding error, from steps so small that only noise is left."""
    F, found = line.F, [0.5]
    size = norm_of(F.x) / norm_of(line.v) if norm_of(F.x) > 0 else 1.0
    for probe in _PROBES:
        (_, first, *_), unit = line.remainders(probe * size * F.eps**0.8)
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


def _pair(term: Array, v: Array, name: str) -> float:
    """Return ⟨term, v⟩."""
    if tuple(term.shape) != tuple(v.shape):
        raise _ShapeError(f"{name} has shape {tuple(term.shape)}; expected {tuple(v.shape)}, the shape of x.")
    return inner(term, v).real
