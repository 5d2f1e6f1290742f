"""Whatever is declared, the probe finds the profile that is true, from operations or from a network alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refms.conformance import Adapter, Profile
from refms.conformance.adapters.layouts import to_images, to_layout
from refms.conformance.adapters.profile import ACTIVATIONS, BOUNDARIES, LAYOUTS, ORIENTATIONS, REDUCTIONS
from refms.conformance.probing.coverage import profile_lines
from refms.conformance.probing.probe import probe
from refms.definition import classifier
from refms.definition.activation import activate
from refms.definition.convolution import convolve
from refms.definition.network import states
from refms.definition.softmax import cross_entropy
from refms.definition.transfer import PAIRS, coarsen, prolong, restrict


def some(*choices):
    """Draw some of the choices, at least one, in their order."""
    chosen = st.sets(st.sampled_from(choices), min_size=1)
    return chosen.map(lambda found: tuple(one for one in choices if one in found))


TRUTHS = st.builds(
    Profile,
    name=st.just("mine"),
    dimensions=some(1, 2, 3),
    stencil_sizes=some(1, 3, 5).filter(lambda sizes: sizes != (1,)),
    rectangular=st.booleans(),
    boundaries=some(*BOUNDARIES),
    orientation=st.sampled_from(ORIENTATIONS),
    pairs=some("averaging-bilinear", "injection-cubic"),
    layout=st.sampled_from(list(LAYOUTS)),
    activations=some("tanh", "relu", "leaky_relu"),
    volume_weighted=st.booleans(),
    reduction=st.sampled_from(REDUCTIONS),
)


class Strict(Adapter):
    """Refuses what is not in its true profile, and knows nothing of the declared one."""

    def __init__(self, truth, declared):
        super().__init__(declared)
        self.truth = truth

    def _require(self, grid, stencil=(), boundary=None, activation=None, pair=None):
        for value, allowed in (
            (len(grid), self.truth.dimensions),
            (boundary, self.truth.boundaries),
            (activation, self.truth.activations),
            (pair, self.truth.pairs),
            *((size, self.truth.stencil_sizes) for size in stencil),
        ):
            if value is not None and value not in allowed:
                raise ValueError(f"no {value}")
        if not self.truth.rectangular and len(set(grid)) > 1:
            raise ValueError("only equal extents")

    def _images(self, field, grid):
        n = int(np.prod(grid))
        if self.truth.layout == "columns":
            return to_images(field, "columns", (field.shape[1], field.shape[0] // n, *grid))
        images = field if self.truth.layout == "NCHW" else np.moveaxis(field, -1, 1)
        if images.shape[2:] != tuple(grid):
            raise ValueError("another layout")
        return images


class Operators(Strict):
    def convolution(self, S, Y, grid, boundary):
        self._require(grid, S.shape[2:], boundary)
        found = convolve(S, self._images(Y, grid), boundary, self.truth.orientation)
        return to_layout(found, self.truth.layout)

    def restrict(self, Y, grid, pair):
        self._require(grid, pair=pair)
        return to_layout(restrict(self._images(Y, grid), PAIRS[pair].r), self.truth.layout)

    def prolong(self, Y, grid, pair):
        self._require(grid, pair=pair)
        return to_layout(prolong(self._images(Y, coarsen(grid)), PAIRS[pair].p), self.truth.layout)

    def activation(self, Z, name):
        self._require((1,) * self.truth.dimensions[0], activation=name)
        return activate(Z, name)

    def logits(self, W, mu, Y, grid):
        self._require(grid)
        return classifier.logits(W, mu, self._images(Y, grid), self.truth.volume_weighted)

    def cross_entropy(self, Z, C):
        return float(cross_entropy(Z, C, self.truth.reduction))


class Network(Strict):
    def forward(self, parameters, X, problem):
        return to_layout(self._features(parameters, X, problem), self.truth.layout)

    def jacobian_product(self, parameters, direction, X, problem):
        h = 1e-30  # the complex step
        p = {key: parameters[key] + 1j * h * direction[key] for key in parameters}
        return self._output(p, X, problem).imag / h

    def loss(self, parameters, X, C, problem):
        return float(cross_entropy(self._output(parameters, X, problem), C, self.truth.reduction))

    def _features(self, p, X, problem):
        self._require(problem.grid, p["opening"].shape[2:], problem.boundary, problem.activation)
        shifts = {"boundary": problem.boundary, "orientation": self.truth.orientation}
        images = self._images(X, problem.grid)
        return states(p, images, problem.final_time, problem.activation, **shifts)[-1]

    def _output(self, p, X, problem):
        Y = self._features(p, X, problem)
        return classifier.logits(p["W"], p["mu"], Y, self.truth.volume_weighted)


@settings(max_examples=30, deadline=None)
@given(TRUTHS, st.sampled_from(list(LAYOUTS)))
def test_operations_tell_the_profile_whatever_is_declared(truth, layout):
    truth = dataclasses.replace(truth, rectangular=truth.rectangular or truth.dimensions == (1,))
    assert probe(Operators(truth, Profile("mine", layout=layout))).right == truth


@settings(max_examples=30, deadline=None)
@given(TRUTHS, st.sampled_from(list(LAYOUTS)))
def test_a_network_alone_tells_all_but_the_pairs(truth, layout):
    truth = dataclasses.replace(truth, rectangular=truth.rectangular or truth.dimensions == (1,))
    declared = Profile("mine", layout=layout, pairs=truth.pairs)
    assert probe(Network(truth, declared)).right == truth


@given(TRUTHS)
def test_the_line_makes_the_profile(profile):
    (line,) = profile_lines([profile])
    assert eval(line, {"Profile": Profile}) == profile


def test_what_is_declared_and_refused_is_said():
    truth = Profile("mine", dimensions=(2,), stencil_sizes=(3,), rectangular=False, activations=("relu",))
    found = probe(Network(truth, Profile("mine")))
    assert {trait.name for trait in found.traits if trait.agrees is False} == {
        "dimensions",
        "stencil sizes",
        "extents",
    }
    assert "declared 1-D, 2-D, 3-D, but elsewhere K(s) is refused or none of the known ones: 2-D." in (
        found.disagreements
    )


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_in_place_of_another_is_named(name):
    class Other(Operators):
        def activation(self, Z, name):
            return activate(Z, "leaky_relu")

    truth = Profile("mine", activations=(name,))
    sentences = [one for one in probe(Other(truth, truth)).disagreements if "leaky_relu" in one]
    assert len(sentences) == (name != "leaky_relu")
