"""The dot test: whether one linear map is the adjoint of another, and if not, which factor is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refms.backend import NUMPY, Backend
from refms.checks.calls import Calls
from refms.checks.factor import constant_factor, name_factor
from refms.checks.report import PASS_LIMIT, Report, Verdict, verdict, worst_rho
from refms.checks.residual import ratio, require_size, unit_of
from refms.checks.space import Shape, Space, space_of
from refms.display import short_repr
from refms.errors import require_whole


@dataclass(frozen=True)
class AdjointReport(Report):
    """Outcome of :func:`adjoint_test`.

    Parameters
    ----------
    products : tuple of (number, number)
        (⟨Fx, y⟩, ⟨x, F*y⟩) of every repetition.
    factor : float or None
        The constant c with ⟨x, F*y⟩ = c ⟨Fx, y⟩, where the test failed by nothing but a constant.
    """

    products: tuple[tuple[complex, complex], ...] = ()
    factor: float | None = None

    __repr__ = short_repr


def adjoint_test(
    forward: Callable[[Any], Any],
    adjoint: Callable[[Any], Any],
    shape_in: Shape,
    shape_out: Shape,
    dtype: Any = "float64",
    *,
    dtype_out: Any = None,
    seed: int = 0,
    repeats: int = 5,
    weight_in: Any = 1.0,
    weight_out: Any = 1.0,
    norm: float | None = None,
    lengths: Mapping[str, float] | None = None,
    backend: Backend = NUMPY,
) -> AdjointReport:
    """Test ⟨F x, y⟩ = ⟨x, F* y⟩ on random x and y.

    Parameters
    ----------
    forward : callable
        F, from an array of ``shape_in`` to one of ``shape_out``. It gets a copy of x, and does not pass if it
        changes that.
    adjoint : callable
        F*, back again.
    shape_in, shape_out : int, sequence of int, or sequence of shapes
        Shapes of x and y; a sequence of shapes for a tuple of arrays, as a block operator takes and returns.
    dtype : dtype or str, or tuple of them
        dtype of x, one for each array of a tuple if they differ.
    dtype_out : dtype or str, or tuple of them, optional
        dtype of y; that of x without it. Between real and complex arrays the inner product is Re⟨·,·⟩.
    seed, repeats : int
        Seed of the vectors, and how many pairs are drawn.
    weight_in, weight_out : float or array, or tuple of them
        Weights of ⟨u, v⟩ = Σ weight · u · conj(v): 1 is the Euclidean inner product, h^d that of the midpoint
        rule; arrays must broadcast to the shape.
    norm : float, optional
        An operator norm ‖F‖ for the scale; without it the computed ‖Fx‖ and ‖F*y‖ give the scale, and also
        where the norm is so far above them that relative errors of eps^¼ could not be seen.
    lengths : mapping of str to float, optional
        Named quantities whose powers a missing factor may be, such as ``{"h": 1 / 28, "m": 100}``.
    backend : Backend
        Where x and y live.

    Returns
    -------
    AdjointReport
        ρ is the worst over the repetitions.

    Raises
    ------
    InputError
        If ``repeats``, a dtype, a shape, a weight or the norm is out of range.

    Notes
    -----
    ρ = |⟨Fx,y⟩ − ⟨x,F*y⟩| / (eps (‖Fx‖‖y‖ + ‖x‖‖F*y‖)), or / (eps ‖F‖‖x‖‖y‖). Scaling by norms keeps
    correct code below about one eps in every precision; scaling by the inner product itself does not,
    because ⟨Fx,y⟩ may be small by cancellation. Both results are divided by a power of two
    first, so that no product leaves the range of float64. When all pairs have one ratio ⟨x,F*y⟩/⟨Fx,y⟩ the
    maps are adjoint up to that constant, and the report names it. Nothing but zeros does not pass.

    Examples
    --------
    >>> A = np.arange(6.0).reshape(2, 3)
    >>> adjoint_test(lambda x: A @ x, lambda y: A.T @ y, 3, 2).passed
    True
    >>> print(adjoint_test(lambda x: A @ x, lambda y: A.T @ y / 4, 3, 2, lengths={"h": 0.5}).sentence)
    the adjoint differs by the factor 0.25 = h^2 from the one of these inner products.
    """
    X = space_of(shape_in, dtype, backend, weight_in)
    Y = space_of(shape_out, dtype if dtype_out is None else dtype_out, backend, weight_out)
    if norm is not None:
        require_size(norm, "norm")
    eps, call, pairs = max(X.eps, Y.eps), Calls(), []
    rng = np.random.default_rng(require_whole(seed, "seed"))
    for _ in range(require_whole(repeats, "repeats", 1)):
        x, y = X.draw(rng), Y.draw(rng)
        Fx, Fy = call("forward", forward, x), call("adjoint", adjoint, y)
        wrong = Y.mismatch(Fx, "forward") or X.mismatch(Fy, "adjoint")
        if wrong:
            return call.judge(AdjointReport(_NAME, float("inf"), "FAIL", f"{wrong}."))
        pairs.append(_pair(X, Y, (x, y, Fx, Fy), norm, eps))
    named = {"shape_in": X.shapes[0], "shape_out": Y.shapes[0]} if X.one and Y.one else {}
    extents = {f"{name}[{k}]": float(n) for name, shape in named.items() for k, n in enumerate(shape)}
    return call.judge(_judge(pairs, eps, {**(lengths or {}), **extents}, norm, real=_real(X, Y)))


_NAME = "adjoint_test"


@dataclass(frozen=True)
class _Pair:
    """One comparison, in units of a power of two."""

    left: complex  # ⟨Fx, y⟩
    right: complex  # ⟨x, F*y⟩
    unit: float
    rho: float
    used: bool  # whether the given norm was the scale


def _real(X: Space, Y: Space) -> bool:
    """Whether real and complex arrays meet, so that the inner product is Re⟨·,·⟩."""
    return len(X.kinds | Y.kinds) > 1


@np.errstate(invalid="ignore", over="ignore")
def _pair(X: Space, Y: Space, elements: Sequence[Any], norm: float | None, eps: float) -> _Pair:
    """Compare ⟨Fx, y⟩ and ⟨x, F*y⟩ for (x, y, Fx, F*y)."""
    x, y, Fx, Fy = elements
    unit = unit_of(*Y.parts(Fx), *X.parts(Fy))
    one, two, Fx, Fy = X.parts(x), Y.parts(y), Y.parts(Fx, unit), X.parts(Fy, unit)
    left, right = Y.inner(Fx, two), X.inner(one, Fy)
    if _real(X, Y):
        left, right = left.real, right.real
    sizes = X.norm(one), Y.norm(two)
    scale = Y.norm(Fx) * sizes[1] + sizes[0] * X.norm(Fy)
    given = scale if norm is None else norm / unit * sizes[0] * sizes[1]
    used = PASS_LIMIT * eps * given <= eps**0.25 * max(abs(left), abs(right))
    return _Pair(left, right, unit, ratio(abs(left - right), given if used else scale, eps), used)


def _judge(
    pairs: Sequence[_Pair], eps: float, lengths: Mapping[str, float], norm: float | None, *, real: bool
) -> AdjointReport:
    """Turn the comparisons into a report."""
    rho = worst_rho(pair.rho for pair in pairs)
    products = tuple((pair.left * pair.unit, pair.right * pair.unit) for pair in pairs)

    def report(outcome: Verdict, text: str, factor: float | None = None) -> AdjointReport:
        aside = "" if norm is None or any(pair.used for pair in pairs) else f" (norm = {norm} is too large)"
        return AdjointReport(_NAME, rho, outcome, f"{text}{aside}.", products, factor)

    left, right = [pair.left for pair in pairs], [pair.right for pair in pairs]
    if not any(left) and not any(right):
        return report("MARGINAL", "all products are zero, so nothing was tested")
    product = "in the inner product Re⟨·,·⟩ " if real else ""
    if verdict(rho) == "PASS":
        return report("PASS", f"the adjoint holds {product}to {rho:.2g} eps over {len(pairs)} pairs")
    c = constant_factor(right, left, 1e3 * eps)
    if c is None or not any(right):
        text = f"⟨Fx,y⟩ and ⟨x,F*y⟩ differ {product}by {rho:.3g} eps and by no constant factor"
        return report(verdict(rho), text)
    text = f"the adjoint differs by the factor {name_factor(c, lengths)} from the one of these inner products"
    return report(verdict(rho), text, c)
