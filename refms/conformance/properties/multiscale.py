"""M1-M5: multiscale estimates of the gradient of a linear layer, and Full-Multiscale."""

from __future__ import annotations

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.oracles.scales import condition, layer_gradient
from refms.conformance.property import Claims, agree, family
from refms.definition.arrays import norm
from refms.definition.multiscale import full_multiscale, gradient_difference, level_gradient, mge
from refms.errors import Array

law = family("multiscale")
SOURCE = "[MST] Algorithm 1"
QUARTERS = Domain(multiple=4, pair=lambda pair: True, small=True)
CLOSED = Domain(pair=lambda pair: True, stencil="closed", small=True)
ADAM = (0.9, 0.999, 1e-8)


@law("M1", "gradient_difference", SOURCE, QUARTERS)
def _difference(a: Gate, x: Instance) -> Claims:
    """The meshes of a difference share images, noise and time, and the target is coarsened like the input.

    g_l − g_{l+1} of K(S), X = t y + (1 − t) z on level 0, then Q_l; scale (‖S‖₁ + 1) max(‖y‖, ‖z‖)² ‖R‖^{4d}
    Catches: another time or other noise on the coarse twin, a target that is not sub-sampled, the sum for the
    mean, another border, a wrong sign.
    """
    S, Y, Z, t, scale = _drawn(x, 3)
    for level in (0, 1):
        wanted = gradient_difference(S, Y, Z, t, x.weights.r, level, x.orientation)
        yield f"g_{level} − g_{level + 1}", a.gradient_difference(S, Y, Z, t, x.pair, level), wanted, scale


@law("M2", "gradient_difference", SOURCE, QUARTERS)
def _mean(a: Gate, x: Instance) -> Claims:
    """A difference is the mean over its examples, and K(δ) without noise has none.

    twice the same examples give the same; S = δ and t = 1: X = y and K(S)X = y on every mesh
    Catches: a sum over the examples, a target of another mesh than the input.
    """
    S, Y, Z, t, scale = _drawn(x, 2)
    single = a.gradient_difference(S, Y, Z, t, x.pair, 0)
    double = a.gradient_difference(S, *(np.concatenate([one, one]) for one in (Y, Z, t)), x.pair, 0)
    yield from agree("the same examples twice", double, single, scale)
    delta = np.zeros_like(S)
    for c in range(len(S)):
        delta[(c, c, *(n // 2 for n in x.stencil))] = 1
    exact = a.gradient_difference(delta, Y, Z, np.ones_like(t), x.pair, 0)
    yield "K(δ)y − y = 0 on both meshes", exact, np.zeros(S.shape), scale


@law("M3", "mge", SOURCE, QUARTERS)
def _estimate(a: Gate, x: Instance) -> Claims:
    """The estimate is the weighted sum of differences, every term with examples of its own.

    ĝ = Σ π_l (g_l − β_l g_{l+1}) + π_{L−1} g_{L−1} with 1, 2 and 3 levels, batches of different size
    Catches: π left out or too late, β in both places, a batch of another level, one batch for all terms, the
    mean over all examples for each batch.
    """
    S, Y, Z, t, scale = _drawn(x, 7)
    for batches, beta in (((7,), ()), ((3, 4), (0.75,)), ((1, 2, 4), (0.5, 1.25)), ((1, 2, 4), (1.0, 1.0))):
        wanted = mge(S, Y, Z, t, x.weights.r, batches, beta, x.orientation)
        yield f"batches {batches}, β = {beta}", a.mge(S, Y, Z, t, x.pair, batches, beta), wanted, 4 * scale


@law("M4", "mge", SOURCE, QUARTERS)
def _telescope(a: Gate, x: Instance) -> Claims:
    """Where all terms have equal examples the sum telescopes to the gradient on the finest mesh.

    for any β: ĝ = g_0, for three copies of the same examples
    Catches: π that is not the product of β, a coarsest term that is missing, a sign.
    """
    S, Y, Z, t, scale = _drawn(x, 2)
    copies = [np.concatenate([one] * 3) for one in (Y, Z, t)]
    wanted = level_gradient(S, Y, Z, t, x.weights.r, 0, x.orientation)
    for beta in ((1.0, 1.0), (0.5, 1.5)):
        yield f"β = {beta}", a.mge(S, *copies, x.pair, (2, 2, 2), beta), wanted, 4 * scale


@law("M5", "full_multiscale", "[MST] Algorithm 2", CLOSED)
def _stages(a: Gate, x: Instance) -> Claims:
    """Between stages stencils are carried over by the rule; moments and the learning rate go on.

    one cosine over all iterations, Adam counted from the first; R K(S') P = K(S) by the rule "galerkin";
    scale cond(A)^{d(stages − 1)}(‖S‖ + Σ η)
    Catches: a cosine or moments that begin anew, stencils restricted for prolonged or only kept, stages of
    equal length, gradients of another stage.
    """
    S = x.draw("S", x.c_in, x.c_in, *x.stencil)
    gradients = x.draw("gradients", 5, *S.shape)
    growth = condition(x.weights, x.stencil[0]) ** x.d
    for rule, iterations in (("keep", (3, 2)), ("galerkin", (3, 2)), ("galerkin", (1, 2, 2))):
        pair = (x.weights.r, x.weights.p) if rule == "galerkin" else None
        wanted = full_multiscale(S, gradients, iterations, pair, 0.5, 0.1, ADAM, x.orientation)
        grown = growth ** (len(iterations) - 1) if pair else 1.0
        got = a.full_multiscale(S, gradients, iterations, x.pair, rule, 0.5, 0.1)
        yield f"{rule}, {iterations}", got, wanted, grown * (norm(S) + 2.5 * np.sqrt(S.size))


def _drawn(x: Instance, m: int) -> tuple[Array, Array, Array, Array, float]:
    """Return stencils, images, noise and times of m examples, and the size of gradients on any mesh."""
    S = x.draw("S", x.c_in, x.c_in, *x.stencil, scale=x.stencil_scale)
    Y, Z, t = x.image("Y", examples=m), x.image("Z", examples=m), x.picture("times", m)
    return S, Y, Z, t, layer_gradient(S, Y, Z, x.weights, x.d)
