"""H1-H4: logits as integrals over the domain, and the loss as a mean."""

from __future__ import annotations

import math

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.orders import judge_order
from refms.conformance.measures.outcome import Outcome, holds, varies
from refms.conformance.measures.precision import rounded
from refms.conformance.oracles.network import features, inner, logits, loss, loss_scale, output, size, temper
from refms.conformance.property import Claims, agree, family
from refms.definition.arrays import as_double, norm
from refms.definition.norms import max_norm
from refms.definition.transfer import coarsen
from refms.errors import Array
from refms.names import HALVES

law = family("classifier")
EQ5 = "[LAS] eq. (5)"


@law("H1", "logits prolong restrict", EQ5, Domain(multiple=2, pair=lambda pair: pair.row_sum == 1))
def _mesh_independent(a: Gate, x: Instance) -> Claims:
    """Logits h^d Wᵀy do not depend on the mesh.

    h^d⟨Pw, y⟩ = H^d⟨w, Ry⟩ where R = 2^-d Pᵀ, else equal up to O(h^q) with the pair's order q (criterion:
    slope at least q − 0.3); constants w, y give wy + μ on every mesh; scale ‖w‖‖y‖ h^d, for constants
    c‖W‖_∞‖y‖_∞ + ‖μ‖_∞ times N/60 for N = c n > 60 terms
    Catches: h^d missing, or of the wrong mesh, or applied to μ.
    """
    W, y = _weights(x, "W", x.c_in, x.classes), x.draw("y", x.examples, x.c_in, scale=x.image_scale)
    mu = x.draw("mu", x.classes, scale=x.stencil_scale * x.image_scale)
    flat = np.ones((x.examples, x.c_in, *x.grid)) * y.reshape(*y.shape, *(1,) * x.d)
    got = a.logits(np.repeat(W, x.cells, axis=0), mu, flat.astype(x.dtype))
    inside = as_double(got) - as_double(mu)[:, None]
    expected = as_double(W).T @ as_double(y).T
    # Rounding errors of equal terms do not cancel; with N/60, ρ = 30 is the bound of a plain loop over them.
    terms = max(1.0, x.c_in * x.cells / 60)
    size_ = terms * (x.c_in * max_norm(W) * max_norm(y) + max_norm(mu))
    yield "constant W and y", _volume(x, x.grid) * inside, expected, size_
    if x.weights.variational:
        w, Y = _weights(x, "w", x.classes, x.c_in, *coarsen(x.grid)), x.image()
        yield from agree("h^d⟨Pw,y⟩ = H^d⟨w,Ry⟩", *_on_both_meshes(a, x, w, Y), norm(w) * norm(Y) / x.cells)
    else:
        yield _order(a, x)


@law("H2", "logits", EQ5, Domain(small=True))
def _midpoint(a: Gate, x: Instance) -> Claims:
    """Logits are the midpoint rule for an integral.

    |h^d Σ w(x_i)y(x_i) − ∫ w y| = O(h²) for w = e^x, y = cos x in every variable; criterion: slope in [1.8,
    2.2] from n = 8 to 16; and logits = h^d Wᵀy + μ entry by entry, scale h^d ‖w‖‖y‖ + ‖μ‖_∞
    Catches: W in another order than y, h in place of h^d, μ missing.
    """
    W, Y = _weights(x, "W", x.c_in * x.cells, x.classes), x.image()
    mu = x.draw("mu", x.classes, scale=x.stencil_scale * x.image_scale)
    expected = logits(W, mu, Y, x)
    yield "h^d Wᵀy + μ", a.logits(W, mu, Y), expected, x.volume * norm(W) * norm(Y) + max_norm(mu)
    exact = ((math.e * (math.cos(1) + math.sin(1)) - 1) / 2) ** x.d
    counts, errors = (8, 16), []
    for n in counts:
        points = np.stack(np.meshgrid(*[(np.arange(n) + 0.5) / n] * x.d, indexing="ij"))
        w = x.stencil_scale * np.exp(points.sum(axis=0))
        y = x.image_scale * np.cos(points).prod(axis=0)
        column = np.repeat(w.reshape(-1, 1), x.classes, axis=1).astype(x.dtype)
        got = a.logits(column, 0 * mu, y[None, None].astype(x.dtype))[0, 0]
        integral = float(got) / (x.stencil_scale * x.image_scale)
        errors.append(abs(integral * _volume(x, (n,) * x.d) - exact))
    yield judge_order(counts, errors, 1.8, 2.2, "order of the midpoint rule")


