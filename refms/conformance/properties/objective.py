"""J1-J6: the other losses of eq. (5), the Hessian of the loss of a network, and the regularised objective."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.outcome import holds
from refms.conformance.operations import PARAMETERS, Parameters
from refms.conformance.oracles import network as oracle
from refms.conformance.oracles.training import NO_WEIGHTS, Weights, named, pull, training_problem, vectors
from refms.conformance.property import Claims, family
from refms.definition import losses
from refms.definition.arrays import as_double
from refms.definition.norms import max_norm
from refms.errors import Array

law = family("objective")
EQ5, EQ6 = "[LAS] eq. (5)", "[LAS] eq. (6)"
SMOOTH = Domain(small=True, smallest=2, activations=("tanh", "identity"))
FAR = 800.0
"""A logit of which e^z overflows in double precision."""


def _three(name: str) -> str:
    return f"{name} {name}_gradient {name}_hessian"


@law("J1", _three("least_squares"), EQ5)
def _least_squares(a: Gate, x: Instance) -> Claims:
    """Least squares are half the squared distances of logits and labels.

    E = 1/m Σ_j ½‖z_j − c_j‖² (or the sum), ∇E = (z − c)/m, ∇²E v = v/m, for one-hot and soft labels; scale
    of the largest terms
    Catches: ½ forgotten, a mean over the classes as well, labels that do not enter, a softmax before it.
    """
    yield from _loss(a, x, "least_squares")


@law("J2", _three("logistic"), EQ5)
def _logistic(a: Gate, x: Instance) -> Claims:
    """Logistic regression tells every class from the rest, for any logits.

    E = 1/m Σ Σ_i c_i log(1 + e^{−z_i}) + (1 − c_i) log(1 + e^{z_i}), ∇E = (p − c)/m, ∇²E = diag p(1 − p)/m,
    p = 1/(1 + e^{−z}), one-hot and soft labels, logits up to 800; scale of the largest terms
    Catches: the rest of the classes forgotten, e^z that overflows, softmax in place of p, p² in place of p.
    """
    yield from _loss(a, x, "logistic")


@law("J3", _three("smooth_hinge"), EQ5)
def _hinge(a: Gate, x: Instance) -> Claims:
    """The smoothed hinge is a parabola of the given width between its two straight pieces.

    φ(u) = 0 for u >= 1, (1 − u)²/2ε for 1 − ε <= u <= 1, 1 − u − ε/2 below; E = 1/m Σ Σ_i c_i φ(z_i) + (1 −
    c_i) φ(−z_i) with its derivatives, for widths from ¼ to 2 and on both sides of every kink; scale 1/ε
    times the largest terms
    Catches: the hinge itself, its square, margins of the wrong sign, ε/2 forgotten, ε² for ε.
    """
    for width in (0.25, 1.0, 2.0):
        yield from _loss(a, x, "smooth_hinge", width)


def _loss(a: Gate, x: Instance, name: str, *width: float) -> Claims:
    """Claim that a loss, its gradient and its Hessian are those of the definition."""
    value, gradient, hessian = (getattr(a, one) for one in _three(name).split())
    for Z, C, V in _logits(x, *width, soft=a.profile.soft_labels):
        terms = losses.LOSSES[name](Z, C, *width)
        steep, size = max([1.0, *(1 / one for one in width)]), max(1.0, float(max_norm(Z)))
        largest = float(np.abs(terms[0]).max()) + 1.0
        share = x.share(Z.shape[1])
        f, g = losses.loss_value(terms, x.reduction), losses.loss_gradient(terms, x.reduction)
        text = f"{name} of logits up to {size:.3g}" + "".join(f", ε = {one:g}" for one in width)
        yield text, value(Z, C, *width), f, share * Z.size * steep * largest
        reach = size if name == "least_squares" else 1.0  # the others have slopes of at most 1
        yield f"gradient of {text}", gradient(Z, C, *width), g, share * steep * reach
        product = losses.loss_hessian_product(terms, V, x.reduction)
        yield f"Hessian of {text}", hessian(Z, C, V, *width), product, share * steep * max_norm(V)


def _logits(x: Instance, *width: float, soft: bool) -> Iterator[tuple[Array, Array, Array]]:
    """Yield logits, labels and directions: usual ones with hard and soft labels, and far ones."""
    shape = x.classes, x.examples + 1
    V, C = x.draw("V", *shape), x.one_hot(examples=shape[1])
    Z = _off_the_kinks(x.draw("Z", *shape), *width)
    yield Z, C, V
    if soft:
        yield _off_the_kinks(x.draw("Z2", *shape, scale=2.0), *width), x.picture("soft", *shape), V
    yield (np.sign(x.draw("far", *shape)) * FAR).astype(x.dtype), C, V


def _off_the_kinks(Z: Array, *width: float) -> Array:
    """Return logits none of which is within 1 % of a place where the curvature jumps."""
    for one in width:
        for kink in (1.0, 1 - one, -1.0, one - 1):
            Z = np.where(np.abs(Z - kink) < 0.01, kink + 0.02, Z).astype(Z.dtype)
    return Z


@law("J4", "hessian", EQ6, SMOOTH)
def _hessian(a: Gate, x: Instance) -> Claims:
    """The product with the Hessian of the loss is the derivative of its gradient.

    ∇²f v by complex step through the gradient of the definition; ⟨∇²f u, v⟩ = ⟨u, ∇²f v⟩; ∇²f (u + 2v) =
    ∇²f u + 2 ∇²f v; scale growth² ‖v‖ in units of the parameters
    Catches: the Gauss–Newton matrix in its place, terms between blocks forgotten, a sign, σ″ forgotten.
    """
    p, X, C, u, v = _drawn(x)
    problem = training_problem(p, X, C, x, NO_WEIGHTS)
    at, growth = problem.at(*vectors(p)), oracle.growth(p, x)
    Hu, Hv = (a.hessian(p, one, X, C, x.problem) for one in (u, v))
    scale = _examples(x, X) * growth**2
    for name, one, got in (("u", u, Hu), ("v", v, Hv)):
        size = scale * oracle.size(x.in_units(one))
        yield from _same(x, f"∇²f {name}", got, named(problem, *at.hessian_product(*vectors(one))), size)
    both = oracle.size(x.in_units(u)) * oracle.size(x.in_units(v))
    yield "⟨∇²f u, v⟩ = ⟨u, ∇²f v⟩", oracle.inner(Hu, v), oracle.inner(u, Hv), 3 * scale * both
    two = np.asarray(2, x.dtype)
    sum_ = a.hessian(p, {key: u[key] + two * v[key] for key in u}, X, C, x.problem)
    linear = {key: as_double(Hu[key]) + 2 * as_double(Hv[key]) for key in Hu}
    yield from _same(x, "∇²f (u + 2v)", sum_, linear, 9 * scale * max(1.0, both))


@law("J5", "regularized_loss regularized_gradient", EQ6, SMOOTH, cost=2)
def _regularized(a: Gate, x: Instance) -> Claims:
    """The objective is the loss plus the regularisers, each with its weight.

    f + R and ∇f + ∇R of the definition for weights (α_θ, τ_θ, α_W, τ_W) of which one, none or all are
    positive, for m and 2m examples; R is convex: f + R with R twice as heavy differs by R; scale |f| +
    growth + the terms of which ∇R is a difference
    Catches: ½, h^d or δt forgotten, the weight of the other block, μ or the opening held wrongly, R
    multiplied by or divided by m, R in the value and not in the gradient.
    """
    p, X, C, *_ = _drawn(x)
    twice = np.concatenate([X, X]), np.concatenate([C, C], axis=1)
    cases = [(weights, X, C) for weights in _weights(x)]
    for weights, images, labels in (*cases, (cases[-1][0], *twice)):
        problem = training_problem(p, images, labels, x, weights)
        at = problem.at(*vectors(p))
        text = f"weights {tuple(round(one, 3) for one in weights)}, m = {len(images)}"
        many = _examples(x, images)
        value = float(at.value())
        scale = abs(value) + many * oracle.loss_scale(p, X, x)
        yield f"f + R, {text}", a.regularized_loss(p, images, labels, x.problem, weights), value, scale
        got = a.regularized_gradient(p, images, labels, x.problem, weights)
        size = many * oracle.growth(p, x) + pull(p, x, weights)
        yield from _same(x, f"∇f + ∇R, {text}", got, named(problem, *at.gradient()), size)


@law("J6", "regularized_gauss_newton", EQ6, SMOOTH, cost=2)
def _curvature(a: Gate, x: Instance) -> Claims:
    """The Gauss–Newton matrix of the objective is that of the loss plus the Hessian of the regularisers.

    (JᵀHJ + ∇²R) v of the definition for each weight alone and all together; symmetric; vᵀ(JᵀHJ + ∇²R)v >= 0;
    scale growth ‖v‖ + the terms of which ∇²R v is a difference
    Catches: regularisers forgotten in the product or counted twice, ∇R(θ) in place of ∇²R v, the weight of
    the other block.
    """
    p, X, C, u, v = _drawn(x)
    many = _examples(x, X)
    for weights in _weights(x):
        problem = training_problem(p, X, C, x, weights)
        at = problem.at(*vectors(p))
        got = [a.regularized_gauss_newton(p, one, X, C, x.problem, weights) for one in (u, v)]
        sizes = [
            many * oracle.growth(p, x) * oracle.size(x.in_units(one)) + pull(one, x, weights)
            for one in (u, v)
        ]
        text = f"weights {tuple(round(one, 3) for one in weights)}"
        for one, found, size in zip((u, v), got, sizes, strict=True):
            yield from _same(x, text, found, named(problem, *at.joint_product(*vectors(one))), size)
        lengths = [oracle.size(x.in_units(one)) for one in (u, v)]
        scale = sizes[0] * lengths[1] + sizes[1] * lengths[0]
        yield f"symmetric, {text}", oracle.inner(got[0], v), oracle.inner(u, got[1]), scale
        bent = oracle.inner(got[0], u)
        yield holds(bent >= -30 * x.eps * sizes[0] * lengths[0], f"positive, {text}", f"it is {bent:.3g}")


def _drawn(x: Instance) -> tuple[Parameters, Array, Array, Parameters, Parameters]:
    """Return parameters, three images with labels, and two directions."""
    X, C = x.image("X", examples=3), x.one_hot(examples=3)
    return oracle.temper(x.parameters(), X, x), X, C, x.parameters("u"), x.parameters("v")


def _weights(x: Instance) -> list[Weights]:
    """Return weights that make each part of R about one: none, each alone, all."""
    n = max(x.grid)
    heavy = 0.3 * x.final_time, 0.2, x.volume**2 * x.cells * 0.1 / n**2, x.volume**2 * x.cells * 0.5
    alone: list[Any] = [tuple(one if j == k else 0.0 for j, one in enumerate(heavy)) for k in range(4)]
    return [NO_WEIGHTS, *alone, heavy]


def _examples(x: Instance, X: Array) -> float:
    """Return by how much the examples count together: 1, or m for the sum."""
    return len(X) * x.share(len(X))


def _same(x: Instance, text: str, got: Parameters, expected: Parameters, scale: float) -> Claims:
    """Claim that gradients in all parameters are the same, in the units of these."""
    for key in PARAMETERS:
        unit = x.units[key]
        yield f"{key}: {text}", unit * as_double(got[key]), unit * as_double(expected[key]), scale
