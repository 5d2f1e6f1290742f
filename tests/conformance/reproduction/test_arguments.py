"""Arguments of a call become as simple as what is wrong allows, and stay arguments of that call."""

from __future__ import annotations

import numpy as np
import pytest
from drawn_calls import drawn_arguments

from refms.conformance import Adapter, Profile
from refms.conformance.instances.instance import Instance
from refms.conformance.operations import OPERATIONS
from refms.conformance.reproduction.arguments import simplify
from refms.conformance.reproduction.calls import right_under
from refms.conformance.reproduction.judging import AdapterCall
from refms.conformance.reproduction.patience import Patience, allowance
from refms.conformance.reproduction.source import JUDGED

PROFILE = Profile("theirs", activations=("tanh", "relu"))
MUCH = Patience(5000, 600.0)
X = Instance((4,), (3,), 2, 2, 3, 4, 3, "zero", "averaging-bilinear", "tanh", 1.0, "float64", 0)


def arguments(operation):
    return drawn_arguments(operation, PROFILE, X)


def arrays(given):
    for one in given.values():
        if isinstance(one, dict):
            yield from one.items()
        elif isinstance(one, np.ndarray):
            yield "", one


def shrinks(axes):
    """Whether one axis can be cut on its own: those in capitals depend on other arguments."""
    return any(len(axis) == 1 and axis.islower() for axis in axes)


@pytest.mark.parametrize("operation", sorted(JUDGED))
def test_what_is_always_wrong_ends_with_zeros_in_the_smallest_shapes(operation):
    given = arguments(operation)
    found = simplify(operation, given, lambda one: True, allowance(MUCH))
    bound = {one.name for one in OPERATIONS[operation].given if one.axes and not shrinks(one.axes)}
    for argument in given:
        pairs = zip(arrays({argument: given[argument]}), arrays({argument: found[argument]}), strict=True)
        for (_, before), (name, after) in pairs:
            assert before.ndim == after.ndim
            assert after.size < before.size or name == "opening" or argument in bound
    for _, after in arrays(found):
        assert after.max() in (0.0, 1.0)  # one where it is a label
    assert AdapterCall.through_gate(PROFILE, operation, found).judge(right_under(PROFILE)) is None
    assert all(
        np.array_equal(one, other)
        for (_, one), (_, other) in zip(arrays(given), arrays(arguments(operation)), strict=True)
    )


@pytest.mark.parametrize(
    ("needed", "left"),
    [
        (lambda Y: np.abs(Y[..., 2]).max() > 0, [0, 0, 1, 0]),
        (lambda Y: np.count_nonzero(Y) >= 2, [0, 0, 1, 1]),
        (lambda Y: len(np.unique(Y)) >= 4, [0, 1, 2, 3]),
        (lambda Y: Y.sum() >= 10, [1, 2, 3, 4]),
        (lambda Y: 0.25 < Y.max() < 0.35, [0, 0, 0, 0.3]),
    ],
)
def test_entries_that_are_not_needed_go(needed, left):
    rng = np.random.default_rng(1)
    S, Y = rng.standard_normal((2, 2, 3)), rng.uniform(0.26, 0.34, (3, 2, 4))
    Y[0, 0] += 20 * (left[0] == 1)
    given = {"S": S, "Y": Y, "boundary": "periodic", "grid": (4,)}
    found = simplify("convolution", given, lambda one: needed(one["Y"]), allowance(MUCH))
    assert not found["S"].any()
    assert found["Y"].shape == (1, 1, 4)
    assert found["Y"].ravel().tolist() == left


def test_the_budget_is_kept_and_the_result_is_wrong():
    asked = []

    def still_wrong(given):
        asked.append(given)
        return bool(given["Y"].any())

    found = simplify("restrict", arguments("restrict"), lambda given: False, allowance(Patience(checks=3)))
    assert np.array_equal(found["Y"], arguments("restrict")["Y"])
    simplify("convolution", arguments("convolution"), still_wrong, allowance(Patience(checks=7)))
    assert len(asked) == 7


class Odd(Adapter):
    """Returns what nobody expects."""

    def __init__(self, value):
        super().__init__(PROFILE)
        self.value = value

    def gradient(self, *given):
        return self.value


@pytest.mark.parametrize("value", [{1: 0.0, "a": 1.0}, "text", object(), {"W": [[1], [2, 3]]}, None, []])
def test_odd_results_are_wrong_and_raise_nothing(value):
    call = AdapterCall.through_gate(PROFILE, "gradient", arguments("gradient"))
    assert call.judge(Odd(value)) is not None
