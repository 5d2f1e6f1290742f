"""Mistakes in multiscale estimates of the gradient, and in Full-Multiscale."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from refms.conformance.mutants.mutant import Asked, Change, Table
from refms.errors import Array


def _gradient(t: Asked, level: int, own: slice = slice(None), **other: Array) -> Array:
    """Return g_l on some of the examples, as a single-scale estimate on images that were coarsened before."""
    Y, Z, times = (other.get(name, t.given[name]) for name in ("Y", "Z", "times"))
    Y, Z, times = Y[:, own], Z[:, own], times[own]

    def coarse(images: Array) -> Array:
        return t.right.coarsen_images(np.ascontiguousarray(images), t.grid, t.pair, level)

    grid = tuple(n >> level for n in t.grid)
    return t.right.mge(t.S, coarse(Y), coarse(Z), times, grid, t.pair, (len(times),), ())


def _twins(**changes: Any) -> Change:
    """Return the mistake of a coarse twin with other times, noise or images."""

    def change(t: Asked) -> Array:
        other = {name: new(t) for name, new in changes.items()}
        return _gradient(t, t.level) - _gradient(t, t.level + 1, **other)

    return change


def _rolled(name: str) -> Any:
    return lambda t: np.roll(t.given[name], 1, axis=-1)


def _target_kept(t: Asked) -> Array:
    """Coarsen the input alone: targets are every other cell."""
    fine, coarse = _gradient(t, t.level), _gradient(t, t.level + 1)
    shifted = t.right.mge(
        t.S,
        t.right.coarsen_images(t.Y, t.grid, "nearest", t.level + 1),
        t.right.coarsen_images(t.Z, t.grid, t.pair, t.level + 1),
        t.times,
        tuple(n >> (t.level + 1) for n in t.grid),
        t.pair,
        (len(t.times),),
        (),
    )
    return fine - 0.5 * (coarse + shifted)


def _combined(batches: Any = None, weights: Any = None, same: bool = False) -> Change:
    """Return the mistake of other batches, or of other weights of (g_l, g_{l+1}) from β."""

    def change(t: Asked) -> Array:
        sizes = (batches or (lambda N: N))(t.batches)
        starts = np.cumsum((0, *sizes))
        total, levels = np.zeros_like(t.S), len(sizes)
        found = (weights or _right)(t.coefficients)
        for level, ((first, last), (own, coarse)) in enumerate(zip(pairwise(starts), found, strict=True)):
            part = slice(0, last - first) if same else slice(first, last)
            total = total + own * _gradient(t, level, part)
            if level + 1 < levels:
                total = total - coarse * _gradient(t, level + 1, part)
        return total.astype(t.S.dtype)

    return change


def _right(betas: tuple[float, ...]) -> list[tuple[float, float]]:
    pi = np.cumprod((1.0, *betas))
    return list(zip(pi, [*pi[1:], 0.0], strict=True))


def _late(betas: tuple[float, ...]) -> list[tuple[float, float]]:
    return [(1.0, beta) for beta in (*betas, 0.0)]


def _both(betas: tuple[float, ...]) -> list[tuple[float, float]]:
    return [(own * beta, coarse) for (own, coarse), beta in zip(_right(betas), (*betas, 1.0), strict=True)]


def _no_coarsest(betas: tuple[float, ...]) -> list[tuple[float, float]]:
    return [*_right(betas)[:-1], (0.0, 0.0)] if betas else _right(betas)


def _plus(betas: tuple[float, ...]) -> list[tuple[float, float]]:
    return [(own, -coarse) for own, coarse in _right(betas)]


def _each_stage(t: Asked) -> Array:
    """Let moments, count and cosine begin anew in each stage."""
    S, first = t.S, 0
    for stage, count in enumerate(t.iterations):
        if stage and t.rule == "galerkin":
            S = t.right.stencil_up(S, t.pair)
        S = t(S=S, gradients=t.gradients[first : first + count], iterations=(count,))
        first += count
    return S


def _restricted(t: Asked) -> Array:
    """Restrict the stencils where they should be prolonged."""
    if t.rule == "keep":
        return t()
    S, after = t.S, t(iterations=(sum(t.iterations),), rule="keep")
    for _ in t.iterations[1:]:
        S = t.right.stencil_down(S, t.pair)
    found: Array = S + after - t.S
    return found


def _at_the_end(t: Asked) -> Array:
    """Move the stencils after the last iteration, not between the stages."""
    S = t(iterations=(sum(t.iterations),), rule="keep")
    for _ in t.iterations[1:] if t.rule == "galerkin" else ():
        S = t.right.stencil_up(S, t.pair)
    return S


MISTAKES: Table = {
    "gradient_difference": {
        "other times on the coarse twin": _twins(times=lambda t: 1 - t.times),
        "times of another example on the coarse twin": _twins(times=_rolled("times")),
        "noise drawn anew on the coarse twin": _twins(Z=_rolled("Z")),
        "other examples on the coarse twin": _twins(Y=_rolled("Y")),
        "clean images on the coarse twin": _twins(times=lambda t: np.ones_like(t.times)),
        "target not sub-sampled like the input": _target_kept,
        "sum for mean over examples in a difference": lambda t: len(t.times) * t(),
        "difference of two levels with the sign of a sum": lambda t: (
            _gradient(t, t.level) + _gradient(t, t.level + 1)
        ),
        "coarse minus fine": lambda t: -t(),
        "half of the gradient of the squared error": lambda t: t() / 2,
    },
    "gradient_difference mge": {
        "t and 1 − t exchanged in the noisy images": lambda t: t(times=1 - t.times),
        "√(1 − t²) times the noise": lambda t: t(Z=(t.Z * np.sqrt((1 + t.times) / (1 - t.times + 1e-6)))),
    },
    "mge": {
        "π left out": _combined(weights=_late),
        "β on both gradients of a difference": _combined(weights=_both),
        "coarsest term left out": _combined(weights=_no_coarsest),
        "coarse twins added": _combined(weights=_plus),
        "batches from coarse to fine": _combined(batches=lambda N: N[::-1]),
        "the same examples in all terms": _combined(same=True),
        "coefficients of the estimate taken as 1": lambda t: t(coefficients=(1.0,) * len(t.coefficients)),
        "mean over all examples for the mean over a batch": _combined(
            weights=lambda b: [(own / (1 + len(b)), coarse / (1 + len(b))) for own, coarse in _right(b)]
        ),
        "finest term alone": lambda t: _gradient(t, 0, slice(0, t.batches[0])),
    },
    "full_multiscale": {
        "moments and cosine begin anew in each stage": _each_stage,
        "stencils kept where Galerkin's rule moves them": lambda t: t(rule="keep"),
        "stencils moved where they should be kept": lambda t: t(rule="galerkin"),
        "stencils restricted on the way to a finer mesh": _restricted,
        "stencils moved after the last stage only": _at_the_end,
        "stages from fine to coarse": lambda t: t(iterations=t.iterations[::-1]),
        "floor of the learning rate left out of the stages": lambda t: t(floor=0.0),
        "constant learning rate in all stages": lambda t: t(floor=t.rate),
        "first gradient in every iteration": lambda t: t(gradients=0 * t.gradients + t.gradients[:1]),
    },
}
