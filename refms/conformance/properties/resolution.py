"""X1-X5: whole networks on other meshes and with other depths, and the images that go with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.oracles.network import reach
from refms.conformance.oracles.scales import condition
from refms.conformance.property import Claims, family, refused
from refms.definition.arrays import as_double, norm
from refms.definition.classifier import logits
from refms.definition.galerkin import closed
from refms.definition.network import states
from refms.definition.norms import max_norm
from refms.definition.resolution import deepen_network, move_network
from refms.definition.smoothing import blur
from refms.definition.transfer import restrict
from refms.errors import Array

law = family("resolution")
EQ9, RULES = "[LAS] eqs. (8), (9)", ("pair", "adjoint")
CLOSED = Domain(pair=lambda pair: True, stencil="closed", small=True)
EVEN = Domain(multiple=2, pair=lambda pair: True, stencil="closed", small=True)


def _networks(x: Instance) -> dict[str, dict[str, Array]]:
    """Return random parameters, with an opening as large as the layers' stencils and with one of one cell."""
    p = x.parameters(layers=x.layers + 1)
    point = replace(x, stencil=(1,) * x.d).parameters("point")["opening"]
    return {"opening like the layers": p, "opening of one cell": {**p, "opening": point}}


def _moved(a: Gate, x: Instance, finer: bool) -> Claims:
    """Claim that every array of a network on another mesh is the one of the definition, in its units."""
    move, pair = (a.refine_network if finer else a.coarsen_network), (x.weights.r, x.weights.p)
    gain = max(1.0, *(sum(map(abs, one.values())) for one in (*pair, x.weights.correlation))) ** x.d
    stencils = max(condition(x.weights, x.stencil[0]) ** x.d, gain)
    sizes = {"opening": stencils, "stencils": stencils, "W": 2**x.d * gain}
    for text, p in _networks(x).items():
        for rule in RULES:
            got = move(p, x.grid, x.pair, rule)
            wanted = move_network(p, x.grid, pair, rule, finer, x.volume_weighted, x.orientation)
            for key, array in wanted.items():
                scale = sizes.get(key, 1.0) * (
                    norm(p[key]) if key in ("opening", "stencils") else max_norm(p[key])
                )
                yield f"{key}, {text}, W by {rule}", got[key], array, scale


@law("X1", "refine_network", EQ9, CLOSED, cost=2)
def _finer(a: Gate, x: Instance) -> Claims:
    """A network on the next finer mesh has the stencils of eq. (9), and W by the pair or by the adjoint.

    R K(s_h) P = K(s_H) in all layers and in an opening of more than one cell; w_h = P w_H or 2^d Rᵀ w_H;
    biases, μ and an opening of one cell are kept; stencils of a size that is not closed raise; scale of
    stencils cond(A)^d ‖s‖, of W 2^d‖W‖_∞
    Catches: W scaled by another power of 2^d, rules exchanged, cells of W in another order, an opening or a
    layer that is left as it was, biases scaled.
    """
    yield from _moved(a, x, finer=True)
    size = next((k for k in a.profile.stencil_sizes if not closed(x.weights, k)), 0)
    if size:
        p = replace(x, stencil=(size,) * x.d).parameters()
        text = f"stencils of {size} cells, which have no finer ones of their size"
        yield refused(text, lambda: a.refine_network(p, x.grid, x.pair, "pair")["stencils"])


@law("X2", "coarsen_network", EQ9, EVEN, cost=2)
def _coarser(a: Gate, x: Instance) -> Claims:
    """A network on the next coarser mesh has the stencils of eq. (8), and W by the pair or by the adjoint.

    K(s_H) = R K(s_h) P; w_H = R w_h/(Σr)^d or 2^{−d} Pᵀ w_h; biases, μ and an opening of one cell are kept;
    odd grids raise; scale of stencils ‖A‖^d ‖s‖, of W 2^d‖W‖_∞
    Catches: W scaled by another power of 2^d, R that sums, rules exchanged, an opening left as it was.
    """
    yield from _moved(a, x, finer=False)
    odd = replace(x, grid=(x.grid[0] + 1, *x.grid[1:]))
    if a.profile.rectangular or x.d == 1:
        p = odd.parameters()
        yield refused(
            f"a grid of {odd.grid}", lambda: a.coarsen_network(p, odd.grid, x.pair, "pair")["stencils"]
        )


