"""Layers σ(K(S)y + b) with b in every cell, σ((K − Kᵀ − γI)y + b), −Kᵀσ(K y + b), and their gradients.

The gradients are those of ⟨Z, layer⟩: with A = σ′ ∘ Z, ∂⟨A, K(S)y⟩/∂S_{oc,κ} = ⟨A_o, Π_κ y_c⟩.
"""

from __future__ import annotations

from refms.definition.activation import activate, slope
from refms.definition.arrays import Array, Number
from refms.definition.convolution import adjoint, convolve, stencil_gradient
from refms.definition.network import preactivation


def cell_bias_layer(S: Array, b: Array, Y: Array, activation: str, **shifts: str) -> Array:
    """Return σ(K(S)Y + b), b (c, *grid)."""
    return activate(convolve(S, Y, **shifts) + b, activation)


def cell_bias_gradient(S: Array, b: Array, Y: Array, Z: Array, activation: str, **shifts: str) -> Array:
    """Return the gradient in b: σ′ ∘ Z, summed over examples alone."""
    return (slope(convolve(S, Y, **shifts) + b, activation) * Z).sum(axis=0)


def antisymmetric_preactivation(S: Array, b: Array, Y: Array, damping: Number, **shifts: str) -> Array:
    """Return (K(S) − K(S)ᵀ − γI)Y + b, b one a channel."""
    return preactivation(S, b, Y, **shifts) - adjoint(S, Y, **shifts) - damping * Y


def antisymmetric_layer(
    S: Array, b: Array, Y: Array, activation: str, damping: Number, **shifts: str
) -> Array:
    """Return σ((K(S) − K(S)ᵀ − γI)Y + b)."""
    return activate(antisymmetric_preactivation(S, b, Y, damping, **shifts), activation)


def antisymmetric_gradient(
    S: Array, b: Array, Y: Array, Z: Array, activation: str, damping: Number, **shifts: str
) -> Array:
    """Return the gradient in S, from K and from Kᵀ: ⟨A_o, Π_κ y_c⟩ − ⟨y_o, Π_κ A_c⟩."""
    A, sizes = slope(antisymmetric_preactivation(S, b, Y, damping, **shifts), activation) * Z, S.shape[2:]
    return stencil_gradient(A, Y, sizes, **shifts) - stencil_gradient(Y, A, sizes, **shifts)


def symmetric_layer(S: Array, b: Array, Y: Array, activation: str, **shifts: str) -> Array:
    """Return −K(S)ᵀ σ(K(S)Y + b), b one a channel."""
    return -adjoint(S, activate(preactivation(S, b, Y, **shifts), activation), **shifts)


def symmetric_gradient(S: Array, b: Array, Y: Array, Z: Array, activation: str, **shifts: str) -> Array:
    """Return the gradient in S, from both places: −⟨σ_o, Π_κ Z_c⟩ − ⟨σ′ ∘ (K Z)_o, Π_κ y_c⟩."""
    z, sizes = preactivation(S, b, Y, **shifts), S.shape[2:]
    A = slope(z, activation) * convolve(S, Z, **shifts)
    outer = stencil_gradient(activate(z, activation), Z, sizes, **shifts)
    return -outer - stencil_gradient(A, Y, sizes, **shifts)
