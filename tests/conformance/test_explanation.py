"""A failure is told where it comes up, and which mistake it is where enough instances say so."""

from __future__ import annotations

import pytest

from refms.conformance import PROPERTIES
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.position import Position
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.instances.domain import instances
from refms.conformance.mutants import mutant_named
from refms.conformance.mutants.diagnosis import ENOUGH, diagnose
from refms.conformance.reproduction.calls import watch
from refms.conformance.runner import check_property

CATALOGUE = {item.id: item for item in PROPERTIES}


def corner(where):
    """Return an adapter whose convolution is doubled where a function of S, Y and the grid says so."""

    class Corner(ReferenceAdapter):
        def convolution(self, S, Y, grid, boundary):
            return super().convolution(S, Y, grid, boundary) * (2 if where(S, Y, grid, boundary) else 1)

    return Corner()


CORNERS = {
    "fails only where m = 1": lambda S, Y, grid, boundary: Y.shape[1] == 1,
    "fails only where d = 3": lambda S, Y, grid, boundary: len(grid) == 3,
    "fails only where boundary = zero": lambda S, Y, grid, boundary: boundary == "zero",
    "fails only where n odd": lambda S, Y, grid, boundary: any(n % 2 for n in grid),
    "fails only where c_in ≠ c_out": lambda S, Y, grid, boundary: S.shape[0] != S.shape[1],
    "fails only where d = 2 and m = 2": lambda S, Y, grid, boundary: len(grid) == 2 and Y.shape[1] == 2,
}


@pytest.mark.parametrize("expected", CORNERS)
def test_where_a_property_fails_is_said(expected):
    row = check_property(Gate(corner(CORNERS[expected])), CATALOGUE["C13"], "full", 0)
    assert row.where == expected


def test_a_failure_is_told_although_there_is_no_time_for_more():
    hurried = Gate(corner(CORNERS["fails only where m = 1"]), Position(limit=0.0))
    row = check_property(hurried, CATALOGUE["C13"], "full", 0)
    assert row.verdict == "FAIL"


def test_what_fails_everywhere_is_not_tried_for_ever():
    row = check_property(Gate(corner(lambda *_: True)), CATALOGUE["C9"], "quick", 0)
    assert row.where == "fails on all 8 instances"


def failures(name, id_, count):
    """Return the calls of a property on instances on which it fails for a mutant."""
    gate, item = Gate(mutant_named(name).around(ReferenceAdapter())), CATALOGUE[id_]
    seen = (watch(gate, item, case) for case in instances(item.domain, gate.profile, 60, 3))
    return [one.calls for one in seen if one.fails][:count]


def test_a_mistake_is_named_from_three_instances_on():
    name = "kernel flipped on all axes"
    several_axes = [
        one
        for one in failures(name, "C9", 60)
        if one[0].given["S"].ndim > 3 and min(one[0].given["S"].shape[2:]) > 1
    ]
    calls = several_axes[:ENOUGH]
    before, after = (diagnose(calls[:k], ReferenceAdapter()) for k in (ENOUGH - 1, ENOUGH))
    assert not before.certain
    assert before.sentence.startswith("nearest known mistakes: ")
    assert name in before.mistakes
    assert (after.certain, after.mistakes[0], after.operation) == (True, name, "convolution")


def test_one_instance_again_and_again_does_not_tell_neighbours():
    """On images with one axis the first axis is the last."""
    calls = [one for one in failures("kernel flipped on all axes", "C9", 30) if one[0].given["Y"].ndim == 3]
    found = diagnose(calls, ReferenceAdapter())
    assert len(calls) > ENOUGH
    assert not found.certain
    assert "kernel flipped on the last axis only" in found.mistakes


def test_two_mistakes_at_once_are_no_single_one():
    class Both(ReferenceAdapter):
        def convolution(self, S, Y, grid, boundary):
            name = "kernel flipped on all axes" if Y.shape[1] > 1 else "convolution too large by 0.01 %"
            return mutant_named(name).around(ReferenceAdapter()).convolution(S, Y, grid, boundary)

    row = check_property(Gate(Both()), CATALOGUE["C13"], "full", 0)
    assert row.verdict == "FAIL"
    assert not row.certain


def test_what_else_a_mistake_would_change_cannot_be_told_and_does_not_count():
    name = "kernel flipped on all axes"
    all_of_it = "kernel flipped in convolution, adjoint, gradient and matrix alike"
    found = diagnose(failures(name, "C9", 20), ReferenceAdapter())
    assert found.certain
    assert found.mistakes == (name, all_of_it)
