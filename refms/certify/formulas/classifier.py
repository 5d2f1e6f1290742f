"""The classifier's logits h^d Wᵀ y + μ, their tangent and their cotangent."""

from __future__ import annotations

import math
from dataclasses import dataclass

from refms.certify.formulas.tensor import Tensor, filled


@dataclass(frozen=True)
class Weights:
    """Parameters of the classifier, or a direction in them.

    Parameters
    ----------
    W : numpy.ndarray
        Shape (c, *grid, ℓ).
    mu : numpy.ndarray
        Shape (ℓ,).
    """

    W: Tensor
    mu: Tensor


def products(W: Tensor, Y: Tensor) -> Tensor:
    """Return the midpoint rule for the integrals of w_l y_j: h^d Σ_c Σ_i W_{c,i,l} Y_{c,i,j}.

    Parameters
    ----------
    W : numpy.ndarray
        Shape (c, *grid, ℓ).
    Y : numpy.ndarray
        Shape (c, *grid, m).

    Returns
    -------
    numpy.ndarray
        Shape (ℓ, m); h^d = 1 / number of cells.
    """
    cells = math.prod(W.shape[1:-1])
    left = W.reshape(-1, W.shape[-1])
    right = Y.reshape(-1, Y.shape[-1])
    return filled(
        (W.shape[-1], Y.shape[-1]),
        lambda index: sum(left[r, index[0]] * right[r, index[1]] for r in range(left.shape[0])) / cells,
    )


def logits(at: Weights, Y: Tensor) -> Tensor:
    """Return z_{l,j} = h^d ⟨w_l, y_j⟩ + μ_l.

    Parameters
    ----------
    at : Weights
        W and μ.
    Y : numpy.ndarray
        Shape (c, *grid, m).

    Returns
    -------
    numpy.ndarray
        Shape (ℓ, m).
    """
    Z = products(at.W, Y)
    return filled(Z.shape, lambda index: Z[index] + at.mu[index[0]])


def tangent(at: Weights, Y: Tensor, d: Weights, dY: Tensor) -> Tensor:
    """Return h^d (⟨dw_l, y_j⟩ + ⟨w_l, dy_j⟩) + dμ_l.

    Parameters
    ----------
    at, d : Weights
        Where, and in which direction.
    Y, dY : numpy.ndarray
        Shape (c, *grid, m).

    Returns
    -------
    numpy.ndarray
        Shape (ℓ, m).
    """
    return logits(d, Y) + products(at.W, dY)


def cotangent(at: Weights, Y: Tensor, G: Tensor) -> tuple[Weights, Tensor]:
    """Return the gradients of ⟨G, z⟩ in (W, μ) and in Y.

    Parameters
    ----------
    at : Weights
        W and μ.
    Y : numpy.ndarray
        Shape (c, *grid, m).
    G : numpy.ndarray
        Shape (ℓ, m).

    Returns
    -------
    gradient : Weights
        h^d Σ_j y_j G_{l,j} and Σ_j G_{l,j}.
    features : numpy.ndarray
        h^d Σ_l w_l G_{l,j}, shape of Y.
    """
    cells = math.prod(Y.shape[1:-1])
    classes, examples = range(G.shape[0]), range(G.shape[1])
    gW = filled(
        at.W.shape,
        lambda index: sum(Y[(*index[:-1], j)] * G[index[-1], j] for j in examples) / cells,
    )
    gY = filled(Y.shape, lambda index: sum(at.W[(*index[:-1], k)] * G[k, index[-1]] for k in classes) / cells)
    return Weights(gW, filled(at.mu.shape, lambda index: sum(G[index[0], j] for j in examples))), gY
