"""The definition of network, logits and loss on an instance, under the conventions that it carries.

Complex parameters pass through, for complex-step derivatives.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from refms.definition import classifier, norms, softmax
from refms.definition.arrays import as_double, norm
from refms.definition.convolution import convolve
from refms.definition.network import states
from refms.errors import Array

if TYPE_CHECKING:
    from refms.conformance.instances.instance import Instance

Parameters = Mapping[str, Array]

LARGEST_LOGIT = 2.0


def features(p: Parameters, X: Array, x: Instance) -> Array:
    """Return y_N (m, c, *grid), eqs. (1)-(3)."""
    shifts = {"boundary": x.boundary, "orientation": x.orientation}
    y: Array = states(p, X, x.final_time, x.activation, **shifts)[-1]
    return y


def opened(p: Parameters, X: Array, x: Instance) -> Array:
    """Return y_0 = L X."""
    y: Array = convolve(p["opening"], X, x.boundary, x.orientation)
    return y


def logits(W: Array, mu: Array, Y: Array, x: Instance) -> Array:
    """Return h^d Wᵀ y + μ (or without h^d, as declared), shape (ℓ, m), for features Y (m, c, *grid)."""
    Z: Array = classifier.logits(W, mu, Y, x.volume_weighted)
    return Z


def output(p: Parameters, X: Array, x: Instance) -> Array:
    """Return the logits (ℓ, m) of images."""
    return logits(p["W"], p["mu"], features(p, X, x), x)


def loss(p: Parameters, X: Array, C: Array, x: Instance) -> complex:
    """Return the loss of images and labels."""
    return complex(softmax.cross_entropy(output(p, X, x), C, x.reduction))


def temper(p: Parameters, X: Array, x: Instance) -> dict[str, Array]:
    """Return parameters whose logits of some images are at most 2: W and μ divided by what is beyond.

    Larger ones make probabilities of almost 0 or 1, and then p − c has hardly any digits, however it is
    computed. In double precision a logit of 40 leaves none, in single precision one of 17.
    """
    beyond = max(1.0, float(np.abs(output(p, X, x)).max()) / LARGEST_LOGIT)
    return {key: array / beyond if key in ("W", "mu") else array for key, array in p.items()}


def inner(a: Parameters, b: Parameters) -> float:
    """Return Σ a·b over all parameters, in double precision."""
    return float(sum((as_double(a[key]) * as_double(b[key])).sum() for key in a))


def flat(a: Parameters) -> Array:
    """Return all numbers as one vector."""
    return np.concatenate([np.ravel(array) for array in a.values()])


def size(a: Parameters) -> float:
    """Return the Euclidean norm over all parameters."""
    return norm(flat(a))


def growth(p: Parameters, x: Instance) -> float:
    """Return ∏(1 + δt‖s_k‖₁), the bound on how much the layers amplify."""
    return float(norms.growth(p["stencils"], x.final_time))


def reach(p: Parameters, X: Array, x: Instance) -> float:
    """Return N ∏(1 + δt‖s_k‖₁) max(‖L‖₁‖x‖_∞, 1), against which errors of the features count."""
    start = max(float(norms.row_sum_norm(p["opening"]) * norms.max_norm(X)), 1.0)
    return len(p["stencils"]) * growth(p, x) * start


def loss_scale(p: Parameters, X: Array, x: Instance) -> float:
    """Return m h^d‖W‖₁ reach (h^d where it is declared), the size of the rounding errors of all logits."""
    columns = float(np.abs(as_double(p["W"])).sum(axis=0).max())
    return len(X) * columns * x.volume * reach(p, X, x)
