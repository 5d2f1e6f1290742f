"""Network, logits and loss by plain loops; complex parameters pass through, for complex-step derivatives."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from refms.conformance.adapters.profile import Problem, Profile
from refms.conformance.oracles.convolution import convolve, doubled
from refms.errors import Array

Parameters = Mapping[str, Array]

SLOPE, WIDTH = 0.01, 0.1
"""Slope of the leaky ReLU and half-width of the smoothed one."""

LARGEST_LOGIT = 2.0

_STEP = 1e-30


def activated(Z: Array, name: str) -> Array:
    """Return σ(Z) in double precision; complex Z carries a derivative along.

    Parameters
    ----------
    Z : array
        Any shape.
    name : str
        Name of σ.

    Returns
    -------
    array
        Shape of Z.

    Examples
    --------
    >>> activated(np.array([-1.0, 2.0]), "relu").tolist()
    [0.0, 2.0]
    """
    z = doubled(Z)
    if name == "tanh":
        return np.tanh(z)
    if name == "identity":
        return z.copy()
    positive = z.real > 0
    if name == "relu":
        return np.where(positive, z, 0)
    if name == "leaky_relu":
        return np.where(positive, z, SLOPE * z)
    inside = np.abs(z.real) < WIDTH
    return np.where(inside, (z + WIDTH) ** 2 / (4 * WIDTH), np.where(positive, z, 0))


def features(parameters: Parameters, X: Array, problem: Problem, profile: Profile) -> Array:
    """Return y_N, eqs. (1)-(3): y_0 = L x and N steps y += δt σ(K(s_k) y + b_k), δt = T/N.

    Parameters
    ----------
    parameters : mapping of str to array
        ``opening``, ``stencils``, ``biases``.
    X : array
        Images (m, c_image, *grid).
    problem : Problem
        T, boundary and activation.
    profile : Profile
        Gives the orientation.

    Returns
    -------
    array
        Shape (m, c, *grid), double precision.
    """
    y = convolve(parameters["opening"], X, problem.boundary, profile.orientation)
    layers = len(parameters["stencils"])
    for s, b in zip(parameters["stencils"], parameters["biases"], strict=True):
        z = convolve(s, y, problem.boundary, profile.orientation)
        z = z + doubled(b).reshape(1, -1, *(1,) * (z.ndim - 2))
        y = y + problem.final_time / layers * activated(z, problem.activation)
    return y


def logits(W: Array, mu: Array, Y: Array, profile: Profile) -> Array:
    """Return h^d Wᵀ y + μ (or without h^d, as declared), shape (ℓ, m), for features Y (m, c, *grid)."""
    volume = 1.0 / np.prod(Y.shape[2:]) if profile.volume_weighted else 1.0
    return volume * (doubled(W).T @ doubled(Y).reshape(len(Y), -1).T) + doubled(mu)[:, None]


def softmax(Z: Array) -> Array:
    """Return the class probabilities of logits (ℓ, m), in double precision."""
    e = np.exp(doubled(Z) - doubled(Z).real.max(axis=0))
    return e / e.sum(axis=0)


def cross_entropy(Z: Array, C: Array, profile: Profile) -> complex:
    """Return Σ_j (Σc_j log Σ e^z − c_jᵀz_j), divided by m where the mean is declared."""
    z = doubled(Z)
    shift = z.real.max(axis=0)
    log_sum = np.log(np.exp(z - shift).sum(axis=0)) + shift
    total = (C.sum(axis=0) * log_sum - (C * z).sum(axis=0)).sum()
    return complex(total / (z.shape[1] if profile.reduction == "mean" else 1))


def output(parameters: Parameters, X: Array, problem: Problem, profile: Profile) -> Array:
    """Return the logits (ℓ, m) of images."""
    Y = features(parameters, X, problem, profile)
    return logits(parameters["W"], parameters["mu"], Y, profile)


def loss(parameters: Parameters, X: Array, C: Array, problem: Problem, profile: Profile) -> complex:
    """Return the loss of images and labels."""
    return cross_entropy(output(parameters, X, problem, profile), doubled(C), profile)


def tempered(parameters: Parameters, X: Array, problem: Problem, profile: Profile) -> dict[str, Array]:
    """Return parameters whose logits of some images are at most 2: W and μ divided by what is beyond.

    Larger ones make probabilities of almost 0 or 1, and then p − c has hardly any digits, however it is
    computed. In double precision a logit of 40 leaves none, in single precision one of 17.

    Parameters
    ----------
    parameters : mapping of str to array
        Of a network.
    X : array
        Images (m, c_image, *grid).
    problem, profile
        As for :func:`features`.

    Returns
    -------
    dict of str to array
        In their precision, the given ones where the logits are small enough.
    """
    beyond = max(1.0, float(np.abs(output(parameters, X, problem, profile)).max()) / LARGEST_LOGIT)
    return {key: array / beyond if key in ("W", "mu") else array for key, array in parameters.items()}


def along(function: Callable[[Parameters], Array], at: Parameters, direction: Parameters) -> Array:
    """Return the derivative of an analytic function of the parameters along a direction, exact to round-off.

    Parameters
    ----------
    function : callable
        parameters -> number or array; must pass complex numbers through.
    at, direction : mapping of str to array
        Point and direction.

    Returns
    -------
    float or array
        Im f(x + i·10⁻³⁰ v) / 10⁻³⁰.

    Examples
    --------
    >>> float(along(lambda p: p["x"] ** 3, {"x": np.array(2.0)}, {"x": np.array(1.0)}))
    12.0
    """
    moved = {key: doubled(at[key]) + 1j * _STEP * doubled(direction[key]) for key in at}
    return np.imag(function(moved)) / _STEP


def inner(a: Parameters, b: Parameters) -> float:
    """Return Σ a·b over all parameters, in double precision."""
    return float(sum((doubled(a[key]) * doubled(b[key])).sum() for key in a))


def size(a: Parameters) -> float:
    """Return the Euclidean norm over all parameters."""
    return float(np.sqrt(inner(a, a)))


def growth(parameters: Parameters, problem: Problem) -> float:
    """Return ∏(1 + δt‖s_k‖₁), the bound on how much the layers amplify."""
    layers, channels = parameters["stencils"].shape[:2]
    norms = np.abs(doubled(parameters["stencils"])).reshape(layers, channels, -1).sum(axis=2).max(axis=1)
    return float(np.prod(1 + problem.final_time / layers * norms))


def reach(parameters: Parameters, X: Array, problem: Problem) -> float:
    """Return N ∏(1 + δt‖s_k‖₁) max(‖L‖₁‖x‖_∞, 1), against which errors of the features count."""
    L = parameters["opening"]
    first = np.abs(doubled(L)).reshape(len(L), -1).sum(axis=1).max()
    start = max(float(first) * float(np.abs(X).max()), 1.0)
    return len(parameters["stencils"]) * growth(parameters, problem) * start
