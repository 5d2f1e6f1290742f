"""A tiny network of [MST], N(x) = K(S_2) σ(x̂(K(S_1) x)) with layer norm x̂ and SiLU σ, and its gradients."""

from __future__ import annotations

import numpy as np

from refms.definition.arrays import Array, Number, combine
from refms.definition.convolution import adjoint, convolve, stencil_gradient
from refms.definition.galerkin import down, stencil_map
from refms.definition.multiscale import corrupted
from refms.definition.normalization import normalization_product, standardize
from refms.definition.silu import silu, silu_slope
from refms.definition.transfer import Weights

Stencils = tuple[Array, Array]


def gradient(S: Stencils, X: Array, Y: Array, epsilon: Number) -> Stencils:
    """Return ∂/∂(S_1, S_2) of mean_j ‖N(X_j) − Y_j‖²/(c n), for images (m, c, *grid).

    With U = K(S_1) X, A = σ(x̂(U)), E = 2 (K(S_2) A − Y)/(m c n): ∂S_2 = Σ E Aᵀ and
    ∂S_1 = Σ (J (σ′ ∘ K(S_2)ᵀ E)) Xᵀ, J the derivative of x̂ at U.
    """
    first, second = S
    U = convolve(first, X)
    unit = standardize(U, 1, epsilon)[0].reshape(U.shape)
    A = silu(unit)
    E = 2 * (convolve(second, A) - Y) / int(np.prod(Y.shape))
    into = normalization_product(U, silu_slope(unit) * adjoint(second, E), 1, epsilon)
    return stencil_gradient(into, X, first.shape[2:]), stencil_gradient(E, A, second.shape[2:])


def level_gradient(
    S: Stencils,
    Y: Array,
    Z: Array,
    times: Array,
    r: Weights,
    level: int,
    epsilon: Number,
    pair: tuple[Weights, Weights] | None = None,
) -> Stencils:
    """Return g_l on Q_l X and Q_l Y; with a pair (r, p) of N with T^l S, K(T s) = R K(s) P: (T^l)ᵀ g_l."""
    X, y = corrupted(Y, Z, times, r, level)
    if pair is None:
        return gradient(S, X, y, epsilon)
    for _ in range(level):
        S = down(S[0], *pair), down(S[1], *pair)
    G = gradient(S, X, y, epsilon)
    for _ in range(level):
        G = _down_adjoint(G[0], *pair), _down_adjoint(G[1], *pair)
    return G


def _down_adjoint(G: Array, r: Weights, p: Weights) -> Array:
    """Return (Aᵀ ⊗ … ⊗ Aᵀ) g."""
    for axis in range(2, G.ndim):
        G = combine(stencil_map(r, p, G.shape[axis]).T, G, axis)
    return G
