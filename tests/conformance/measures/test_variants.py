"""Trials with other arguments: which of them change, what is left, and that results are others."""

from __future__ import annotations

import dataclasses

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.instances.domain import Domain, instances
from refms.conformance.measures.determinism import same_bits
from refms.conformance.measures.trials import trials
from refms.conformance.measures.variants import constant, entries_changed, nudged, others
from refms.conformance.operations import OPERATIONS

ADAPTER = ReferenceAdapter()
GATE = Gate(ADAPTER)
CASES = instances(Domain(small=True, smallest=2), ADAPTER.profile, 8, 3)

SHAPES_HANG_ON = {"grid", "stencil", "layers", "level", "levels", "iterations", "batches", "steps"}
SHAPES_HANG_ON |= {"stride", "groups", "classes", "inner", "inner_iterations"}
"""Arguments that stay as they are in some operations: with others, arrays would mostly have other shapes."""


def pairs(x):
    return zip(trials(GATE, x, "A"), trials(GATE, x, "B"), strict=True)


def test_every_argument_is_changed_alone_but_those_on_which_shapes_hang():
    seen = {}
    for x in CASES:
        for trial, drawn in pairs(x):
            for name, changed in others(trial, drawn, x, ADAPTER.profile):
                seen.setdefault(trial.operation, set()).add(name)
                same = [key for key in trial.given if changed.given[key] is trial.given[key]]
                assert set(trial.given) - set(same) <= {name}
    left = {one.name for name, row in OPERATIONS.items() for one in row.given if one.name not in seen[name]}
    assert left == SHAPES_HANG_ON


def test_nearly_all_other_arguments_give_other_results():
    alike, count = [], 0
    for x in CASES[:4]:
        for trial, drawn in pairs(x):
            right = trial.call(GATE)
            for name, changed in others(trial, drawn, x, ADAPTER.profile):
                count += 1
                found = changed.call(GATE)
                shapes = [one.shape for one in found] == [one.shape for one in right]
                if shapes and same_bits(found, right):
                    alike.append((trial.operation, name))
    assert len(alike) < 0.2 * count, alike


def test_some_entries_change_but_never_the_first():
    for x in CASES:
        for trial, drawn in pairs(x):
            before = trial
            for name, changed in entries_changed(trial, drawn, x):
                key = name.partition("[")[0]
                old, new = before.given[key], changed.given[key]
                if isinstance(old, dict):
                    part = name.split("'")[1]
                    old, new = old[part], new[part]
                assert old.dtype == new.dtype
                assert old.size == 1 or old.flat[0] == new.flat[0]
                if key == "C":
                    np.testing.assert_array_equal(new.sum(axis=0), 1)
                before = changed


def test_nudged_arguments_differ_by_rounding_and_from_each_other():
    x = CASES[0]
    (trial,) = (one for one in trials(GATE, x, "A") if one.operation == "convolution")
    found = [nudged(trial, x, number).given["S"] for number in range(6)]
    assert len({one.flat[0] for one in (*found, trial.given["S"])}) == 7
    for one in found:
        np.testing.assert_allclose(one, trial.given["S"], rtol=4 * x.eps, atol=0)


def test_constant_arguments_have_examples_that_are_alike():
    x = dataclasses.replace(CASES[0], classes=3)
    by_name = {one.operation: constant(one, x) for one in trials(GATE, x, "A")}
    Y, C = by_name["convolution"].given["Y"], by_name["cross_entropy"].given["C"]
    assert (Y[:1] == Y).all()
    assert (C[:, :1] == C).all()
    assert len(np.unique(by_name["block_step"].given["C"], axis=1).T) == 3  # of a step they are not
