"""Mistakes in preconditioners of the classifier, in its training, and in block-coordinate descent."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import images, softmax
from refms.conformance.mutants.mutant import Asked, Change, Table
from refms.definition import minimization
from refms.definition.arrays import as_double, norm
from refms.definition.krylov import conjugate_gradients
from refms.definition.minimization import Function, on_features
from refms.definition.problem import join
from refms.errors import Array

History = dict[str, Array]


def _narrow(found: Array, t: Asked) -> Array:
    narrow: Array = found.astype(t.W.dtype)
    return narrow


def _root_of_features(t: Asked) -> Array:
    """Return M⁻¹V with h^d y² in place of h^{2d} y²; logits stay what they are."""
    root = t.Y.dtype.type(math.sqrt(t.cells))
    found: Array = t(Y=root * t.Y, W=t.W / root)
    return found


def _last_row_as_it_is(t: Asked) -> Array:
    return np.concatenate([t()[:-1], t.V[-1:]])


def _dense(t: Asked, *, coupled: bool = True, each: bool = False, inverse: bool = True) -> Array:
    """Return M⁻¹V by dense matrices: without what couples W and μ, of the exact Hessian, or MV."""
    Y, C, classes, m = images(as_double(t.Y), t.grid), as_double(t.C), len(t.mu), t.examples
    features = np.vstack([as_double(t.Y) / t.cells, np.ones(m)])
    P = softmax(as_double(t.W).T @ features[:-1] + as_double(t.mu)[:, None])
    curvatures = [np.diag(p) - np.outer(p, p) for p in P.T]
    if each:
        data = sum(np.kron(np.outer(y, y), E) for y, E in zip(features.T, curvatures, strict=True)) / m
    else:
        data = np.kron(features @ features.T / m, np.mean(curvatures, axis=0))
    M = np.array(data)
    if not coupled:
        M[:-classes, -classes:] = M[-classes:, :-classes] = 0
    unit = np.eye(len(M) - classes)
    pull = on_features(Y, 0 * C, t.alpha, t.tau).gradient
    M[:, :-classes] += np.stack([pull(join(e, np.zeros(classes))) for e in unit], axis=1)
    M[-classes:, -classes:] += 1 / classes
    V = as_double(t.V).ravel()
    return _narrow((np.linalg.solve(M, V) if inverse else M @ V).reshape(t.V.shape), t)


def _trained(change: Callable[[Function, Function, Asked], Function]) -> Change:
    """Return Newton's method on a function made from the right one, the one without R, and what was asked."""

    def run(t: Asked) -> History:
        Y, C = images(as_double(t.Y), t.grid), as_double(t.C)
        f, loss = on_features(Y, C, t.alpha, t.tau), on_features(Y, C, 0.0, 0.0)
        start = join(as_double(t.W), as_double(t.mu))
        steps = minimization.newton(change(f, loss, t), start, t.steps, t.iterations)
        omegas = np.stack([step.x for step in steps])
        return {
            "objective": np.array([step.value for step in steps]),
            "gradient_norm": np.array([step.gradient_norm for step in steps]),
            "step_length": np.array([step.length for step in steps]),
            "W": _narrow(omegas[:, : t.W.size].reshape(-1, *t.W.shape), t),
            "mu": _narrow(omegas[:, t.W.size :], t),
        }

    return run


def _held(f: Function, loss: Function, t: Asked) -> Function:
    """Return the function in which μ does not move."""
    free = join(np.ones(t.W.shape), np.zeros(t.mu.shape))

    def curvature(omega: Array) -> Any:
        product = f.curvature(omega)
        return lambda v: free * product(free * v)

    return Function(f.value, lambda omega: free * f.gradient(omega), curvature)


def _diagonal(f: Function, loss: Function, t: Asked) -> Function:
    """Return the function whose Hessian is its diagonal."""

    def curvature(omega: Array) -> Any:
        product = f.curvature(omega)
        diagonal = np.array([product(e)[k] for k, e in enumerate(np.eye(omega.size))])
        return lambda v: diagonal * v

    return replace(f, curvature=curvature)