@law("X3", "refine_network", "[LAS] eqs. (5), (7)", CLOSED)
def _same_logits(a: Gate, x: Instance) -> Claims:
    """With W by the adjoint the classifier reads from fine features what it read from coarse ones.

    h^d W_hᵀ y + μ = H^d W_Hᵀ R y + μ for every y, whatever the pair (without h^d where that is declared);
    scale ‖W‖‖Ry‖h^d + ‖μ‖
    Catches: W by P under the name of the adjoint, 2^d forgotten or doubled, cells of W in another order.
    """
    p, fine = x.parameters(), tuple(2 * n for n in x.grid)
    Y = x.image("features", x.c_out, fine)
    moved = a.refine_network(p, x.grid, x.pair, "adjoint")
    coarse = restrict(as_double(Y), x.weights.r)
    wanted = logits(as_double(p["W"]), as_double(p["mu"]), coarse, x.volume_weighted)
    got = logits(as_double(moved["W"]), as_double(moved["mu"]), Y, x.volume_weighted)
    gain = max(1.0, sum(map(abs, x.weights.r.values()))) ** x.d
    yield "logits on both meshes", got, wanted, x.volume * norm(p["W"]) * norm(Y) * gain + max_norm(p["mu"])


@law("X4", "forward_at_depth", "[LAS] Sec. 3", Domain(small=True))
def _deeper(a: Gate, x: Instance) -> Claims:
    """A network that was given more layers keeps its final time: δt is T over the new number of layers.

    y of N' = N, N + 1 and 3N layers, stencils and biases linear in time; K = 0 and constant b:
    y_0 + Tσ(b) for every depth; scale N' ∏(1 + δt‖s‖₁) max(‖L‖₁‖x‖_∞, 1)
    Catches: δt that is stored and kept, layers repeated, biases that are not interpolated, the last layer
    extrapolated.
    """
    N = x.layers + 1
    X, p = x.image("X"), x.parameters(layers=N)
    flat = {**p, "stencils": 0 * p["stencils"], "biases": np.repeat(p["biases"][:1], N, axis=0)}
    conventions = {"boundary": x.boundary, "orientation": x.orientation}
    for text, one in (("random layers", p), ("K = 0, constant b", flat)):
        for layers in (N, N + 1, 3 * N):
            got = a.forward_at_depth(one, X, x.problem, layers)
            deep = deepen_network(one, layers)
            wanted = states(deep, X, x.final_time, x.activation, **conventions)[-1]
            yield f"{N} → {layers} layers, {text}", got, wanted, layers * reach(deep, X, x)


@law("X5", "coarse_input", "[LAS] Sec. 4", Domain(multiple=2, pair=lambda pair: True), half=True)
def _coarse_input(a: Gate, x: Instance) -> Claims:
    """Images for the coarse mesh are smoothed on the fine one, and then restricted.

    R G_σ y with σ in fine cells, σ = 0 is R y; scale ‖r‖₁^d‖y‖_∞
    Catches: R before the smoothing, σ in coarse cells, no smoothing, another pair's R.
    """
    Y = x.image()
    scale = sum(map(abs, x.weights.r.values())) ** x.d * max_norm(Y)
    for sigma in (0.0, 0.7, 1.5):
        wanted = restrict(blur(Y, sigma, int(np.ceil(4 * sigma))), x.weights.r)
        yield f"R G y, σ = {sigma:g}", a.coarse_input(Y, x.pair, sigma), wanted, scale
