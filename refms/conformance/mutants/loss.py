"""Mistakes in the softmax cross entropy and its derivatives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import by, softmax, times
from refms.conformance.mutants.mutant import alter, feed, of_family, substitute
from refms.errors import Array


def _unstable(right: Any, Z: Array, C: Array) -> float:
    with np.errstate(all="ignore"):
        p = np.exp(Z) / np.exp(Z).sum(axis=0)
        return float(-(C * np.log(p)).sum() / Z.shape[1])


def _weigh_last_class(Z: Array, C: Array) -> tuple[Array, Array]:
    weighted = C.copy()
    weighted[-1] *= 1.1
    return Z, weighted


_EXAMPLES = by(lambda Z, *rest: Z.shape[1])
_CLASSES = by(lambda Z, *rest: 1 / len(Z))

LOSS = of_family(
    "loss",
    alter(
        "1/m missing in the cross entropy and its derivatives",
        cross_entropy=_EXAMPLES,
        cross_entropy_gradient=_EXAMPLES,
        cross_entropy_hessian=_EXAMPLES,
    ),
    alter(
        "mean over classes as well as over examples",
        cross_entropy=_CLASSES,
        cross_entropy_gradient=_CLASSES,
        cross_entropy_hessian=_CLASSES,
    ),
    alter("cross entropy in logarithms to base two", cross_entropy=times(1 / math.log(2))),
    substitute("softmax without taking off the largest logit", cross_entropy=_unstable),
    alter(
        "a multiple of the mean logit in the cross entropy",
        cross_entropy=lambda found, Z, C: found + 1e-3 * float(Z.mean()),
    ),
    alter("sign of the cross entropy", cross_entropy=times(-1)),
    feed("last class counts a tenth more", cross_entropy=_weigh_last_class),
    substitute(  # the mean of ½‖p − c‖²
        "squared error of the probabilities in place of the cross entropy",
        cross_entropy=lambda right, Z, C: float(((softmax(Z) - C) ** 2).sum() / (2 * Z.shape[1])),
    ),
    alter(
        "labels forgotten in the gradient, p in place of p − c",
        cross_entropy_gradient=lambda found, Z, C: found + C / Z.shape[1],
    ),
    alter("sign of the gradient of the cross entropy", cross_entropy_gradient=times(-1)),
    substitute(  # (p − c)/m, right only where Σc = 1
        "labels taken to sum to one in the gradient",
        cross_entropy_gradient=lambda right, Z, C: (softmax(Z) - C) / Z.shape[1],
    ),
    substitute(
        "softmax Hessian diag p without −ppᵀ",
        cross_entropy_hessian=lambda right, Z, C, V: softmax(Z) * V / Z.shape[1],
    ),
    substitute(
        "softmax Hessian replaced by the identity",
        cross_entropy_hessian=lambda right, Z, C, V: V / Z.shape[1],
    ),
    alter("1/m missing in the Hessian of the cross entropy", cross_entropy_hessian=_EXAMPLES),
)
"""The family."""
