"""Mistakes in the softmax cross entropy and its derivatives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import softmax
from refms.conformance.mutants.mutant import Asked, Table
from refms.errors import Array


def _unstable(t: Asked) -> float:
    with np.errstate(all="ignore"):
        p = np.exp(t.Z) / np.exp(t.Z).sum(axis=0)
        return float(-(t.C * np.log(p)).sum() / t.examples)


def _cancel(t: Asked) -> Any:
    """Return log Σ e^z − z and p − c, in which a confident example leaves no digits."""
    if t.operation == "cross_entropy_gradient":
        return (t.C.sum(axis=0) * softmax(t.Z) - t.C) / t.examples
    below = t.Z - t.Z.max(axis=0)
    return float((t.C * (np.log(np.exp(below).sum(axis=0)) - below)).sum() / t.examples)


def _weigh_last_class(C: Array) -> Array:
    weighted = C.copy()
    weighted[-1] *= 1.1
    return weighted


def _reshape(C: Array) -> Array:
    """Return labels (m, ℓ) reshaped to (ℓ, m) where they should be transposed."""
    return np.ascontiguousarray(C.T).reshape(C.shape)


def _squared_error(t: Asked) -> float:
    """Return the mean of ½‖p − c‖²."""
    return float(((softmax(t.Z) - t.C) ** 2).sum() / (2 * t.examples))


def _below_batch(t: Asked) -> Any:
    """Return what comes out where the largest logit of all examples is taken off each of them."""
    with np.errstate(all="ignore"):
        below = t.Z - t.Z.max()
        e = np.exp(below)
        p = e / e.sum(axis=0)
        if t.operation == "cross_entropy":
            return float((t.C * (np.log(e.sum(axis=0)) - below)).sum() / t.examples)
        found = p - t.C if t.operation == "cross_entropy_gradient" else p * (t.V - (p * t.V).sum(axis=0))
        return found / t.examples


def _on_batch_scale(t: Asked) -> Array:
    """Return what is left of logits that are rounded to 2⁻²⁰ of the largest of the batch."""
    unit = 2.0 ** np.ceil(np.log2(np.abs(t.Z).max() + 1)) * 2.0**-20
    return np.asarray(t(Z=(np.round(t.Z / unit) * unit).astype(t.Z.dtype)))


MISTAKES: Table = {
    "cross_entropy_gradient cross_entropy_hessian": {
        "logits rounded on the scale of the largest of the batch": _on_batch_scale,
    },
    "cross_entropy cross_entropy_gradient cross_entropy_hessian": {
        "largest logit of the batch taken off every example": _below_batch,
        "1/m missing in the cross entropy and its derivatives": lambda t: t.examples * t(),
        "mean over classes as well as over examples": lambda t: 1 / len(t.Z) * t(),
    },
    "cross_entropy cross_entropy_gradient loss gradient": {
        "labels reshaped in place of transposed": lambda t: t(C=_reshape(t.C)),
    },
    "cross_entropy cross_entropy_gradient": {
        "digits of a confident example cancelled": _cancel,
        "NaN among the logits taken for zero": lambda t: t(Z=np.nan_to_num(t.Z)),
    },
    "cross_entropy": {
        "cross entropy in logarithms to base two": lambda t: t() * (1 / math.log(2)),
        "softmax without taking off the largest logit": _unstable,
        "a multiple of the mean logit in the cross entropy": lambda t: t() + 1e-3 * float(t.Z.mean()),
        "sign of the cross entropy": lambda t: -t(),
        "last class counts a tenth more": lambda t: t(C=_weigh_last_class(t.C)),
        "squared error of the probabilities in place of the cross entropy": _squared_error,
    },
    "cross_entropy_gradient": {
        "labels forgotten in the gradient, p in place of p − c": lambda t: t() + t.C / t.examples,
        "sign of the gradient of the cross entropy": lambda t: -t(),
        # right only where Σc = 1
        "labels taken to sum to one in the gradient": lambda t: (softmax(t.Z) - t.C) / t.examples,
    },
    "cross_entropy_hessian": {
        "softmax Hessian diag p without −ppᵀ": lambda t: softmax(t.Z) * t.V / t.examples,
        "softmax Hessian replaced by the identity": lambda t: t.V / t.examples,
        "1/m missing in the Hessian of the cross entropy": lambda t: t.examples * t(),
    },
}
