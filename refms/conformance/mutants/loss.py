"""Mistakes in the softmax cross entropy and its derivatives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import softmax
from refms.conformance.mutants.mutant import Shelf
from refms.errors import Array

shelf = Shelf("loss")


def _unstable(right: Any, Z: Array, C: Array) -> float:
    with np.errstate(all="ignore"):
        p = np.exp(Z) / np.exp(Z).sum(axis=0)
        return float(-(C * np.log(p)).sum() / Z.shape[1])


def _last_class_heavier(right: Any, Z: Array, C: Array) -> float:
    weighted = C.copy()
    weighted[-1] *= 1.1
    return float(right.cross_entropy(Z, weighted))


def _labels_sum_to_one(right: Any, Z: Array, C: Array) -> Array:
    """Return (p − c)/m, right only where Σc = 1."""
    return (softmax(Z) - C) / Z.shape[1]


def _squared(right: Any, Z: Array, C: Array) -> float:
    """Return the mean of ½‖p − c‖²."""
    return float(((softmax(Z) - C) ** 2).sum() / (2 * Z.shape[1]))


LOSS = (
    shelf.altered(
        "1/m missing in the cross entropy and its derivatives",
        cross_entropy=lambda found, Z, C: found * Z.shape[1],
        cross_entropy_gradient=lambda found, Z, C: found * Z.shape[1],
        cross_entropy_hessian=lambda found, Z, C, V: found * Z.shape[1],
    ),
    shelf.altered(
        "mean over classes as well as over examples",
        cross_entropy=lambda found, Z, C: found / len(Z),
        cross_entropy_gradient=lambda found, Z, C: found / len(Z),
        cross_entropy_hessian=lambda found, Z, C, V: found / len(Z),
    ),
    shelf.altered(
        "cross entropy in logarithms to base two", cross_entropy=lambda found, Z, C: found / math.log(2)
    ),
    shelf.replaced("softmax without taking off the largest logit", cross_entropy=_unstable),
    shelf.altered(
        "a multiple of the mean logit in the cross entropy",
        cross_entropy=lambda found, Z, C: found + 1e-3 * float(Z.mean()),
    ),
    shelf.altered("sign of the cross entropy", cross_entropy=lambda found, Z, C: -found),
    shelf.replaced("last class counts a tenth more", cross_entropy=_last_class_heavier),
    shelf.replaced(
        "squared error of the probabilities in place of the cross entropy", cross_entropy=_squared
    ),
    shelf.altered(
        "labels forgotten in the gradient, p in place of p − c",
        cross_entropy_gradient=lambda found, Z, C: found + C / Z.shape[1],
    ),
    shelf.altered(
        "sign of the gradient of the cross entropy", cross_entropy_gradient=lambda found, Z, C: -found
    ),
    shelf.replaced("labels taken to sum to one in the gradient", cross_entropy_gradient=_labels_sum_to_one),
    shelf.replaced(
        "softmax Hessian diag p without −ppᵀ",
        cross_entropy_hessian=lambda right, Z, C, V: softmax(Z) * V / Z.shape[1],
    ),
    shelf.replaced(
        "softmax Hessian replaced by the identity",
        cross_entropy_hessian=lambda right, Z, C, V: V / Z.shape[1],
    ),
    shelf.altered(
        "1/m missing in the Hessian of the cross entropy",
        cross_entropy_hessian=lambda found, Z, C, V: found * Z.shape[1],
    ),
)
"""The family."""
