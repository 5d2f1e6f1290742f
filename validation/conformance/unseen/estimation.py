"""Gradients on two meshes, their estimate on several, its work, Full-Multiscale."""

import numpy as np

from unseen.convolution import convolve, stencil_gradient
from unseen.optimization import adam_step, learning_rate
from unseen.transfer import coarsen, restrict, stencil_up


def gradient_at(S, X, Y):
    """Return the gradient of the mean over examples, channels and cells of |K(S) X − Y|²."""
    residual = convolve(S, X, "periodic") - Y
    return stencil_gradient(residual, X, S.shape[2:], "periodic") * S.dtype.type(2 / residual.size)


def mixed(Y, Z, times):
    """Return t Y + (1 − t) Z."""
    t = np.asarray(times).reshape(-1, *(1,) * (Y.ndim - 1))
    return t * Y + (1 - t) * Z


def gradient_difference(S, Y, Z, times, pair, level):
    """Return g_l − g_{l+1} for one draw."""
    X, Y = coarsen(mixed(Y, Z, times), pair, level), coarsen(Y, pair, level)
    return gradient_at(S, X, Y) - gradient_at(S, restrict(X, pair), restrict(Y, pair))


def mge(S, Y, Z, times, pair, batches, coefficients):
    """Return the estimate; every term has examples of its own."""
    X, weight, start, total = mixed(Y, Z, times), 1.0, 0, np.zeros_like(S)
    for level, size in enumerate(batches):
        part = slice(start, start + size)
        x, y = coarsen(X[part], pair, level), coarsen(Y[part], pair, level)
        term = gradient_at(S, x, y)
        if level + 1 < len(batches):
            beta = S.dtype.type(coefficients[level])
            term = term - beta * gradient_at(S, restrict(x, pair), restrict(y, pair))
        total = total + S.dtype.type(weight) * term
        if level + 1 < len(batches):
            weight = weight * float(coefficients[level])
        start += size
    return total


def work_units(batches, finest, dimension):
    """Return Σ N_l (c_l + c_{l+1}) + N_{L−1} c_{L−1}."""
    cost = [2.0 ** (-dimension * (finest + level)) for level in range(len(batches))]
    pairs = sum(N * (cost[l] + cost[l + 1]) for l, N in enumerate(batches[:-1]))  # noqa: E741 - the paper's letter
    return pairs + batches[-1] * cost[-1]


def full_multiscale(S, gradients, iterations, pair, rule, rate, floor):
    """Return S after all stages: one cosine, moments that go on, S carried over by the rule."""
    total, k = sum(iterations), 0
    m, v = np.zeros_like(S), np.zeros_like(S)
    for stage, steps in enumerate(iterations):
        if stage and rule == "galerkin":
            S = stencil_up(S, pair)
        for _ in range(steps):
            eta = S.dtype.type(learning_rate(k, total, rate, floor))
            S, m, v = adam_step(S, gradients[k], m, v, eta, k + 1)
            k += 1
    return S
