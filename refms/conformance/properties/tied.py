"""Y1-Y6: layers with a bias in every cell, antisymmetric and symmetric ones, and their gradients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.outcome import holds
from refms.conformance.operations.networks import STEEPEST
from refms.conformance.properties.arrays import dot
from refms.conformance.property import Claims, family
from refms.definition.activation import at_zero
from refms.definition.arrays import norm
from refms.definition.convolution import transpose
from refms.definition.norms import max_norm, row_sum_norm
from refms.definition.tied import (
    antisymmetric_gradient,
    antisymmetric_layer,
    cell_bias_gradient,
    cell_bias_layer,
    symmetric_gradient,
    symmetric_layer,
)
from refms.errors import Array

law = family("tied")
STABLE = "Haber and Ruthotto (2017), stable architectures"
FEW = Domain(small=True)
SMOOTH = Domain(small=True, activations=("tanh", "smoothed_relu", "identity"))
"""Without kinks, at which a rounding decides on the slope."""

DAMPING = (0.0, 0.3)


def _conventions(x: Instance) -> dict[str, str]:
    return {"boundary": x.boundary, "orientation": x.orientation}


def _drawn(x: Instance, *bias: int) -> tuple[Array, Array, Array, Array]:
    """Return S, b, Y and Z."""
    Y, Z = x.image(), x.draw("Z", x.examples, x.c_out, *x.grid)
    return x.stencils(), x.draw("b", x.c_out, *bias, scale=x.stencil_scale * x.image_scale), Y, Z


def _square(x: Instance) -> Instance:
    """Return an instance with as many channels in as out."""
    return replace(x, c_out=x.c_in)


def _rows(S: Array) -> float:
    """Return ‖S‖₁ + ‖Sᵀ‖₁."""
    return float(row_sum_norm(S) + row_sum_norm(transpose(S)))


def _bent(S: Array, b: Array, Y: Array) -> float:
    """Return by how much σ′ answers to rounding errors of its argument."""
    return max(1.0, STEEPEST * (_rows(S) * float(max_norm(Y)) + float(max_norm(b))))


@law("Y1", "cell_bias_layer", "[LAS] eq. (2)", FEW, half=True)
def _cell_bias(a: Gate, x: Instance) -> Claims:
    """A bias in every cell is added where it belongs, the same for every example.

    σ(K(S)y + b), b (c, *grid); scale ‖S‖₁‖y‖_∞ + ‖b‖_∞
    Catches: one bias a channel, cells in another order, a bias that is added after σ.
    """
    S, b, Y, _ = _drawn(x, *x.grid)
    wanted = cell_bias_layer(S, b, Y, x.activation, **_conventions(x))
    got = a.cell_bias_layer(S, b, Y, x.activation, x.boundary)
    scale = row_sum_norm(S) * max_norm(Y) + max_norm(b) + at_zero(x.activation)
    yield "σ(K y + b)", got, wanted, scale


@law("Y2", "cell_bias_gradient", "[LAS] eq. (2)", SMOOTH)
def _cell_bias_gradient(a: Gate, x: Instance) -> Claims:
    """The gradient in such a bias is summed over the examples, and over nothing else.

    Σ_examples σ′(K y + b) ∘ z; scale m‖z‖_∞ max(1, 5‖K y + b‖)
    Catches: a sum or mean over the cells, a mean over the examples, σ′ left out.
    """
    S, b, Y, Z = _drawn(x, *x.grid)
    wanted = cell_bias_gradient(S, b, Y, Z, x.activation, **_conventions(x))
    got = a.cell_bias_gradient(S, b, Y, Z, x.activation, x.boundary)
    yield "∂/∂b", got, wanted, len(Z) * max_norm(Z) * _bent(S, b, Y)


@law("Y3", "antisymmetric_layer", STABLE, FEW, half=True)
def _antisymmetric(a: Gate, x: Instance) -> Claims:
    """The antisymmetric layer is σ of K − Kᵀ − γI; where σ is the identity only γ changes the energy.

    σ((K − Kᵀ − γI)y + b) for γ = 0 and 0.3; ⟨y, F(y)⟩ = −γ‖y‖² for b = 0, σ = identity; scale
    (‖S‖₁ + ‖Sᵀ‖₁ + γ)‖y‖_∞ + ‖b‖_∞
    Catches: K + Kᵀ, half of the difference, no flip or no exchange of channels in Kᵀ, damping with the other
    sign or on another place than the centre of each channel's own stencil.
    """
    x = _square(x)
    S, b, Y, _ = _drawn(x)
    for damping in DAMPING:
        wanted = antisymmetric_layer(S, b, Y, x.activation, damping, **_conventions(x))
        got = a.antisymmetric_layer(S, b, Y, x.activation, damping, x.boundary)
        scale = (_rows(S) + damping) * max_norm(Y) + max_norm(b) + at_zero(x.activation)
        yield f"σ((K − Kᵀ − {damping:g}I)y + b)", got, wanted, scale
        if "identity" in a.profile.activations:
            F = a.antisymmetric_layer(S, 0 * b, Y, "identity", damping, x.boundary)
            size = (_rows(S) + damping) * norm(Y) ** 2
            yield f"⟨y, F(y)⟩ = −{damping:g}‖y‖²", dot(Y, F), -damping * dot(Y, Y), size


@law("Y4", "antisymmetric_layer_gradient", STABLE, SMOOTH)
def _antisymmetric_gradient(a: Gate, x: Instance) -> Claims:
    """The gradient of the antisymmetric layer comes from K and from Kᵀ, and vanishes for symmetric changes.

    ⟨A_o, Π_κ y_c⟩ − ⟨y_o, Π_κ A_c⟩, A = σ′ ∘ z; g(S) = −(g flipped, channels exchanged); scale 2‖z‖‖y‖
    max(1, 5‖K y + b‖)
    Catches: one of both places forgotten, their signs, σ′ left out.
    """
    x = _square(x)
    S, b, Y, Z = _drawn(x)
    wanted = antisymmetric_gradient(S, b, Y, Z, x.activation, 0.3, **_conventions(x))
    got = a.antisymmetric_layer_gradient(S, b, Y, Z, x.activation, 0.3, x.boundary)
    scale = 2 * norm(Z) * norm(Y) * _bent(S, b, Y)
    yield "∂/∂S", got, wanted, scale
    yield "g = −τg", got, -transpose(got), scale


@law("Y5", "symmetric_layer", STABLE, FEW, half=True)
def _symmetric(a: Gate, x: Instance) -> Claims:
    """The symmetric layer is −Kᵀσ(K y + b), and brings any two states closer.

    ⟨F(y) − F(u), y − u⟩ <= 0, because σ does not fall; scale ‖Sᵀ‖₁(‖S‖₁‖y‖_∞ + ‖b‖_∞)
    Catches: the minus left out, K in place of Kᵀ, σ outside, the bias on the other side.
    """
    x = _square(x)
    S, b, Y, _ = _drawn(x)
    U = x.image("U")
    F, G = (a.symmetric_layer(S, b, one, x.activation, x.boundary) for one in (Y, U))
    inside = row_sum_norm(S) * max_norm(Y) + max_norm(b) + at_zero(x.activation)
    scale = row_sum_norm(transpose(S)) * inside
    yield "−Kᵀσ(K y + b)", F, symmetric_layer(S, b, Y, x.activation, **_conventions(x)), scale
    rate, slack = dot(F.astype("float64") - G, Y.astype("float64") - U), norm(Y - U) * np.sqrt(Y.size)
    largest = 30 * x.eps * slack * scale * max(1.0, max_norm(U) / max_norm(Y))
    yield holds(rate <= largest, "⟨F(y) − F(u), y − u⟩ <= 0", f"it is {rate:.3g}")


@law("Y6", "symmetric_layer_gradient", STABLE, SMOOTH)
def _symmetric_gradient(a: Gate, x: Instance) -> Claims:
    """The gradient of the symmetric layer comes from both places of K.

    −⟨σ_o, Π_κ z_c⟩ − ⟨(σ′ ∘ K z)_o, Π_κ y_c⟩; scale (1 + ‖S‖₁ + ‖Sᵀ‖₁)‖z‖(‖y‖ + n‖b‖) max(1, 5‖K y + b‖)
    Catches: the inner or the outer K forgotten, their signs, σ′ left out.
    """
    x = _square(x)
    S, b, Y, Z = _drawn(x)
    wanted = symmetric_gradient(S, b, Y, Z, x.activation, **_conventions(x))
    got = a.symmetric_layer_gradient(S, b, Y, Z, x.activation, x.boundary)
    size = norm(Y) + norm(b) * x.cells + at_zero(x.activation) * np.sqrt(Y.size)
    yield "∂/∂S", got, wanted, (1 + _rows(S)) * norm(Z) * size * _bent(S, b, Y)
