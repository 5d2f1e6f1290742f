"""[MST] for one linear layer K(S): images on coarser meshes, estimates of the gradient, Full-Multiscale.

With X = t y + (1 − t) z, Q_l = R^l and n_l cells, g_l = ∂/∂S of mean_j ‖K(S) Q_l X_j − Q_l y_j‖²/(c n_l).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from refms.definition.arrays import Array, Number, as_double
from refms.definition.convolution import convolve, stencil_gradient
from refms.definition.galerkin import up
from refms.definition.training import adam_step, cosine_rate
from refms.definition.transfer import Weights, restrict


def coarsen_images(Y: Array, r: Weights, level: int) -> Array:
    """Return Q_l Y = R^l Y."""
    for _ in range(level):
        Y = restrict(Y, r)
    return as_double(Y)


def crop_images(Y: Array, level: int, windows: Array) -> Array:
    """Return of each example the window of n/2^l cells that begins at its row of ``windows`` (m, d)."""
    found = []
    for image, start in zip(Y, np.asarray(windows, int).tolist(), strict=True):
        for axis, first in enumerate(start, 1):
            image = np.take(image, range(first, first + (Y.shape[axis + 1] >> level)), axis)
        found.append(image)
    return np.stack(found)


def corrupted(Y: Array, Z: Array, times: Array, r: Weights, level: int) -> tuple[Array, Array]:
    """Return Q_l X and Q_l y of images Y with noise Z (m, c, *grid) and times t (m,)."""
    t = as_double(times).reshape(-1, *(1,) * (Y.ndim - 1))
    return coarsen_images(t * Y + (1 - t) * Z, r, level), coarsen_images(as_double(Y), r, level)


def level_gradient(
    S: Array, Y: Array, Z: Array, times: Array, r: Weights, level: int, orientation: str = "correlation"
) -> Array:
    """Return g_l of images Y with noise Z (m, c, *grid) and times t (m,)."""
    X, y = corrupted(Y, Z, times, r, level)
    E = 2 * (convolve(S, X, "periodic", orientation) - y)
    count = len(X) * X.shape[1] * math.prod(X.shape[2:])
    return stencil_gradient(E, X, S.shape[2:], "periodic", orientation) / count


def gradient_difference(
    S: Array, Y: Array, Z: Array, times: Array, r: Weights, level: int, orientation: str = "correlation"
) -> Array:
    """Return g_l − g_{l+1} of one draw."""
    fine, coarse = (level_gradient(S, Y, Z, times, r, one, orientation) for one in (level, level + 1))
    return fine - coarse


def mge(
    S: Array,
    Y: Array,
    Z: Array,
    times: Array,
    r: Weights,
    batches: Sequence[int],
    coefficients: Sequence[Number],
    orientation: str = "correlation",
) -> Array:
    """Return ĝ of the layer, see :func:`telescope`."""

    def gradient(own: slice, level: int) -> Array:
        return level_gradient(S, Y[own], Z[own], times[own], r, level, orientation)

    return telescope(gradient, batches, coefficients)


def telescope(
    gradient: Callable[[slice, int], Array], batches: Sequence[int], coefficients: Sequence[Number]
) -> Array:
    """Return ĝ = Σ_{l<L−1} π_l (g_l − β_l g_{l+1}) + π_{L−1} g_{L−1}, π_{l+1} = π_l β_l.

    Term l has N_l examples of its own: the first N_0, the next N_1, …; ``gradient`` gives g_l of some.
    """
    total, pi, first = 0, 1, 0
    for level, (N, beta) in enumerate(zip(batches, (*coefficients, 0), strict=True)):
        own = slice(first, first + N)
        total = total + pi * gradient(own, level)
        if level + 1 < len(batches):
            total = total - pi * beta * gradient(own, level + 1)
        pi, first = pi * beta, first + N
    return total


def full_multiscale(
    S: Array,
    gradients: Array,
    iterations: Sequence[int],
    pair: tuple[Weights, Weights] | None,
    rate: Number,
    floor: Number,
    adam: Sequence[Number],
    orientation: str = "correlation",
    pi: Number = np.pi,
) -> Array:
    """Return S after stages of so many steps of Adam with the given gradients, coarsest first.

    Moments and the cosine go on over all stages; between two of them S ↦ T⁻¹ S, R K(S') P = K(S), for a pair
    (r, p), or it stays; ``adam`` = (β₁, β₂, ε); ``pi`` is a ball for balls.
    """
    m, v, k = 0 * as_double(S), 0 * as_double(S), 0
    for stage, count in enumerate(iterations):
        if stage and pair:
            S = up(S, *pair, orientation)
        for _ in range(count):
            eta = cosine_rate(k, sum(iterations), rate, floor, pi)
            S, m, v = adam_step(S, gradients[k], m, v, eta, k + 1, *adam)
            k += 1
    return as_double(S)
