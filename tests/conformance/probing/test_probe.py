"""The probe infers what an implementation really does, whatever it declares."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from refms.conformance import Adapter, Profile
from refms.conformance.adapters.layouts import to_images, to_layout
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.probing.probe import probe
from refms.definition.classifier import logits
from refms.definition.convolution import convolve
from refms.definition.softmax import cross_entropy, softmax
from refms.definition.transfer import PAIRS, coarsen, prolong, restrict

TRUE = Profile("theirs", boundaries=("periodic", "zero"), pairs=tuple(PAIRS), stencil_sizes=(1, 3))


class Behaves(Adapter):
    """Follows one profile and declares another."""

    def __init__(self, truth, declared=None, **names):
        super().__init__(declared or truth)
        self.truth, self.names = truth, names

    def _images(self, field, grid):
        if self.truth.layout == "columns":
            return to_images(field, "columns", (field.shape[1], field.shape[0] // int(np.prod(grid)), *grid))
        extents = field.shape[2:] if self.truth.layout == "NCHW" else field.shape[1:-1]
        assert extents == tuple(grid)
        return to_images(field, self.truth.layout, field.shape)

    def _field(self, Y):
        return to_layout(Y, self.truth.layout).astype(self.truth.dtype)

    def convolution(self, S, Y, grid, boundary):
        boundary = self.names.get(boundary, boundary)
        return self._field(convolve(S, self._images(Y, grid), boundary, self.truth.orientation))

    def restrict(self, Y, grid, pair):
        r = PAIRS[self.names.get("R " + pair, pair)].r
        return self._field(restrict(self._images(Y, grid), r))

    def prolong(self, Y, grid, pair):
        p = PAIRS[self.names.get("P " + pair, pair)].p
        return self._field(prolong(self._images(Y, coarsen(grid)), p))

    def logits(self, W, mu, Y, grid):
        return logits(W, mu, self._images(Y, grid), self.truth.volume_weighted).astype(self.truth.dtype)

    def cross_entropy(self, Z, C):
        return float(cross_entropy(Z, C, self.truth.reduction))

    def cross_entropy_gradient(self, Z, C):
        count = Z.shape[1] if self.truth.reduction == "mean" else 1
        return ((softmax(Z) - C) / count).astype(self.truth.dtype)


def inferred(found):
    return {trait.name: trait.inferred for trait in found.traits}


@pytest.mark.parametrize("layout", ["columns", "NCHW", "NHWC"])
@pytest.mark.parametrize("orientation", ["correlation", "convolution"])
@pytest.mark.parametrize(("reduction", "weighted"), [("mean", True), ("sum", False)])
@pytest.mark.parametrize("dimensions", [(1,), (2, 3), (3,)])
def test_every_profile_is_inferred_exactly(layout, orientation, reduction, weighted, dimensions):
    truth = replace(
        TRUE,
        layout=layout,
        orientation=orientation,
        reduction=reduction,
        volume_weighted=weighted,
        dimensions=dimensions,
        rectangular=weighted,
        dtype="float32" if weighted else "float64",
    )
    found = probe(Behaves(truth))
    seen = inferred(found)
    assert found.disagreements == ()
    assert seen["layout"] == (layout,)
    assert seen["orientation"] == (orientation,)
    assert seen["boundary periodic"] == ("periodic",)
    assert seen["boundary zero"] == ("zero",)
    assert seen["logits"] == ("logits with h^d" if weighted else "logits without h^d",)
    assert seen["reduction of cross_entropy"] == seen["reduction of cross_entropy_gradient"] == (reduction,)
    assert seen["precision"] == (truth.dtype,)
    for pair in PAIRS:
        assert seen[f"restriction of {pair}"] == tuple(q for q in PAIRS if PAIRS[q].r == PAIRS[pair].r)
        assert seen[f"prolongation of {pair}"] == tuple(q for q in PAIRS if PAIRS[q].p == PAIRS[pair].p)


WRONG = [
    ({"orientation": "convolution"}, "a delta image comes back as the stencil itself: convolution."),
    ({"layout": "NCHW"}, "fields are taken and returned in another one: NCHW."),
    ({"volume_weighted": False}, "a unit weight on a delta image gives the logit 1: logits without h^d."),
    ({"reduction": "sum"}, "of cross_entropy, the size grows with the number of examples: sum."),
    ({"reduction": "sum"}, "of cross_entropy_gradient, the size grows with the number of examples: sum."),
    ({"dtype": "float32"}, "return another precision: float32."),
]


@pytest.mark.parametrize(("truth", "sentence"), WRONG, ids=lambda value: str(value)[:40])
def test_each_wrong_declaration_gets_its_sentence(truth, sentence):
    actual = replace(TRUE, **truth)
    for adapter in (Behaves(actual, TRUE), Behaves(TRUE, actual)):
        assert probe(adapter).disagreements
    found = probe(Behaves(actual, TRUE)).disagreements
    assert [one for one in found if one.endswith(sentence)]
    assert len(found) == sum(wrong == truth for wrong, _ in WRONG)
    assert all(one.startswith("declared ") for one in found)


def test_a_boundary_that_is_ignored_is_seen():
    assert probe(Behaves(TRUE, zero="periodic")).disagreements == (
        "declared zero, but a delta image in a corner comes back at the opposite sides as well: periodic.",
    )
    (sentence,) = probe(Behaves(TRUE, periodic="zero")).disagreements
    assert sentence.endswith("does not come back at the opposite sides: zero.")


@pytest.mark.parametrize("declared", PAIRS)
@pytest.mark.parametrize(
    ("letter", "name", "weights"), [("R", "restriction", "r"), ("P", "prolongation", "p")]
)
def test_another_transfer_is_named(declared, letter, name, weights):
    for actual in PAIRS:
        same = getattr(PAIRS[actual], weights) == getattr(PAIRS[declared], weights)
        narrow = replace(TRUE, pairs=(declared,), dimensions=(1,))
        found = probe(Behaves(narrow, **{f"{letter} {declared}": actual})).disagreements
        assert len(found) == (not same)
        if not same:
            assert found[0].startswith(f"declared {declared}, but a delta image tells of another {name}: ")
            assert actual in found[0]


def test_a_multiple_of_a_transfer_is_named():
    class Doubled(Behaves):
        def prolong(self, Y, grid, pair):
            return 4 * super().prolong(Y, grid, pair)

    (sentence,) = probe(Doubled(replace(TRUE, pairs=("injection-cubic",)))).disagreements
    assert sentence.endswith("another prolongation: 4 times that of injection-cubic.")


def test_what_is_missing_cannot_be_told():
    found = probe(Adapter(Profile("nothing yet")))
    assert found.told == 0
    assert found.disagreements == ()
    assert all(trait.agrees is None for trait in found.traits)
    assert "orientation: cannot tell, for convolution is not implemented." in [
        trait.sentence for trait in found.traits
    ]
    assert found.headline.endswith("nothing can be told")


def test_the_matrix_alone_tells_the_orientation_and_no_layout():
    class Matrix(Adapter):
        def convolution_matrix(self, S, grid, boundary):
            return ReferenceAdapter().convolution_matrix(S, grid, boundary)

    seen = inferred(probe(Matrix(Profile("a matrix", orientation="convolution"))))
    assert seen["orientation"] == ("correlation",)
    assert seen["layout"] == ()


def test_nonsense_and_errors_cannot_be_told():
    class Odd(Behaves):
        def convolution(self, S, Y, grid, boundary):
            return np.nan * super().convolution(S, Y, grid, boundary)

        def restrict(self, Y, grid, pair):
            raise ValueError("no")

        def logits(self, W, mu, Y, grid):
            W[:] = 0
            return "logits"

        def prolong(self, Y, grid, pair):
            return np.ones((3, 3))

    found = {trait.name: trait.sentence for trait in probe(Odd(replace(TRUE, pairs=("nearest",)))).traits}
    assert found["orientation"].endswith("the response of convolution is none of the known ones.")
    assert "restrict raises ValueError: no (" in found["restriction of nearest"]
    assert "prolong returns shape (3, 3) instead of" in found["prolongation of nearest"]
    assert found["logits"].endswith("logits returns no real array.")


def test_stencils_of_one_entry_tell_no_orientation():
    seen = inferred(probe(Behaves(replace(TRUE, stencil_sizes=(1,)))))
    assert seen["orientation"] == seen["boundary zero"] == ()
    assert seen["layout"] == ("columns",)


def test_the_loss_of_a_network_tells_its_reduction():
    class Summed(ReferenceAdapter):
        def loss(self, parameters, X, C, problem):
            return super().loss(parameters, X, C, problem) * C.shape[1]

    assert probe(Summed()).disagreements == (
        "declared mean, but of loss, the size grows with the number of examples: sum.",
    )
    assert inferred(probe(Summed()))["reduction of gradient"] == ("mean",)