def _first_curvature(f: Function, loss: Function, t: Asked) -> Function:
    """Return the function whose curvature stays that of the start."""
    product = f.curvature(join(as_double(t.W), as_double(t.mu)))
    return replace(f, curvature=lambda omega: product)


def _norm_of_weights(t: Asked) -> History:
    found = t()
    return {**found, "gradient_norm": found["gradient_norm"] * 0.9}


_THETA, _OMEGA = ("opening", "stencils", "biases"), ("W", "mu")


def _blocks(
    *,
    order: tuple[tuple[str, ...], ...] = (_THETA, _OMEGA),
    stale: bool = False,
    sampled: tuple[tuple[str, ...], ...] = (_THETA,),
    gradient_of_sample: bool = False,
    searched: bool = True,
    regularized: bool = True,
) -> Change:
    """Return block-coordinate descent with another order, gradient, sample, curvature or search."""

    def run(t: Asked) -> History:
        p, rows, after = {k: as_double(one) for k, one in t.parameters.items()}, [], []
        for sample in t.samples:
            start = p
            for block in order[: t.inner]:
                p, row = _step(t, p, start if stale else p, block, sample)
                rows.append(row)
            after.append(p)
        objective, sizes, lengths = (np.array(one).reshape(-1, t.inner) for one in zip(*rows, strict=True))
        stacked = {k: np.stack([q[k] for q in after]).astype(t.X.dtype) for k in p}
        return {"objective": objective, "gradient_norm": sizes, "step_length": lengths, **stacked}

    def _step(
        t: Asked, p: dict[str, Array], there: dict[str, Array], block: tuple[str, ...], sample: Array
    ) -> tuple[dict[str, Array], tuple[float, float, float]]:
        few = t.X[:, sample], t.C[:, sample]

        def f(q: dict[str, Array]) -> float:
            narrow = {k: one.astype(t.X.dtype) for k, one in q.items()}
            return float(t.right.regularized_loss(narrow, t.X, t.C, t.problem, t.weights))

        def moved(v: Array, alpha: float = 1.0) -> dict[str, Array]:
            parts = np.split(v, np.cumsum([p[k].size for k in block])[:-1])
            steps = {k: alpha * one.reshape(p[k].shape) for k, one in zip(block, parts, strict=True)}
            return {k: p[k] + steps[k] if k in steps else p[k] for k in p}

        def product(v: Array) -> Array:
            at = {k: one.astype(t.X.dtype) for k, one in p.items()}
            along = {k: (one - p[k]).astype(t.X.dtype) for k, one in moved(v).items()}
            data = few if block in sampled else (t.X, t.C)
            weights = t.weights if regularized else (0.0,) * 4
            found = t.right.regularized_gauss_newton(at, along, *data, t.problem, weights)
            return join(*(as_double(found[k]) for k in block))

        narrow = {k: one.astype(t.X.dtype) for k, one in there.items()}
        data = few if gradient_of_sample and block == _THETA else (t.X, t.C)
        found = t.right.regularized_gradient(narrow, *data, t.problem, t.weights)
        g = join(*(as_double(found[k]) for k in block))
        iterations = t.iterations if block == _THETA else t.inner_iterations
        d = conjugate_gradients(product, -g, iterations)[-1]
        before, slope, alpha = f(p), float(g @ d), 1.0
        while searched and f(moved(d, alpha)) > before + 1e-4 * alpha * slope and alpha > 1e-3:
            alpha /= 2
        led = moved(d, alpha)
        return led, (f(led), norm(g), alpha)

    return run


def _on_the_sample(t: Asked) -> Any:
    """Return the training on the examples of the first sample alone."""
    few = t.samples[0]
    again = np.tile(np.arange(len(few)), (len(t.samples), 1))
    return t(X=np.ascontiguousarray(t.X[:, few]), C=np.ascontiguousarray(t.C[:, few]), samples=again)


