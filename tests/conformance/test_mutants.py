"""Every property fails on some wrong implementation, and what is declared is not wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from conformance.mutants import (
    MUTANTS,
    FlippedEverywhere,
    NoVolume,
    SummedEntropy,
    SumOverExamples,
)

from refms.conformance import PROPERTIES, run
from refms.conformance.gate import Gate
from refms.conformance.reference import ReferenceAdapter, reference_profile
from refms.conformance.runner import checked

CATALOGUE = {item.id: item for item in PROPERTIES}


def verdicts(adapter, ids):
    return {name: checked(Gate(adapter), CATALOGUE[name], "quick", 0) for name in ids}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_the_mistake_is_found(mutant):
    assert mutant.__doc__
    for name, row in verdicts(mutant(), mutant.kills).items():
        assert row.verdict == "FAIL", f"{name} passes: {mutant.__doc__}"
        assert row.sentence
        assert "seed" in row.worst_instance


def test_every_property_fails_on_some_mistake():
    assert {name for mutant in MUTANTS for name in mutant.kills} == set(CATALOGUE)


def test_wrong_forward_and_adjoint_together_pass_the_dot_test():
    wrong = FlippedEverywhere()
    assert verdicts(wrong, ("C14",))["C14"].verdict == "PASS"
    assert verdicts(wrong, ("C9",))["C9"].verdict == "FAIL"


class Declared:
    """Mutants that are right under another declaration."""

    class Flipped(FlippedEverywhere):
        def __init__(self):
            super().__init__(profile=replace(reference_profile(), orientation="convolution"))

        def _convolution(self, S, grid, boundary):
            return replace(super()._convolution(S, grid, boundary), orientation="correlation")

        def stencil_gradient(self, Z, Y, grid, stencil, boundary):
            own = ReferenceAdapter()
            return own.stencil_gradient(Z, Y, grid, stencil, boundary)[
                (slice(None), slice(None)) + (slice(None, None, -1),) * len(grid)
            ].copy()

    class Unweighted(NoVolume):
        def __init__(self):
            super().__init__(profile=replace(reference_profile(), volume_weighted=False))

    class Summed(SummedEntropy, SumOverExamples):
        def __init__(self):
            super().__init__(profile=replace(reference_profile(), reduction="sum"))


@pytest.mark.parametrize(
    ("adapter", "ids"),
    [
        (Declared.Flipped, [f"C{k}" for k in range(1, 16)]),
        (Declared.Unweighted, ["H1", "H2"]),
        (Declared.Summed, [*(f"S{k}" for k in range(1, 14)), "H3"]),
    ],
)
def test_a_convention_that_is_declared_is_no_mistake(adapter, ids):
    assert {name: row.verdict for name, row in verdicts(adapter(), ids).items()} == dict.fromkeys(ids, "PASS")


def test_the_reference_passes_with_flipped_orientation():
    adapter = ReferenceAdapter(profile=replace(reference_profile(), orientation="convolution"))
    families = ("convolution", "galerkin", "network", "gauss-newton")
    chosen = [item for item in PROPERTIES if item.family in families]
    assert run(adapter, properties=chosen).counts["PASS"] == len(chosen)


@pytest.mark.parametrize("name", ["C9", "C13", "H3", "S8"])
def test_a_wrong_declaration_is_found(name):
    wrong = replace(reference_profile(), orientation="convolution", reduction="sum")
    adapter = ReferenceAdapter(profile=wrong)
    adapter._convolution = lambda S, grid, boundary: ReferenceAdapter()._convolution(S, grid, boundary)
    assert verdicts(adapter, (name,))[name].verdict == "FAIL"
