"""The table of operations: its rows agree with methods that were written by hand, and say what follows."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from refms.conformance import Adapter
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.operations import OPERATIONS, PARAMETERS, SPLIT, TRIED


@pytest.mark.parametrize("row", OPERATIONS.values(), ids=OPERATIONS)
def test_arguments_are_those_of_methods_written_by_hand(row):
    wanted = list(inspect.signature(getattr(ReferenceAdapter, row.name)).parameters)
    assert [one.name for one in row.arguments] == wanted[1:]
    assert list(inspect.signature(getattr(Adapter, row.name)).parameters) == wanted


def test_a_gate_has_the_operations_and_nothing_else():
    gate = Gate(ReferenceAdapter())
    assert all(hasattr(gate, name) for name in OPERATIONS)
    with pytest.raises(AttributeError, match="convolve"):
        _ = gate.convolve
    with pytest.raises(TypeError, match="missing a required argument: 'pair'"):
        gate.restrict(np.ones((1, 1, 4)))


SHAPES = {
    "convolution": ((np.ones((2, 3, 3, 5)), np.ones((4, 3, 6, 8))), (4, 2, 6, 8)),
    "convolution_adjoint": ((np.ones((2, 3, 3, 5)), np.ones((4, 2, 6, 8))), (4, 3, 6, 8)),
    "stencil_gradient": ((np.ones((4, 2, 6)), np.ones((4, 3, 6)), (5,)), (2, 3, 5)),
    "convolution_matrix": ((np.ones((2, 3, 3)), (6,)), (12, 18)),
    "restrict": ((np.ones((4, 3, 6, 8)), "nearest"), (4, 3, 3, 4)),
    "prolong": ((np.ones((4, 3, 6, 8)), "nearest"), (4, 3, 12, 16)),
    "logits": ((np.ones((12, 5)), np.ones(5), np.ones((4, 2, 6))), (5, 4)),
    "depth_prolong": ((np.ones((2, 7)), 6), (6, 7)),
    "cross_entropy_hessian": ((np.ones((5, 4)),) * 3, (5, 4)),
    "subsample": ((40, 11, 0), (11,)),
    "weight_smoothness_gradient": ((np.ones((12, 5)), (6,)), (12, 5)),
}


@pytest.mark.parametrize("name", SHAPES)
def test_shapes_follow_from_axes(name):
    row, (given, shape) = OPERATIONS[name], SHAPES[name]
    assert row.shape(row.bind(*given)) == shape


def test_what_follows_from_the_rows():
    assert set(OPERATIONS) == set(TRIED)
    without_grid = {name for name, row in OPERATIONS.items() if not row.needs_grid}
    assert {"stencil_down", "convolution", "block_step"}.isdisjoint(without_grid)
    assert {"activation", "cross_entropy", "depth_prolong", "subsample", "newton_step"} <= without_grid
    assert "subsampled_gauss_newton" not in SPLIT  # another subset would be another result
    assert OPERATIONS["logits"].examples == {2: 0}
    joined = {name: OPERATIONS[name].joined for name in ("forward", "activation", "logits", "loss")}
    assert joined == {"forward": 0, "activation": 1, "logits": 1, "loss": None}
    assert PARAMETERS == ("opening", "stencils", "biases", "W", "mu")
