"""Whether a Gauss–Newton product is symmetric, positive semi-definite and equal to Jᵀ H J v."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from refms.backend import NUMPY, Backend
from refms.checks.calls import Calls
from refms.checks.factor import constant_factor, name_factor
from refms.checks.report import Report, verdict, worst_rho
from refms.checks.residual import inner, norm_of, ratio, unit_of
from refms.checks.space import Shape, Space, space_of
from refms.errors import Array, InputError, require_whole
from refms.linear.product import Product


@dataclass(frozen=True)
class GaussNewtonReport(Report):
    """Outcome of :func:`gauss_newton_test`; every ρ is the worst over the repetitions.

    Parameters
    ----------
    symmetry, semidefinite, composition : float
        ⟨Gu, v⟩ = ⟨u, Gv⟩; ⟨v, Gv⟩ ≥ 0, of which the negative part counts; Gv = Jᵀ H J v.
    explicit : float or None
        The whole matrix G against Jᵀ H J built from the columns of J and H, and its smallest eigenvalue; None
        if not asked for.
    """

    symmetry: float = float("nan")
    semidefinite: float = float("nan")
    composition: float = float("nan")
    explicit: float | None = None


def gauss_newton_test(
    product: Product,
    jvp: Product,
    vjp: Product,
    loss_hessian: Product,
    shape: Shape,
    dtype: Any = "float64",
    *,
    seed: int = 0,
    repeats: int = 3,
    explicit: bool = False,
    lengths: Mapping[str, float] | None = None,
    backend: Backend = NUMPY,
) -> GaussNewtonReport:
    """Test a Gauss–Newton product G = Jᵀ H J.

    Parameters
    ----------
    product : callable
        v → Gv, the product under test. It gets a copy of v, as the others do; one that changes it does not
        pass.
    jvp, vjp : callable
        v → Jv and g → Jᵀg at the same point.
    loss_hessian : callable
        z → Hz, the Hessian of the loss with respect to the output of the map, symmetric and PSD.
    shape : int or sequence of int
        Shape of v.
    dtype : dtype or str
        Real dtype of v; the product must keep it.
    seed, repeats : int
        Seed of the vectors, and how many pairs are drawn.
    explicit : bool
        Also build J and H column by column and compare the whole matrix; for tiny sizes only.
    lengths : mapping of str to float, optional
        Named quantities whose powers a missing factor may be.
    backend : Backend
        Where v lives.

    Returns
    -------
    GaussNewtonReport
        ρ is the worst of its parts.

    Raises
    ------
    InputError
        If ``repeats`` is not positive, the shape is none or the dtype is not a real one.

    Notes
    -----
    Scales: ‖Gu‖‖v‖ + ‖u‖‖Gv‖ for symmetry, ‖Gv‖‖v‖ for the sign of ⟨v, Gv⟩, ‖Gv‖ + ‖JᵀHJv‖ for the
    composition, where each product counts as at least r = ‖Jv‖‖JᵀHz‖/√k, z ∈ R^k normal, the largest of all
    draws: H may leave hardly anything of Jv, as the softmax does of logits that are almost equal, and then r
    eps is what JᵀH makes of the rounding errors of Jv. Frobenius norms for the explicit matrix, whose Jᵀ is
    the transpose of the J that jvp gives: a wrong vjp cannot hide there, nor a single negative eigenvalue,
    which random vectors seldom meet.

    Examples
    --------
    >>> J = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]])
    >>> G = lambda v: J.T @ (2.0 * (J @ v))
    >>> gauss_newton_test(G, lambda v: J @ v, lambda g: J.T @ g, lambda z: 2.0 * z, 3, explicit=True).passed
    True
    """
    V = space_of(shape, dtype, backend)
    if not V.one or V.kinds != {"f"}:
        raise InputError(f"shape is {shape} and dtype is {dtype}; expected one shape and a real dtype.")
    rng, call = np.random.default_rng(require_whole(seed, "seed")), Calls()

    def named(name: str, function: Product) -> Product:
        return lambda v: call(name, function, v)

    G, J, JT, H = (
        named(name, function)
        for name, function in (
            ("product", product),
            ("jvp", jvp),
            ("vjp", vjp),
            ("loss_hessian", loss_hessian),
        )
    )
    drawn, pairs, reach = [], [], 0.0
    for _ in range(require_whole(repeats, "repeats", 1)):
        u, v = V.draw(rng), V.draw(rng)
        Gu, Gv, Jv = G(u), G(v), J(v)
        composed = JT(H(Jv))
        wrong = V.mismatch(Gv, "product") or V.mismatch(composed, "vjp")
        if wrong:
            return call.judge(GaussNewtonReport(_NAME, float("inf"), "FAIL", f"{wrong}."))
        reach = max(reach, _reach(Jv, lambda z: JT(H(z)), V, rng))
        unit = unit_of(Gu, Gv, composed)
        Gu, Gv, composed = V.scaled(Gu, Gv, composed)
        drawn.append(((u, v, Gu, Gv, composed), unit))
        pairs.append((inner(Gv, u), inner(composed, u)))
    parts = [_residuals(*one, reach / unit, V.eps) for one, unit in drawn]
    found = {name: worst_rho(part[name] for part in parts) for name in parts[0]}
    if explicit and any(n for pair in pairs for n in pair):
        found["explicit"] = _explicit(G, J, H, V)
    return call.judge(_judge(found, pairs, V.eps, lengths or {}))


_NAME = "gauss_newton_test"


def _reach(Jv: Array, back: Product, V: Space, rng: np.random.Generator) -> float:
    """Return ‖Jv‖‖JᵀHz‖/√k for a normal z ∈ R^k: what JᵀH makes of rounding errors of Jv, in their eps."""
    outputs = space_of(Jv.shape, V.dtypes[0], V.backend)
    return norm_of(Jv) * norm_of(back(outputs.draw(rng))) / math.sqrt(max(1, int(Jv.size)))


def _residuals(
    u: Array, v: Array, Gu: Array, Gv: Array, composed: Array, reach: float, eps: float
) -> dict[str, float]:
    """Return ρ of symmetry, semi-definiteness and composition for one pair of vectors."""
    size_u, size_v, size_composed = (max(norm_of(one), reach) for one in (Gu, Gv, composed))
    curvature = inner(v, Gv).real
    negative = curvature if curvature != curvature else max(0.0, -curvature)
    return {
        "symmetry": ratio(abs(inner(Gu, v) - inner(u, Gv)), size_u * norm_of(v) + norm_of(u) * size_v, eps),
        "semidefinite": ratio(negative, size_v * norm_of(v), eps),
        "composition": ratio(norm_of(Gv - composed), size_v + size_composed, eps),
    }


def _explicit(product: Product, jvp: Product, hessian: Product, V: Space) -> float:
    """Return ρ of the matrix of G against Jᵀ H J, and of its most negative eigenvalue."""
    J, G = _matrix(jvp, V), _matrix(product, V)
    output = jvp(V.backend.xp.zeros(V.shapes[0], dtype=V.dtypes[0]))
    H = _matrix(hessian, space_of(output.shape, V.dtypes[0], V.backend))
    unit = unit_of(G)
    G, expected = G / unit, J.T @ ((H / unit) @ J)
    misfit = ratio(norm_of(G - expected), norm_of(H / unit) * norm_of(J) * norm_of(J), V.eps)
    if not np.isfinite(G).all():
        return float("nan")
    lowest = float(np.linalg.eigvalsh((G + G.T) / 2)[0])
    return worst_rho([misfit, ratio(max(0.0, -lowest), norm_of(G), V.eps)])


def _matrix(operator: Product, V: Space) -> Array:
    """Return the matrix of a linear map on V, one column a unit vector, in float64 on the host."""
    shape, to, back = V.shapes[0], V.backend.from_host, V.backend.to_host
    units = np.eye(int(np.prod(shape)), dtype=V.dtypes[0])
    columns = [back(operator(to(e.reshape(shape)))).reshape(-1) for e in units]
    return np.stack(columns, axis=1).astype("float64")


def _judge(
    found: dict[str, float], pairs: list[tuple[complex, complex]], eps: float, lengths: Mapping[str, float]
) -> GaussNewtonReport:
    """Turn the residuals into a report that names the worst part."""
    rho = worst_rho(found.values())
    explicit = found.pop("explicit", None)
    sums = {
        "symmetry": "the product is not symmetric",
        "semidefinite": "the product is not positive semi-definite",
        "composition": "the product is not vjp(H jvp(v))",
        "explicit": "the product is not the explicit matrix JᵀHJ",
    }
    everything = {**found, **({} if explicit is None else {"explicit": explicit})}
    bad = [name for name, value in everything.items() if verdict(value) != "PASS"]
    text = f"the product is symmetric, semi-definite and equal to JᵀHJ to {rho:.2g} eps."
    if bad:
        text = "; ".join(f"{sums[name]} ({everything[name]:.3g} eps)" for name in bad) + "."
        c = constant_factor([g for g, _ in pairs], [e for _, e in pairs], 1e3 * eps)
        if "composition" in bad and c is not None and c != 0:
            text = f"the product is {name_factor(c, lengths)} times vjp(H jvp(v))."
    outcome = verdict(rho)
    if outcome == "PASS" and not any(value for pair in pairs for value in pair):
        outcome, text = "MARGINAL", "the product returned zeros only, so nothing was tested."
    return GaussNewtonReport(_NAME, rho, outcome, text, **found, explicit=explicit)
