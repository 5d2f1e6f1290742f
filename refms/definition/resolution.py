"""A whole network on another mesh or with another depth: stencils by R K P, W by the pair or by the adjoint.

W (c·n, ℓ) are functions on the mesh that read features by h^d⟨w, y⟩. On the way up, w_h = P w_H by the pair,
by the adjoint w_h = 2^d Rᵀ w_H, so that h^d⟨w_h, y⟩ = H^d⟨w_H, R y⟩; on the way down w_H = R w_h / (Σ r)^d,
and 2^{−d} Pᵀ w_h. Without h^d in the logits W holds h^d w: 2^{−d} of it on the way up, 2^d on the way down.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from refms.definition.arrays import Array
from refms.definition.depth import prolong_in_time
from refms.definition.galerkin import down, up
from refms.definition.transfer import Weights, prolong, restrict

Parameters = Mapping[str, Array]
Both = tuple[Weights, Weights]


def refine_weights(
    W: Array, grid: Sequence[int], pair: Both, rule: str, volume_weighted: bool = True
) -> Array:
    """Return W on the grid with twice as many cells along every axis, by the rule "pair" or "adjoint"."""
    functions, (r, p), cells = W.T.reshape(W.shape[1], -1, *grid), pair, 2 ** len(grid)
    moved = prolong(functions, p) if rule == "pair" else cells * prolong(functions, r)
    return moved.reshape(W.shape[1], -1).T / (1 if volume_weighted else cells)


def coarsen_weights(
    W: Array, grid: Sequence[int], pair: Both, rule: str, volume_weighted: bool = True
) -> Array:
    """Return W from a grid on the one with half as many cells along every axis."""
    functions, (r, p), cells = W.T.reshape(W.shape[1], -1, *grid), pair, 2 ** len(grid)
    row_sum = sum(r.values()) ** len(grid)
    moved = restrict(functions, r) / row_sum if rule == "pair" else restrict(functions, p) / cells
    return moved.reshape(W.shape[1], -1).T * (1 if volume_weighted else cells)


def move_network(
    parameters: Parameters,
    grid: Sequence[int],
    pair: Both,
    rule: str,
    finer: bool,
    volume_weighted: bool = True,
    orientation: str = "correlation",
) -> dict[str, Array]:
    """Return the parameters on the next finer or coarser mesh; an opening of one cell, b and μ are kept."""
    S, L = parameters["stencils"], parameters["opening"]
    move, of_weights = (up, refine_weights) if finer else (down, coarsen_weights)
    layers = move(S.reshape(-1, *S.shape[2:]), *pair, orientation)
    return {
        "opening": L if math.prod(L.shape[2:]) == 1 else move(L, *pair, orientation),
        "stencils": layers.reshape(*S.shape[:3], *layers.shape[2:]),
        "biases": parameters["biases"],
        "W": of_weights(parameters["W"], grid, pair, rule, volume_weighted),
        "mu": parameters["mu"],
    }


def deepen_network(parameters: Parameters, layers: int) -> dict[str, Array]:
    """Return the parameters of more layers for the same T: stencils and biases linear in time."""
    moved = {}
    for key in ("stencils", "biases"):
        rows = parameters[key].reshape(len(parameters[key]), -1)
        moved[key] = prolong_in_time(rows, layers).reshape(layers, *parameters[key].shape[1:])
    return {**parameters, **moved}
