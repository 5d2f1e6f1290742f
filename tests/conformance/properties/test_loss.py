"""Confident examples and undefined logits: what cancels is found, in both precisions."""

from __future__ import annotations

import numpy as np
import pytest

from refms.conformance import PROPERTIES
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.instances.domain import instances
from refms.conformance.mutants import mutant_named
from refms.conformance.reports.report import levels_of
from refms.conformance.runner import examine

CATALOGUE = {item.id: item for item in PROPERTIES}


def verdicts(adapter, id_, count=8):
    gate, item = Gate(adapter), CATALOGUE[id_]
    return {examine(gate, item, x).verdict for x in instances(item.domain, gate.profile, count, 1)}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("id_", "name"),
    [
        ("S14", "digits of a confident example cancelled"),
        ("S15", "NaN among the logits taken for zero"),
    ],
)
def test_what_a_confident_or_undefined_example_loses_is_found(id_, name, dtype):
    right = ReferenceAdapter(dtype=dtype)
    assert verdicts(right, id_) == {"PASS"}
    assert verdicts(mutant_named(name).around(right), id_) == {"FAIL"}
    assert levels_of(CATALOGUE[id_]) == ("everything",)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_loss_of_a_gap_of_fifty_is_the_exponential(dtype):
    Z, C = np.array([[0.0], [-50.0]], dtype), np.array([[1.0], [0.0]], dtype)
    right = ReferenceAdapter(dtype=dtype)
    small = 1.9287498479639178e-22
    assert right.cross_entropy(Z, C) == pytest.approx(small, rel=1e-6)
    assert right.cross_entropy_gradient(Z, C).ravel() == pytest.approx([-small, small], rel=1e-6)
