"""A wrong implementation is told which known mistake it makes; a right one is told nothing."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import scipy.ndimage

from refms.conformance import PROPERTIES, Adapter, run
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.profile import reference_profile
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.explanation import MOST_FAILURES
from refms.conformance.instances.domain import instances
from refms.conformance.mutants import mutant_named
from refms.conformance.mutants.diagnosis import Diagnosis, diagnose
from refms.conformance.reports.junit import junit
from refms.conformance.reports.markdown import markdown
from refms.conformance.reports.summary import summarize
from refms.conformance.reports.text import table
from refms.conformance.reproduction.calls import right_under, watch
from refms.conformance.runner import check_property

CATALOGUE = {item.id: item for item in PROPERTIES}


def row(adapter, id_):
    return check_property(Gate(adapter), CATALOGUE[id_], "quick", 0)


PLANTED = [
    ("C9", "kernel flipped on all axes"),
    ("C9", "kernel flipped on the last axis only"),
    ("C3", "zero boundary where periodic was asked for"),
    ("C14", "adjoint without the flip"),
    ("C8", "stencil gradient averaged over the examples"),
    ("C2", "entries of the matrix that meet overwrite each other"),
    ("C13", "padding on one side only"),
    ("T1", "R sums where it should average"),
    ("T4", "P piecewise constant for every pair"),
    ("G1", "coarse stencil of averaging-constant for every pair"),
    ("G3", "coarse stencil 2^d times too large, as with a summing R"),
    ("N4", "step δt = T/(N+1), the index slip"),
    ("N3", "activation after the sum, σ(y + δt(K y + b))"),
    ("N7", "batch norm in the layers"),
    ("D1", "layers copied in place of interpolated"),
    ("H2", "h^d missing in the logits"),
    ("H3", "1/m missing in loss and gradient"),
    ("S10", "labels taken to sum to one in the gradient"),
    ("S9", "softmax Hessian diag p without −ppᵀ"),
    ("H3", "labels reshaped in place of transposed"),
    ("O1", "skip connection detached, no gradient through the identity"),
    ("O4", "activation after the sum, σ(y + δt(K y + b))"),
    ("O1", "gradient too large by 0.1 %"),
    ("O4", "Gauss-Newton product with diag p in place of diag p − ppᵀ"),
    ("O9", "β = 0 in CG, steepest descent"),
    ("O11", "any decrease accepted by the line search"),
    ("O13", "half of the Newton step"),
    ("R4", "δt missing in the smoothness in time"),
    ("Z1", "align_corners in resize"),
    ("Z5", "clamped border in the blur"),
    ("L1", "ε of the normalisation outside of the root"),
    ("L3", "variance held in the derivative of the normalisation"),
    ("Q1", "reflected border in SSIM"),
    ("Q3", "positive form for the Hessian of SSIM"),
    ("F1", "Nyquist number kept in first derivatives"),
    ("W1", "nearest cells for means between levels"),
    ("M1", "other times on the coarse twin"),
    ("M3", "π left out"),
    ("M5", "moments and cosine begin anew in each stage"),
    ("A1", "coarse twins not counted as work"),
    ("A2", "cosine that ends at 0"),
    ("A3", "ε of Adam inside of the root"),
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("id_", "name"), PLANTED)
def test_a_planted_mistake_is_named(id_, name, dtype):
    gate, item = Gate(mutant_named(name).around(ReferenceAdapter(dtype=dtype))), CATALOGUE[id_]
    seen = (watch(gate, item, case) for case in instances(item.domain, gate.profile, 40, 0))
    failed = itertools.islice((one.calls for one in seen if one.fails), MOST_FAILURES)
    assert name in diagnose(failed, right_under(gate.profile)).sentence


class Images(Adapter):
    """A convolution of its own, images as (m, c, *grid), and the kernel flipped."""

    def __init__(self):
        super().__init__(replace(reference_profile("images"), layout="NCHW", boundaries=("periodic",)))

    def convolution(self, S, Y, grid, boundary):
        found = np.zeros((len(Y), len(S), *grid))
        for m, o, c in np.ndindex(len(Y), len(S), Y.shape[1]):
            found[m, o] += scipy.ndimage.convolve(Y[m, c], S[o, c], mode="wrap")
        return found


def test_an_independent_implementation_in_another_layout_is_told_its_mistake():
    found = row(Images(), "C9")
    assert found.verdict == "FAIL"
    assert found.diagnosis.startswith("your output equals: kernel flipped on all axes")


def test_the_mistake_stands_in_the_table_and_in_the_report():
    adapter = mutant_named("layers copied in place of interpolated").around(ReferenceAdapter())
    report = run(adapter, properties=[CATALOGUE["D1"]])
    lines = table([report]).splitlines()
    at = next(k for k, line in enumerate(lines) if line.lstrip().startswith("D1 "))
    assert "your output equals: layers copied in place of interpolated." in lines[at + 2]
    sentence = "your output equals: layers copied in place of interpolated"
    found = next(one for one in report.to_dict()["rows"] if one["id"] == "D1")
    assert found["diagnosis"] == sentence
    assert sentence in markdown(summarize([report]))
    assert sentence in junit(summarize([report]))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_right_implementation_has_no_diagnosis(dtype):
    right = ReferenceAdapter(dtype=dtype)
    for item in PROPERTIES[::5]:
        case = instances(item.domain, right.profile, 1, 0)[0]
        calls = watch(Gate(right), item, case).calls
        assert diagnose([calls] * 3, ReferenceAdapter(dtype=dtype)) == Diagnosis()


class Unknown(ReferenceAdapter):
    """Wrong in a way that nobody has named."""

    def restrict(self, Y, grid, pair):
        return 0.777 * super().restrict(Y, grid, pair)


class Raising(ReferenceAdapter):
    def restrict(self, Y, grid, pair):
        raise RuntimeError("no")


class Nan(ReferenceAdapter):
    def restrict(self, Y, grid, pair):
        return np.nan * super().restrict(Y, grid, pair)


@pytest.mark.parametrize("adapter", [Unknown(), Raising(), Nan()], ids=lambda one: type(one).__name__)
def test_an_unknown_mistake_has_no_diagnosis(adapter):
    found = row(adapter, "T1")
    assert found.verdict == "FAIL"
    assert found.diagnosis == ""
