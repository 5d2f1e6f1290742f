"""Mistakes in bytes, labels and accuracy."""

from __future__ import annotations

import numpy as np

from refms.conformance.mutants.mutant import Asked, Table
from refms.errors import Array


def _in_bytes(t: Asked) -> Array:
    """Return what products of bytes give that wrap around."""
    grown = (t.B * np.uint8(t.high - t.low)).astype("uint8")
    return np.asarray((t.low + grown / 255.0).astype(t().dtype))


def _any_label(t: Asked) -> Array:
    return np.asarray(t(labels=t.labels % t.classes))


def _ties_to_last(t: Asked) -> float:
    return float(t(Z=t.Z[::-1].copy(), C=t.C[::-1].copy()))


def _any_of_largest(t: Asked) -> float:
    """Return the share of examples with no logit larger than that of the label."""
    return float(((t.Z.max(axis=0) <= t.Z) & (t.C > 0)).any(axis=0).mean())


MISTAKES: Table = {
    "bytes_to_floats": {
        "bytes divided by 256": lambda t: t.low + (t() - t.low) * np.asarray(255 / 256, t().dtype),
        "bytes multiplied as bytes, which wrap around": _in_bytes,
        "bytes taken to [0, 1] whatever was asked for": lambda t: t(low=0.0, high=1.0),
        "bytes taken as signed": lambda t: (
            t.low + (t.high - t.low) * t.B.astype("int8").astype(t().dtype) / np.asarray(255, t().dtype)
        ),
        "bytes inverted": lambda t: t.low + t.high - t(),
    },
    "one_hot": {
        "labels counted from 1": lambda t: np.roll(t(), -1, axis=0),
        "labels out of range wrap around": _any_label,
        "labels in reverse order of classes": lambda t: t()[::-1].copy(),
        "columns of one_hot sorted": lambda t: t(labels=np.sort(t.labels)[::-1].copy()),
    },
    "accuracy": {
        "largest logit taken over the examples": lambda t: float(
            (t.Z.argmax(axis=1) == t.C.argmax(axis=1)).mean()
        ),
        "accuracy counted": lambda t: t() * t.Z.shape[1],
        "accuracy in per cent": lambda t: 100 * t(),
        "last of equal logits counts": _ties_to_last,
        "any of equal logits counts": _any_of_largest,
        "NaN counts as right": lambda t: float((t.Z.argmax(axis=0) == t.C.argmax(axis=0)).mean()),
        "error rate in place of accuracy": lambda t: 1 - t(),
    },
}
