"""Mistakes that one call alone does not show: kept between calls, or shared by threads or examples."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import scale
from refms.conformance.mutants.mutant import Asked, Table
from refms.conformance.operations import Parameters
from refms.errors import Array

PAUSE = 5e-4
"""Seconds: stands for work in which other threads go on."""


def _overwrite(t: Asked) -> Array:
    """Return results in one array for each shape, which the next call overwrites."""
    found = t()
    buffer: Array = t.kept.setdefault((t.operation, found.shape), np.empty_like(found))
    buffer[...] = found
    return buffer


def _add_up(t: Asked) -> Parameters:
    """Return gradients added to those of the calls before, as where they are never set to zero."""
    found = t()
    shapes = tuple(array.shape for array in found.values())
    before = t.kept.get(shapes, scale(found, 0.0))
    t.kept[shapes] = {name: before[name] + found[name] for name in found}
    return dict(t.kept[shapes])


def _warm(t: Asked) -> Array:
    """Return the first result for each shape with three digits, before the better route is found."""
    found, shapes = t(), (t.W.shape, t.Y.shape)
    if shapes in t.kept:
        return found
    t.kept[shapes] = True
    return found * found.dtype.type(1 + 2.0**-12)


def _put_down(t: Asked) -> Any:
    """Put the arguments down where other threads put theirs, then use them."""
    t.kept["given"] = t.given
    time.sleep(PAUSE)
    return t(**t.kept["given"])


def _share_generator(t: Asked) -> Array:
    """Give a generator that all share the seed, and then ask it."""
    t.kept["generator"] = np.random.default_rng(t.seed)
    time.sleep(PAUSE)
    return t.kept["generator"].choice(t.m, t.size, replace=False)


def _normalize(t: Asked) -> Array:
    found = t()
    deviation = found - found.mean(axis=1, keepdims=True)
    return deviation / (1 + np.sqrt((deviation**2).mean(axis=1, keepdims=True)))


def _count_as_full(t: Asked) -> Parameters:
    """Return the mean of the gradients of batches of two, the last of which may be smaller."""
    batches = [slice(k, k + 2) for k in range(0, t.examples, 2)]
    parts = [t(X=t.X[:, batch].copy(), C=t.C[:, batch].copy()) for batch in batches]
    return {key: sum(part[key] for part in parts) / len(parts) for key in t.parameters}


MISTAKES: Table = {
    "convolution restrict": {"results in an array that the next call overwrites": _overwrite},
    "gradient": {
        "gradients added to those of earlier calls": _add_up,
        "last batch of the gradient counts like a full one": _count_as_full,
    },
    "logits": {"first call of each shape computed less accurately": _warm},
    "convolution": {"arguments kept where other threads put theirs": _put_down},
    "subsample": {"subsample drawn from a generator that threads share": _share_generator},
    "forward": {"features normalised over the batch": _normalize},
}
