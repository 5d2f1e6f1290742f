"""Networks of other layers are the formulas they claim, and their derivatives belong to them."""

from __future__ import annotations

import numpy as np
import pytest

from refms.conformance.adapters.profile import Problem
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.mutants import mutant_named
from refms.conformance.mutants.arrays import columns, images
from refms.definition import classifier, softmax
from refms.definition.activation import activate
from refms.definition.convolution import convolve
from refms.definition.network import preactivation

GRID, LAYERS, DT = (3, 4), 2, 0.4
RNG = np.random.default_rng(3)
P = {
    "opening": RNG.standard_normal((2, 1, 3, 3)) / 3,
    "stencils": RNG.standard_normal((LAYERS, 2, 2, 3, 3)) / 3,
    "biases": RNG.standard_normal((LAYERS, 2)),
    "W": RNG.standard_normal((24, 3)),
    "mu": RNG.standard_normal(3),
}
V = {key: RNG.standard_normal(array.shape) for key, array in P.items()}
X, C = RNG.standard_normal((5, 1, *GRID)), np.eye(3)[:, [0, 2, 1, 1, 0]]
PROBLEM = Problem(GRID, LAYERS * DT)
ARGUMENTS = columns(X), C, PROBLEM


def normalized(z):
    centred = z - z.mean(axis=(0, 2, 3), keepdims=True)
    return centred / np.sqrt((centred**2).mean(axis=(0, 2, 3), keepdims=True) + 1e-5)


STEPS = {
    "activation after the sum, σ(y + δt(K y + b))": lambda y, z: np.tanh(y + DT * z),
    "batch norm in the layers": lambda y, z: y + DT * np.tanh(normalized(z)),
    "skip connection detached, no gradient through the identity": lambda y, z: y + DT * np.tanh(z),
}


def states(p, step):
    y = [convolve(p["opening"], X)]
    for s, b in zip(p["stencils"], p["biases"], strict=True):
        y.append(step(y[-1], preactivation(s, b, y[-1])))
    return y


def loss(p, step):
    return softmax.cross_entropy(classifier.logits(p["W"], p["mu"], states(p, step)[-1]), C)


def detached_loss(p, held):
    """Return the loss where every state that is only passed on is held fixed."""
    y = convolve(p["opening"], X)
    for s, b, passed_on in zip(p["stencils"], p["biases"], held, strict=False):
        y = passed_on + DT * activate(preactivation(s, b, y))
    return softmax.cross_entropy(classifier.logits(p["W"], p["mu"], y), C)


def slope(f):
    """Return the derivative of f along V at P, by central differences of fourth order."""
    t = 1e-3
    at = [f({key: P[key] + k * t * V[key] for key in P}) for k in (-2, -1, 1, 2)]
    return float(np.dot([1, -8, 8, -1], at)) / (12 * t)


def inner(a, b):
    return sum(float((a[key] * b[key]).sum()) for key in a)


@pytest.mark.parametrize("name", STEPS)
def test_a_network_of_other_layers_is_its_formula_and_has_its_derivatives(name):
    wrong, step = mutant_named(name).around(ReferenceAdapter()), STEPS[name]
    y = states(P, step)
    np.testing.assert_allclose(images(wrong.forward(P, ARGUMENTS[0], PROBLEM), GRID), y[-1], atol=1e-13)
    assert wrong.loss(P, *ARGUMENTS) == pytest.approx(float(loss(P, step)), rel=1e-13)
    expected = slope((lambda p: detached_loss(p, y)) if "detached" in name else lambda p: loss(p, step))
    assert inner(wrong.gradient(P, *ARGUMENTS), V) == pytest.approx(expected, rel=1e-7)
    forth = wrong.jacobian_product(P, V, ARGUMENTS[0], PROBLEM)
    back = wrong.jacobian_transpose(P, C, ARGUMENTS[0], PROBLEM)
    assert float((forth * C).sum()) == pytest.approx(inner(back, V), rel=1e-12)


def test_a_detached_skip_is_no_slip_of_the_state():
    name = "skip connection detached, no gradient through the identity"
    right, wrong = ReferenceAdapter(), mutant_named(name).around(ReferenceAdapter())
    ours, theirs = (one.gradient(P, *ARGUMENTS) for one in (right, wrong))
    same = [key for key in P if np.allclose(ours[key], theirs[key])]
    assert same == ["W", "mu"]
    np.testing.assert_allclose(ours["stencils"][-1], theirs["stencils"][-1])
