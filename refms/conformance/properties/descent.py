"""V9-V12: preconditioners of the classifier, Newton's method on it, and block-coordinate descent."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.outcome import holds
from refms.conformance.operations import PARAMETERS
from refms.conformance.oracles import network as oracle
from refms.conformance.oracles.histories import Noise, Read, noisy
from refms.conformance.oracles.training import Weights, named, training_problem, vectors
from refms.conformance.properties.following import follow, reads
from refms.conformance.property import Claims, family
from refms.definition import softmax
from refms.definition.arrays import as_double
from refms.definition.minimization import Function, Step, block_coordinate_descent, newton, on_features
from refms.definition.problem import Problem, join
from refms.errors import Array

law = family("minimization")
SMALL = Domain(small=True, smallest=2, activations=("tanh", "identity"))
EQ6 = "[LAS] eq. (6), Sec. 4"
EXAMPLES = 5


@law("V9", "classifier_diagonal", "Jacobi's preconditioner", SMALL, cost=2)
def _diagonal(a: Gate, x: Instance) -> Claims:
    """The diagonal preconditioner divides by the diagonal of the classifier's Hessian.

    M_ii = e_iᵀ ∇²f e_i by products of the definition with unit vectors: M⁻¹V, and M⁻¹ diag(∇²f) = (1, …, 1),
    at W = 0 and elsewhere; VᵀM⁻¹V > 0; scale of each entry
    Catches: h^d for h^{2d}, the regulariser forgotten or without h^d, |y| for y², M for M⁻¹, its root, p for
    p(1 − p).
    """
    for text, W, mu, Y, C, weights in _classifiers(x):
        f, omega, V = _function(x, Y, C, weights), join(as_double(W), as_double(mu)), _residual(x, W)
        product = f.curvature(omega)
        diagonal = np.array([product(e)[k] for k, e in enumerate(np.eye(omega.size))]).reshape(V.shape)
        for name, one in (("V", V), ("diag ∇²f", diagonal.astype(x.dtype))):
            got = as_double(a.classifier_diagonal(W, mu, Y, C, one, *weights))
            right = as_double(one) / diagonal
            size = np.maximum(np.abs(right), 1e-300)
            yield f"M⁻¹ {name}, {text}", got / size, right / size, 10.0
        positive = float((as_double(V) * as_double(a.classifier_diagonal(W, mu, Y, C, V, *weights))).sum())
        yield holds(positive > 0, f"positive, {text}", f"VᵀM⁻¹V = {positive:.3g}")


@law("V10", "classifier_kronecker", "Kronecker-factored curvature", SMALL, cost=2)
def _kronecker(a: Gate, x: Instance) -> Claims:
    """The preconditioner by Kronecker products is exact where all examples have one curvature.

    M⁻¹V of M = mean(ỹỹᵀ) ⊗ mean(∇²E) + Q by a dense solver; M⁻¹∇²f v = v at W = 0, μ = 0 for v without a
    part along equal changes of μ; symmetric and positive; in units of the parameters, scale cond(M) ‖M⁻¹V‖
    Catches: the mean of the products for the product of the means taken twice, Q forgotten or without h^d,
    the constant feature forgotten, m forgotten, M for M⁻¹.
    """
    units = _units(x)
    for text, W, mu, Y, C, weights in _classifiers(x):
        f, V, U = _function(x, Y, C, weights), _residual(x, W), _residual(x, W, "U")
        M = _product_of_means(x, W, mu, Y, C, weights)
        scaled = units[:, None] * M * units
        solve = partial(np.linalg.solve, scaled)
        spectrum = np.linalg.eigvalsh(scaled)  # positive; singular values would take several times as long
        condition, found = float(spectrum[-1] / spectrum[0]), []
        for one in (V, U):
            right = solve(units * as_double(one).ravel())
            got = a.classifier_kronecker(W, mu, Y, C, one, *weights)
            found.append(as_double(got))
            size = condition * float(np.abs(right).max())
            yield f"M⁻¹V, {text}", as_double(got).ravel() / units, right, size
        sizes = [float(np.linalg.norm(units * as_double(one).ravel())) for one in (V, U)]
        bound = condition / float(spectrum[-1]) * sizes[0] * sizes[1]
        both = float((found[0] * as_double(U)).sum()), float((as_double(V) * found[1]).sum())
        yield f"symmetric, {text}", *both, bound
        positive = float((found[0] * as_double(V)).sum())
        yield holds(positive > 0, f"positive, {text}", f"VᵀM⁻¹V = {positive:.3g}")
        if not W.any():
            v = as_double(V).copy()
            v[-1] -= v[-1].mean()
            v = units.reshape(v.shape) * v
            image = f.curvature(0 * v.ravel())(v.ravel()).reshape(v.shape).astype(x.dtype)
            got = as_double(a.classifier_kronecker(W, mu, Y, C, image, *weights))
            right = v.ravel() / units
            size = condition * float(np.abs(right).max())
            yield f"M⁻¹∇²f v = v, {text}", got.ravel() / units, right, size


@law("V11", "train_classifier", EQ6, SMALL, cost=2)
def _train(a: Gate, x: Instance) -> Claims:
    """Newton's method trains the classifier in these steps.

    Three steps in (W, μ) with 3 iterations of CG, on five examples: f, ‖g‖, α, W and μ of each as by the
    definition; errors count against what changes of features, start, gradients and products by one eps make
    of a step; α exactly, up to a decision that eps may turn
    Catches: h^d or the regulariser forgotten in one of value, gradient and product, μ held, ‖g‖ of W alone,
    the diagonal for the Hessian, gradients that do not follow W.
    """
    for text, W, mu, Y, C, weights in _classifiers(x):
        got = a.train_classifier(W, mu, Y, C, *weights, 3, 3)
        start, classes = join(as_double(W), as_double(mu)), len(mu)

        def run(
            noise: Noise, Y: Array = Y, C: Array = C, weights: Any = weights, start: Array = start
        ) -> list[Step]:
            f = _function(x, noise(as_double(Y)), C, weights)
            return newton(noisy(f, noise), noise(start), 3, 3)

        read: dict[str, Read] = {
            **reads("objective", "gradient_norm", "step_length"),
            "W": partial(_weights_of, shape=W.shape),
            "mu": partial(_biases_of, classes=classes),
        }
        yield from follow(x, text, got, run, read, exactly=("step_length",), slack=3.0)


@law("V12", "block_coordinate_descent", EQ6, SMALL, cost=4)
def _descend(a: Gate, x: Instance) -> Claims:
    """Block-coordinate descent trains the network in these steps.

    Two iterations of a Gauss–Newton step in (opening, stencils, biases) with the curvature of three of five
    examples, and one Newton step in (W, μ), with 3 and 2 iterations of CG: f, ‖g‖ and α of every step and all
    parameters after every iteration as by the definition; errors count against what changes of images,
    start, gradients and products by one eps make of a step; α exactly, up to a decision that eps may turn
    Catches: the sample of another iteration, the gradient of the sample, a gradient of W before the step of
    the layers, weights of the other block, blocks exchanged, classifier steps left out, a Hessian of the
    sample for the classifier.
    """
    x = replace(x, image_scale=1.0, stencil_scale=1.0, within=0.0)
    m = EXAMPLES
    X, C = x.image("X", examples=m), np.eye(x.classes, dtype=x.dtype)[:, np.arange(m) % x.classes]
    p = oracle.temper(x.parameters(), X, x)
    samples = np.stack([x.rng(f"sample {k}").permutation(m)[:3] for k in range(2)])
    weights = _heavy(x)
    got = a.block_coordinate_descent(p, X, C, x.problem, weights, samples, 2, 3, 2)
    flat = {key: one.reshape(4) for key, one in got.items() if key not in PARAMETERS}
    count = m if x.reduction == "sum" else 1

    def run(noise: Noise) -> list[Step]:
        problem = _mean_problem(p, noise(as_double(X)), C, x, weights, count)
        theta, omega = (noise(one) for one in vectors(p))
        seen = partial(noisy, noise=noise)
        made = block_coordinate_descent(problem, theta, omega, samples.tolist(), 1, (3, 2), seen)
        steps = [one for iteration in made for one in iteration]
        return [
            replace(s, value=count * s.value, gradient_norm=count * s.gradient_norm, margin=count * s.margin)
            for s in steps
        ]

    problem, leading = _mean_problem(p, as_double(X), C, x, weights, count), vectors(p)[0].size

    def reading(key: str) -> Read:
        return lambda step: named(problem, step.x[:leading], step.x[leading:])[key]

    read: dict[str, Read] = {
        **reads("objective", "gradient_norm", "step_length"),
        **{key: reading(key) for key in PARAMETERS},
    }
    seldom = dict.fromkeys(PARAMETERS, 2)
    history = {**got, **flat}
    yield from follow(x, "descent", history, run, read, ("step_length",), seldom, slack=3.0)


def _mean_problem(p: Any, X: Array, C: Array, x: Instance, weights: Weights, count: int) -> Problem:
    """Return the problem as a mean over the examples; a sum is ``count`` times that with R/count."""
    lighter: Any = tuple(one / count for one in weights)
    return training_problem(p, X, C, replace(x, reduction="mean"), lighter)


def _classifiers(x: Instance) -> list[tuple[str, Array, Array, Array, Array, tuple[float, float]]]:
    """Return W, μ, features, labels and (α, τ): at zero and elsewhere, with a light and a heavy α."""
    x = replace(x, image_scale=1.0, stencil_scale=1.0, within=0.0)
    W, mu = (x.parameters()[key] for key in ("W", "mu"))
    Y = x.draw("Y", EXAMPLES, x.c_out, *x.grid)
    C = np.eye(x.classes, dtype=x.dtype)[:, np.arange(EXAMPLES) % x.classes]
    _, _, alpha, tau = _heavy(x)
    still, half = np.asarray(0, x.dtype), np.asarray(0.5, x.dtype)
    return [
        ("W = 0", still * W, still * mu, Y, C, (alpha, tau)),
        ("W ≠ 0", half * W, mu, Y, C, (alpha / 10, 2 * tau)),
    ]


def _heavy(x: Instance) -> Weights:
    """Return weights that make each part of R about one."""
    square = x.volume**2 * x.cells
    return 0.3 * x.final_time, 0.2, 0.1 * square / max(x.grid) ** 2, 0.5 * square


def _function(x: Instance, Y: Array, C: Array, weights: tuple[float, float]) -> Function:
    return on_features(as_double(Y), as_double(C), *weights, x.volume_weighted, x.reduction)


def _weights_of(step: Step, shape: tuple[int, int]) -> Array:
    return step.x[: -shape[1]].reshape(shape)


def _biases_of(step: Step, classes: int) -> Array:
    return step.x[-classes:]


def _residual(x: Instance, W: Array, name: str = "V") -> Array:
    """Return a random residual (c·n + 1, ℓ) in units of the gradient."""
    drawn = as_double(x.draw(name, len(W) + 1, W.shape[1])) / _units(x).reshape(len(W) + 1, -1)
    return drawn.astype(x.dtype)


def _units(x: Instance) -> Array:
    """Return the units of the entries of W and μ as a vector."""
    rows = x.c_out * x.cells
    return np.repeat([x.units["W"], x.units["mu"]], [rows * x.classes, x.classes])


def _product_of_means(
    x: Instance, W: Array, mu: Array, Y: Array, C: Array, weights: tuple[float, float]
) -> Array:
    """Return M with 1 in the place of its eigenvalue 0, along equal changes of μ."""
    m, classes = len(Y), len(mu)
    features = np.vstack([x.volume * as_double(Y).reshape(m, -1).T, np.ones(m)])
    p = softmax.softmax(oracle.logits(W, mu, Y, x))
    curvature = (np.diag(p.sum(axis=1)) - p @ p.T) / m
    M = x.share(m) * m * np.kron(features @ features.T / m, curvature)
    size = classes * (len(features) - 1)
    for k, e in enumerate(np.eye(size)):
        pull = on_features(as_double(Y), 0 * as_double(C), *weights).gradient(join(e, np.zeros(classes)))
        M[:, k] += pull
    M[-classes:, -classes:] += 1 / classes
    return M
