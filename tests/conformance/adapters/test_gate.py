"""The gate converts layouts and looks at what comes back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from refms.conformance import PROPERTIES, run
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.profile import reference_profile
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.grid import Grid, columns_from_nchw, columns_from_nhwc, nchw_from_columns, nhwc_from_columns

CONVERTERS = {"NCHW": (columns_from_nchw, nchw_from_columns), "NHWC": (columns_from_nhwc, nhwc_from_columns)}


class Relaid(ReferenceAdapter):
    """refms in another layout of the fields."""

    def __init__(self, layout):
        super().__init__(profile=replace(reference_profile(), layout=layout))
        self.inward, self.outward = CONVERTERS[layout]

    def convolution(self, S, Y, grid, boundary):
        return self.outward(super().convolution(S, self.inward(Y), grid, boundary), Grid(grid))

    def convolution_adjoint(self, S, Z, grid, boundary):
        return self.outward(super().convolution_adjoint(S, self.inward(Z), grid, boundary), Grid(grid))

    def stencil_gradient(self, Z, Y, grid, stencil, boundary):
        return super().stencil_gradient(self.inward(Z), self.inward(Y), grid, stencil, boundary)

    def restrict(self, Y, grid, pair):
        return self.outward(super().restrict(self.inward(Y), grid, pair), Grid(grid).coarsen())

    def prolong(self, Y, grid, pair):
        return self.outward(super().prolong(self.inward(Y), grid, pair), Grid(grid))

    def forward(self, parameters, X, problem):
        return self.outward(super().forward(parameters, self.inward(X), problem), Grid(problem.grid))

    def logits(self, W, mu, Y, grid):
        return super().logits(W, mu, self.inward(Y), grid)

    def gradient(self, parameters, X, C, problem):
        return super().gradient(parameters, self.inward(X), C, problem)


@pytest.mark.parametrize("layout", CONVERTERS)
def test_other_layouts_pass_when_declared(layout):
    ids = ("C8", "C10", "C13", "C14", "T5", "T6", "G12", "N9", "H2", "O2")
    report = run(Relaid(layout), properties=[item for item in PROPERTIES if item.id in ids])
    assert {row.id for row in report.rows if row.verdict == "PASS"} == set(ids)


@pytest.mark.parametrize("layout", CONVERTERS)
def test_other_layouts_fail_when_not_declared(layout):
    adapter = Relaid(layout)
    adapter.profile = replace(adapter.profile, layout="columns")
    report = run(adapter, properties=[item for item in PROPERTIES if item.id in ("C13", "T5", "N9")])
    assert report.counts["FAIL"] == 3


def test_dlpack_results_are_taken():
    class Capsule:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **options):
            return self.array.__dlpack__()

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    class OnDevice(ReferenceAdapter):
        def activation(self, Z, name):
            return Capsule(super().activation(Z, name))

    z = np.linspace(-1, 1, 5)
    np.testing.assert_array_equal(Gate(OnDevice()).activation(z, "tanh"), np.tanh(z))
