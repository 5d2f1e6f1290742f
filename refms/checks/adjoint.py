"""The dot test: whether one linear map is the adjoint of another, and if not, which factor is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from refms.backend import NUMPY, Backend
from refms.checks.factor import constant_factor, name_factor
from refms.checks.report import Report, verdict, worst_rho
from refms.checks.residual import Shape, draw, extents, inner, machine_epsilon, mismatch, norm_of, ratio
from refms.errors import Array, InputError, require_whole


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


def adjoint_test(
    forward: Callable[[Array], Array],
    adjoint: Callable[[Array], Array],
    shape_in: Shape,
    shape_out: Shape,
    dtype: Any = "float64",
    *,
    seed: int = 0,
    repeats: int = 5,
    weight_in: Array | float = 1.0,
    weight_out: Array | float = 1.0,
    norm: float | None = None,
    lengths: Mapping[str, float] | None = None,
    backend: Backend = NUMPY,
) -> AdjointReport:
    """Test ⟨F x, y⟩ = ⟨x, F* y⟩ on random x and y.

    Parameters
    ----------
    forward : callable
        F, from an array of ``shape_in`` to one of ``shape_out``.
    adjoint : callable
        F*, back again.
    shape_in, shape_out : int or sequence of int
        Shapes of x and y.
    dtype : dtype or str
        dtype of x and y; both maps must keep it.
    seed, repeats : int
        Seed of the vectors, and how many pairs are drawn.
    weight_in, weight_out : float or array
        Weights of ⟨u, v⟩ = Σ weight · u · conj(v): 1 is the Euclidean inner product, h^d that of the midpoint
        rule; arrays must broadcast to the shape.
    norm : float, optional
        An operator norm ‖F‖ for the scale; without it the computed ‖Fx‖ and ‖F*y‖ give the scale.
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
        If ``repeats`` or the dtype is out of range.

    Notes
    -----
    ρ = |⟨Fx,y⟩ − ⟨x,F*y⟩| / (eps (‖Fx‖‖y‖ + ‖x‖‖F*y‖)), or / (eps ‖F‖‖x‖‖y‖). Scaling by norms keeps
    correct code below about one eps in every precision; scaling by the inner product itself does not,
    because ⟨Fx,y⟩ may be small by cancellation. When all pairs have one ratio ⟨x,F*y⟩/⟨Fx,y⟩ the maps are
    adjoint up to that constant, and the report names it. Nothing but zeros does not pass.

    Examples
    --------
    >>> A = np.arange(6.0).reshape(2, 3)
    >>> adjoint_test(lambda x: A @ x, lambda y: A.T @ y, 3, 2).passed
    True
    >>> print(adjoint_test(lambda x: A @ x, lambda y: A.T @ y / 4, 3, 2, lengths={"h": 0.5}).sentence)
    the adjoint differs by the factor 0.25 = h^2 from the one of these inner products.
    """
    if repeats < 1:
        raise InputError(f"repeats is {repeats}; expected at least 1.")
    require_whole(seed, "seed")
    eps, rng = machine_epsilon(dtype), np.random.default_rng(seed)
    products, residuals = [], []
    for _ in range(repeats):
        x, y = (draw(rng, shape, dtype, backend) for shape in (shape_in, shape_out))
        Fx, Fy = forward(x), adjoint(y)
        wrong = mismatch(Fx, shape_out, dtype, "forward") or mismatch(Fy, shape_in, dtype, "adjoint")
        if wrong:
            return AdjointReport("adjoint_test", float("inf"), "FAIL", f"{wrong}.")
        left, right = inner(Fx, y, weight_out), inner(x, Fy, weight_in)
        sizes = norm_of(x, weight_in), norm_of(y, weight_out)
        computed = norm_of(Fx, weight_out) * sizes[1] + sizes[0] * norm_of(Fy, weight_in)
        scale = computed if norm is None else norm * sizes[0] * sizes[1]
        products.append((left, right))
        residuals.append(ratio(abs(left - right), eps * scale))
    return _judge(tuple(products), worst_rho(residuals), eps, _lengths(lengths, shape_in, shape_out))


def _judge(
    products: tuple[tuple[complex, complex], ...], rho: float, eps: float, lengths: Mapping[str, float]
) -> AdjointReport:
    """Turn the products and the worst ρ into a report."""
    left, right = zip(*products, strict=True)
    name = "adjoint_test"
    if not any(left) and not any(right):
        text = "both maps returned zeros only, so nothing was tested."
        return AdjointReport(name, rho, "MARGINAL", text, products)
    if verdict(rho) == "PASS":
        text = f"the adjoint holds to {rho:.2g} eps over {len(products)} pairs."
        return AdjointReport(name, rho, "PASS", text, products)
    c = constant_factor(right, left, 1e3 * eps)
    if c is None or not any(right):
        text = f"⟨Fx,y⟩ and ⟨x,F*y⟩ differ by {rho:.3g} eps and by no constant factor."
        return AdjointReport(name, rho, verdict(rho), text, products)
    text = (
        f"the adjoint differs by the factor {name_factor(c, lengths)} from the one of these inner products."
    )
    return AdjointReport(name, rho, verdict(rho), text, products, c)


def _lengths(given: Mapping[str, float] | None, shape_in: Shape, shape_out: Shape) -> dict[str, float]:
    """Add every extent to the named lengths, so that a factor 1/m is recognised."""
    named = (("shape_in", extents(shape_in)), ("shape_out", extents(shape_out)))
    found = {f"{name}[{axis}]": float(n) for name, shape in named for axis, n in enumerate(shape)}
    return {**(given or {}), **found}
