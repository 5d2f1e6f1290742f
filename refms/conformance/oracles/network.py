"""The definition of network, logits and loss on the problem of an instance, as a profile declares it.

Complex parameters pass through, for complex-step derivatives.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from refms.conformance.adapters.profile import Problem, Profile
from refms.definition import classifier, norms, softmax
from refms.definition.arrays import as_double, norm
from refms.definition.network import states
from refms.errors import Array

Parameters = Mapping[str, Array]

LARGEST_LOGIT = 2.0


def features(p: Parameters, X: Array, problem: Problem, profile: Profile) -> Array:
    """Return y_N (m, c, *grid), eqs. (1)-(3)."""
    shifts = {"boundary": problem.boundary, "orientation": profile.orientation}
    y: Array = states(p, X, problem.final_time, problem.activation, **shifts)[-1]
    return y


def logits(W: Array, mu: Array, Y: Array, profile: Profile) -> Array:
    """Return h^d Wᵀ y + μ (or without h^d, as declared), shape (ℓ, m), for features Y (m, c, *grid)."""
    Z: Array = classifier.logits(W, mu, Y, profile.volume_weighted)
    return Z


def cross_entropy(Z: Array, C: Array, profile: Profile) -> complex:
    """Return E(Z, C), the mean or the sum over the examples, as declared."""
    return complex(softmax.cross_entropy(Z, C, profile.reduction))


def output(p: Parameters, X: Array, problem: Problem, profile: Profile) -> Array:
    """Return the logits (ℓ, m) of images."""
    return logits(p["W"], p["mu"], features(p, X, problem, profile), profile)


def loss(p: Parameters, X: Array, C: Array, problem: Problem, profile: Profile) -> complex:
    """Return the loss of images and labels."""
    return cross_entropy(output(p, X, problem, profile), C, profile)


def temper(p: Parameters, X: Array, problem: Problem, profile: Profile) -> dict[str, Array]:
    """Return parameters whose logits of some images are at most 2: W and μ divided by what is beyond.

    Larger ones make probabilities of almost 0 or 1, and then p − c has hardly any digits, however it is
    computed. In double precision a logit of 40 leaves none, in single precision one of 17.
    """
    beyond = max(1.0, float(np.abs(output(p, X, problem, profile)).max()) / LARGEST_LOGIT)
    return {key: array / beyond if key in ("W", "mu") else array for key, array in p.items()}


def inner(a: Parameters, b: Parameters) -> float:
    """Return Σ a·b over all parameters, in double precision."""
    return float(sum((as_double(a[key]) * as_double(b[key])).sum() for key in a))


def size(a: Parameters) -> float:
    """Return the Euclidean norm over all parameters."""
    return norm(np.array([norm(one) for one in a.values()]))


def growth(p: Parameters, problem: Problem) -> float:
    """Return ∏(1 + δt‖s_k‖₁), the bound on how much the layers amplify."""
    return float(norms.growth(p["stencils"], problem.final_time))


def reach(p: Parameters, X: Array, problem: Problem) -> float:
    """Return N ∏(1 + δt‖s_k‖₁) max(‖L‖₁‖x‖_∞, 1), against which errors of the features count."""
    start = max(float(norms.row_sum_norm(p["opening"]) * norms.max_norm(X)), 1.0)
    return len(p["stencils"]) * growth(p, problem) * start
