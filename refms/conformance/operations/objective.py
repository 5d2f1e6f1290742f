"""The operations on further objectives: other losses, regularisers, full second derivatives."""

from __future__ import annotations

from typing import Any

from refms.conformance.operations.operation import Operation, row
from refms.conformance.oracles import network as oracle
from refms.conformance.oracles.training import pull
from refms.definition.norms import max_norm

_FORMULAS = {
    "least_squares": "½ Σ_i (z_i − c_i)²",
    "logistic": "Σ_i c_i log(1 + e^{−z_i}) + (1 − c_i) log(1 + e^{z_i})",
    "smooth_hinge": "Σ_i c_i φ(z_i) + (1 − c_i) φ(−z_i)",
}
"""Loss -> its formula for one example."""

_LABELS = """Labels are from 0 to 1 and need not sum to one; logits of any finite size give finite results"""
_SQUARES = ", as far as their squares are finite"
_WIDTH = """.

        φ(u) = 0 for u >= 1, (1 − u)²/(2ε) for 1 − ε <= u <= 1 and 1 − u − ε/2 below, ε = ``width`` > 0; φ″ is
        1/ε at both ends of the middle piece"""


def _steep(t: Any) -> float:
    """Return the largest curvature of a loss."""
    return max(1.0, 1 / getattr(t, "width", 1.0))


def _size(t: Any) -> float:
    """Return the largest logit, at least 1."""
    return max(float(max_norm(t.Z)), 1.0)


def _losses(name: str) -> tuple[Operation, ...]:
    """Return the rows of a loss of single logits: its value, gradient and Hessian."""
    width = ", width" if name == "smooth_hinge" else ""
    more = {"smooth_hinge": _WIDTH, "least_squares": _SQUARES}.get(name, "")
    power = 2 if name == "least_squares" else 1
    return (
        row(
            f"{name}(Z[y m], C[y m]{width}) -> number",
            f"""the loss {_FORMULAS[name]} of each example, reduced over examples.

        Logits Z and labels C have the shape (ℓ, m). {_LABELS}{more}.
        """,
            lambda t: t.Z.size * _steep(t) * _size(t) ** power,
            reduced=True,
        ),
        row(
            f"{name}_gradient(Z[y m], C[y m]{width}) -> array like Z",
            f"the gradient of ``{name}`` with respect to Z, shape (ℓ, m).",
            lambda t: _steep(t) * _size(t),
            reduced=True,
        ),
        row(
            f"{name}_hessian(Z[y m], C[y m], V[y m]{width}) -> array like Z",
            f"the Hessian of ``{name}`` with respect to Z, applied to V, shape (ℓ, m).",
            lambda t: _steep(t) * _size(t) * max_norm(t.V),
            reduced=True,
        ),
    )


def _of_product(t: Any) -> tuple[float, float]:
    """Return the scale of second derivatives."""
    growth = oracle.growth(t.parameters, t.x)
    return growth**2 * oracle.size(t.x.in_units(t.direction)), growth


def _of_regularized(t: Any) -> tuple[float, float]:
    growth, v = oracle.growth(t.parameters, t.x), getattr(t, "direction", t.parameters)
    return growth * (1 + oracle.size(t.x.in_units(v))) + pull(v, t.x, t.weights), growth


_REGULARIZED = """

        ``weights`` are (α_θ, τ_θ, α_W, τ_W), all >= 0; with δt = T/N and the layers θ_k = (stencils, biases),

            R = ½ Σ_{k<N−1} δt α_θ ‖(θ_{k+1} − θ_k)/δt‖² + ½ Σ_k δt τ_θ ‖θ_k‖² + ½ τ_θ ‖opening‖²
                + ½ h^d Σ_j (α_W ‖∇_h w_j‖² + τ_W ‖w_j‖²),

        ∇_h as in ``weight_smoothness``, h^d whatever the profile says of logits; μ is free. R is added once,
        be the loss the mean or the sum over the examples.
        """

ROWS = (
    *_losses("least_squares"),
    *_losses("logistic"),
    *_losses("smooth_hinge"),
    row(
        "hessian(parameters, direction, X[m B grid], C[y m], problem) -> parameters",
        """the product of the Hessian ∇²f of ``loss`` with a direction in all parameters.

        It is ``gauss_newton`` plus what the second derivatives of the network add; not positive in general.
        """,
        _of_product,
        reduced=True,
    ),
    row(
        "regularized_loss(parameters, X[M B grid], C[y M], problem, weights) -> number",
        f"the objective of eq. (6), ``loss`` + R.{_REGULARIZED}",
        lambda t: (oracle.loss_scale(t.parameters, t.X, t.x), 1.0),
    ),
    row(
        "regularized_gradient(parameters, X[M B grid], C[y M], problem, weights) -> parameters",
        "the gradient of ``regularized_loss``, one array for every parameter.",
        _of_regularized,
    ),
    row(
        "regularized_gauss_newton(parameters, direction, X[M B grid], C[y M], problem, weights)"
        " -> parameters",
        "the product of JᵀHJ + ∇²R, the Gauss–Newton matrix of ``regularized_loss``, with a direction.",
        _of_regularized,
    ),
)
