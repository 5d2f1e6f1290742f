"""Whole networks on other meshes and with other depths, and the images that go with them."""

from __future__ import annotations

from typing import Any

from refms.conformance.operations.operation import paragraphs, row
from refms.conformance.oracles import network as oracle
from refms.conformance.oracles.scales import condition
from refms.definition.arrays import norm
from refms.definition.norms import max_norm
from refms.definition.transfer import PAIRS

_WEIGHTS = """
``weights`` is the rule for W, functions w on the mesh that read features by h^d⟨w, y⟩: "pair" or "adjoint".
Where logits are declared to have no h^d, W holds h^d w. Biases and μ stay, and so does an opening of one
cell; a larger one moves like the layers.
"""


def _of_network(t: Any) -> float:
    """Errors of stencils, of W, in the units of the random parameters."""
    pair, p = PAIRS[t.pair], t.parameters
    size, d = p["stencils"].shape[-1], p["stencils"].ndim - 3
    gain = max(1.0, *(sum(map(abs, one.values())) for one in (pair.r, pair.p, pair.correlation))) ** d
    stencils = max(norm(p[key]) * t.x.units[key] for key in ("opening", "stencils"))
    moved = max(condition(pair, size) ** d, gain) * stencils
    return float(
        moved + 2**d * gain * max_norm(p["W"]) * t.x.units["W"] + max_norm(p["biases"]) + max_norm(p["mu"])
    )


ROWS = (
    row(
        "refine_network(parameters, grid, pair, weights) -> parameters[finer]",
        paragraphs(
            "the network on the mesh with twice as many cells, K(s_H) = R K(s_h) P, eq. (9) of [LAS].",
            _WEIGHTS,
            """By the pair w_h = P w_H, by the adjoint w_h = 2^d Rᵀ w_H. ``grid`` is the coarse one. It must
            raise where the stencils have no finer ones of their size, as ``stencil_up``.""",
        ),
        _of_network,
    ),
    row(
        "coarsen_network(parameters, grid, pair, weights) -> parameters[coarser]",
        paragraphs(
            "the network on the mesh with half as many cells, K(s_H) = R K(s_h) P, eq. (8) of [LAS].",
            _WEIGHTS,
            """By the pair w_H = R w_h/(Σ_a r_a)^d, by the adjoint w_H = 2^{−d} Pᵀ w_h. ``grid`` is the fine
            one. It must raise where an extent is odd. Only stencils that keep their size are asked for.""",
        ),
        _of_network,
    ),
    row(
        "forward_at_depth(parameters, X[m B grid], problem, layers) -> field[m O grid]",
        """the features y of the network after it was given more layers for the same final time T.

        Stencils and biases are linear in time, as in ``depth_prolong``; the opening stays; δt = T/``layers``.
        """,
        lambda t: t.layers * oracle.reach(t.parameters, t.X, t.x),
    ),
    row(
        "coarse_input(Y[m c grid], grid, pair, sigma) -> field[m c grid/2]",
        "R G Y, [LAS] Sec. 4: images smoothed by ``blur`` with σ in fine cells, then restricted.",
        lambda t: sum(map(abs, PAIRS[t.pair].r.values())) ** t.x.d * max_norm(t.Y),
        halvings=1,
    ),
)
