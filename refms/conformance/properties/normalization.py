"""L1-L4: group normalisation with weights, and its derivative."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.properties.arrays import dot
from refms.conformance.property import Claims, agree, family
from refms.definition.arrays import as_double, norm
from refms.definition.convolution import shift
from refms.definition.normalization import normalization_product, normalize, standardize
from refms.definition.norms import max_norm
from refms.errors import Array

law = family("normalization")
SOURCE = "Wu and He, group normalisation (2018)"
SOME = Domain(smallest=2)
EPSILONS = (0.5, 0.01)
"""Added to a variance of about one: where ε stands shows."""


@law("L1", "normalize", SOURCE, SOME)
def _definition(a: Gate, x: Instance) -> Claims:
    """Every group of channels of every example gets the mean 0 and almost the variance 1.

    γ_c (x − μ)/√(mean (x − μ)² + ε) + β_c over a group's channels and all cells, for all numbers of groups;
    scale ‖γ‖_∞ ρ‖x‖_∞ + ‖β‖_∞
    Catches: ε outside of the root, the variance with N − 1, weights before the normalisation, statistics of
    single channels, of all channels or of the batch.
    """
    Y = x.image(channels=2 * x.c_in)
    gamma, beta = (x.draw(name, 2 * x.c_in) for name in ("gamma", "beta"))
    for groups, epsilon in _choices(x):
        rho = float(standardize(Y, groups, epsilon)[1].max())
        scale = max_norm(gamma) * max(1.0, rho * max_norm(Y)) + max_norm(beta)
        got = a.normalize(Y, groups, epsilon, gamma, beta)
        yield f"{groups} group(s), ε = {epsilon:.3g}", got, normalize(Y, groups, epsilon, gamma, beta), scale


@law("L2", "normalize", SOURCE, SOME)
def _invariances(a: Gate, x: Instance) -> Claims:
    """Normalisation does not see brightness or contrast, cells in another order, or other examples.

    ε α² for x ↦ αx + b gives the same, also where b is 10⁴ times as large as x, with a scale so much
    larger; a shift of the cells shifts the result; an example alone is the same
    Catches: a mean that is not subtracted, the mean square minus the square of the mean, statistics over
    examples, weights per cell, ε that is no variance.
    """
    Y, channels = x.image(), x.c_in
    gamma, beta = (x.draw(name, channels) for name in ("gamma", "beta"))
    epsilon = 0.3 * _variance(x, 1)
    right = a.normalize(Y, 1, epsilon, gamma, beta)
    brighter = (4 * Y + np.asarray(max_norm(Y), x.dtype)).astype(x.dtype)
    scale = 30 * max_norm(gamma) * max_norm(Y) / np.sqrt(epsilon) + max_norm(beta)
    yield from agree("αx + b", a.normalize(brighter, 1, 16 * epsilon, gamma, beta), right, scale)
    bright = (Y + np.asarray(1e4 * max_norm(Y), x.dtype)).astype(x.dtype)
    yield from agree("x + b", a.normalize(bright, 1, epsilon, gamma, beta), right, 1e4 * scale)
    e = (1,) * x.d
    yield from agree("shift", a.normalize(shift(Y, e), 1, epsilon, gamma, beta), shift(right, e), scale)
    yield from agree("one example", a.normalize(Y[-1:].copy(), 1, epsilon, gamma, beta), right[-1:], scale)


@law("L3", "normalize_product", SOURCE, SOME)
def _derivative(a: Gate, x: Instance) -> Claims:
    """The derivative is ρ (v − mean v − x̂ mean(x̂ v)).

    for all numbers of groups; scale ρ‖v‖₂ max(1, ρ‖x‖_∞)
    Catches: mean or variance held fixed, ρ left out, a sign, another ε than in the layer.
    """
    Y, V = (x.image(name, channels=2 * x.c_in) for name in ("Y", "V"))
    for groups, epsilon in _choices(x):
        rho = float(standardize(Y, groups, epsilon)[1].max())
        got, wanted = a.normalize_product(Y, V, groups, epsilon), normalization_product(Y, V, groups, epsilon)
        yield f"{groups} group(s)", got, wanted, rho * norm(V) * max(1.0, rho * max_norm(Y)) ** 2


@law("L4", "normalize_product normalize", SOURCE, SOME)
def _symmetric(a: Gate, x: Instance) -> Claims:
    """The derivative is symmetric, constants and x̂ are almost its nullspace.

    ⟨Ju, v⟩ = ⟨u, Jv⟩, J1 = 0, J x̂ = ρ³ε x̂, one group
    Catches: a mean that is not subtracted, a derivative of the variance that is forgotten.
    """
    Y, u, v = (x.image(name) for name in ("Y", "u", "v"))
    epsilon = 0.3 * _variance(x, 1)
    _, rho = standardize(Y, 1, epsilon)
    size = float(rho.max()) * max(1.0, float(rho.max()) * max_norm(Y)) ** 2

    def product(w: Array) -> Array:
        found: Array = a.normalize_product(Y, w, 1, epsilon)
        return found

    yield from agree("⟨Ju, v⟩ = ⟨u, Jv⟩", dot(product(u), v), dot(u, product(v)), size * norm(u) * norm(v))
    ones = np.ones(Y.shape, x.dtype)
    yield "J1 = 0", product(ones), 0 * Y, size * norm(ones)
    unit = a.normalize(Y, 1, epsilon, np.ones(x.c_in, x.dtype), np.zeros(x.c_in, x.dtype))
    shrunk = (rho**3 * epsilon).reshape(len(Y), *(1,) * (Y.ndim - 1)) * as_double(unit)
    yield "J x̂ = ρ³ε x̂", product(unit), shrunk, size * norm(unit)


def _choices(x: Instance) -> Iterator[tuple[int, float]]:
    """Yield numbers of groups and ε."""
    for groups in {1, 2, 2 * x.c_in}:
        for epsilon in EPSILONS:
            yield groups, epsilon * _variance(x, 2)


def _variance(x: Instance, times: int) -> float:
    """Return the mean variance of the examples."""
    return float(as_double(x.image(channels=times * x.c_in)).var())