@law("H3", "loss gradient", "[LAS] eq. (6)", Domain(small=True))
def _reduced(a: Gate, x: Instance) -> Claims:
    """The loss is reduced over the examples as declared.

    mean: f(X∪X) = f(X) and ∇f(X∪X) = ∇f(X), f of several examples is the mean of those of each; sum: twice,
    and their sum; scale |f| + ‖z‖
    Catches: 1/m missing, doubled, or in the loss but not in its gradient.
    """
    X, C = x.image("X", examples=3), x.one_hot(examples=3)
    p = temper(x.parameters(), X, x)
    f, g = a.loss(p, X, C, x.problem), a.gradient(p, X, C, x.problem)
    twice = np.concatenate([X, X]), np.concatenate([C, C], axis=1)
    singles = [a.loss(p, X[j : j + 1].copy(), C[:, j : j + 1].copy(), x.problem) for j in range(3)]
    factor, scale = 2 * x.share(2), abs(f) + loss_scale(p, X, x)
    g_twice = a.gradient(p, *twice, x.problem)
    gap = {key: as_double(g_twice[key]) - factor * as_double(g[key]) for key in g}
    gap, g = x.per_unit(gap), x.per_unit(g)
    yield "f(X∪X)", a.loss(p, *twice, x.problem), factor * f, scale
    yield "f against single examples", f, x.share(3) * sum(singles), scale
    yield "∇f(X∪X)", size(gap), 0.0, size(g) + scale
    yield varies(np.array(singles), "losses of single examples")
    yield holds(inner(g, g) > 0, "the gradient is not zero", "only zeros came back")


@law("H4", "logits loss", "[LAS] eqs. (5), (6)", Domain(small=True), half=True)
def _loss(a: Gate, x: Instance) -> Claims:
    """The loss is that of the logits of the features, in half precisions, too.

    z = h^d Wᵀy + μ and the mean (or sum) of log Σ e^z − cᵀz; scale h^d‖W‖‖y‖ + ‖μ‖_∞ for the logits, for the
    loss m (1 + N h^d‖W‖‖y‖ + ‖z‖_∞), in double and single precision as for S and O
    Catches: h^d or μ missing, another reduction, labels of other examples, an activation left out.
    """
    X, C = x.image("X"), x.one_hot()
    p = temper(x.parameters(), X, x)
    y, Z = features(p, X, x), output(p, X, x)
    size = x.volume * norm(p["W"]) * norm(y)
    Y = rounded(y, x.precision)
    yield "z", a.logits(p["W"], p["mu"], Y), logits(p["W"], p["mu"], Y, x), size + max_norm(p["mu"])
    count = 1 if x.reduction == "mean" else len(X)
    scale = count * (1 + x.layers * size + max_norm(Z))
    bound = loss_scale(p, X, x) + abs(loss(p, X, C, x))
    wanted = loss(p, X, C, x).real
    yield "f", a.loss(p, X, C, x.problem), wanted, scale if x.precision in HALVES else bound


def _weights(x: Instance, name: str, *shape: int) -> Array:
    """Return random weights of the size of the instance's stencils."""
    return x.draw(name, *shape, scale=x.stencil_scale)


def _columns(w: Array) -> Array:
    """Return weights (ℓ, c, *grid) as the matrix W (c·n, ℓ)."""
    return np.ascontiguousarray(w.reshape(len(w), -1).T)


def _volume(x: Instance, grid: tuple[int, ...]) -> float:
    """Return by what logits on a grid are multiplied to be weighted with h^d."""
    return 1.0 if x.volume_weighted else 1.0 / math.prod(grid)


def _on_both_meshes(a: Gate, x: Instance, w: Array, Y: Array) -> tuple[Array, Array]:
    """Return h^d⟨Pw, y⟩ and H^d⟨w, Ry⟩ for coarse weights (ℓ, c, *grid) and fine features."""
    mu, grid = np.zeros(len(w), dtype=x.dtype), Y.shape[2:]
    fine = a.logits(_columns(a.prolong(w, x.pair)), mu, Y)
    coarse = a.logits(_columns(w), mu, a.restrict(Y, x.pair))
    return _volume(x, grid) * fine, _volume(x, coarsen(grid)) * coarse


def _order(a: Gate, x: Instance) -> Outcome:
    """Judge the order at which prolonged weights change the logits of smooth periodic features."""
    counts, errors = (16, 32), []
    for n in counts:
        grid = (n, *(2 if a.profile.rectangular else n for _ in x.grid[1:]))
        w, y = x.stencil_scale * _wave(x, coarsen(grid), 0.4), x.image_scale * _wave(x, grid, 1.1)
        both = np.stack([w, w])[:, None].astype(x.dtype)
        fine, coarse = _on_both_meshes(a, x, both, y[None, None].astype(x.dtype))
        errors.append(abs(float(fine[0, 0]) - float(coarse[0, 0])))
    least = x.weights.order - 0.3
    return judge_order(counts, errors, least, 20.0, f"order of the change of logits for {x.pair}")


def _wave(x: Instance, grid: tuple[int, ...], shift: float) -> Array:
    """Return a smooth periodic function of the first variable at the points of a grid."""
    points = 2 * np.pi * (np.arange(grid[0]) + (0.0 if x.weights.vertex else 0.5)) / grid[0]
    wave = 1 + np.sin(points + shift)
    return np.broadcast_to(wave.reshape(-1, *(1,) * (len(grid) - 1)), grid)