MISTAKES: Table = {
    "classifier_diagonal": {
        "h^d for h^{2d} in the diagonal preconditioner": _root_of_features,
        "|y| for y² in the diagonal preconditioner": lambda t: t(Y=np.sqrt(np.abs(t.Y))),
        "M for M⁻¹ in the diagonal preconditioner": lambda t: t.V**2 / t(),
        "root of the diagonal": lambda t: t.V * np.sqrt(np.abs(t() / t.V)),
        "diagonal preconditioner at W = 0 throughout": lambda t: t(W=0 * t.W, mu=0 * t.mu),
    },
    "classifier_diagonal classifier_kronecker": {
        "regulariser without h^d in the preconditioner": lambda t: t(
            alpha=t.alpha * t.cells, tau=t.tau * t.cells
        ),
        "smoothness of W forgotten in the preconditioner": lambda t: t(alpha=0.0),
        "μ without a preconditioner": _last_row_as_it_is,
        "preconditioner uphill": lambda t: -t(),
        "1/m forgotten in the preconditioner": lambda t: t(
            Y=t.Y, alpha=t.alpha / t.examples, tau=t.tau / t.examples, V=t.V / t.V.dtype.type(t.examples)
        ),
    },
    "classifier_kronecker": {
        "the constant feature on its own in the preconditioner": lambda t: _dense(t, coupled=False),
        "mean of the products for the product of the means": lambda t: _dense(t, each=True),
        "M for M⁻¹ in the Kronecker preconditioner": lambda t: _dense(t, inverse=False),
        "rows and columns of V exchanged in the preconditioner": lambda t: t(V=t.V[::-1].copy())[::-1].copy(),
    },
    "train_classifier": {
        "regulariser in the gradient of the classifier alone": _trained(
            lambda f, loss, t: replace(f, value=loss.value, curvature=loss.curvature)
        ),
        "regulariser left out of the gradient of the classifier": _trained(
            lambda f, loss, t: replace(f, gradient=loss.gradient)
        ),
        "regulariser left out of the curvature of the classifier": _trained(
            lambda f, loss, t: replace(f, curvature=loss.curvature)
        ),
        "μ held in the training of the classifier": _trained(_held),
        "the diagonal for the Hessian in the training of the classifier": _trained(_diagonal),
        "curvature of the start in the training of the classifier": _trained(_first_curvature),
        "objective of the classifier without its regulariser": _trained(
            lambda f, loss, t: replace(f, value=loss.value)
        ),
        "‖g‖ too small by a tenth": _norm_of_weights,
        "W of the step before": lambda t: (
            lambda found: {**found, "W": np.concatenate([t.W[None], found["W"][:-1]])}
        )(t()),
    },
    "block_coordinate_descent": {
        "classifier before the layers": _blocks(order=(_OMEGA, _THETA)),
        "gradient of W before the step of the layers": _blocks(stale=True),
        "Hessian of the classifier on the sample": _blocks(sampled=(_THETA, _OMEGA)),
        "Gauss-Newton matrix of all examples": _blocks(sampled=()),
        "gradient of the layers on the sample": _blocks(gradient_of_sample=True),
        "regularisers left out of the curvature of descent": _blocks(regularized=False),
        "samples of the iterations exchanged": lambda t: t(samples=t.samples[::-1].copy()),
        "training on the sample alone": _on_the_sample,
        "iterations of CG of the two blocks exchanged": lambda t: t(
            iterations=t.inner_iterations, inner_iterations=t.iterations
        ),
        "weights of the blocks exchanged in descent": lambda t: t(weights=(*t.weights[2:], *t.weights[:2])),
        "step lengths of descent doubled": lambda t: (
            lambda found: {**found, "step_length": 2 * found["step_length"]}
        )(t()),
        "biases held in descent": lambda t: (
            lambda found: {**found, "biases": np.stack([t.parameters["biases"]] * len(t.samples))}
        )(t()),
    },
}
