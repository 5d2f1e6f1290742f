"""One call of every operation: none is forgotten, scales are those of rounding, parts are cut right."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from refms.conformance import Adapter, Profile
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.instances.domain import Domain, instances
from refms.conformance.measures.outcome import residual
from refms.conformance.measures.trials import Trial, numbers, trials
from refms.conformance.operations import OPERATIONS, SPLIT, TRIED

SMALL = Domain(small=True, smallest=2)


def drawn(adapter, count=6):
    return instances(SMALL, adapter.profile, count, 3)


def in_double(argument):
    if isinstance(argument, dict):
        return {key: in_double(one) for key, one in argument.items()}
    floats = isinstance(argument, np.ndarray) and argument.dtype.kind == "f"
    return argument.astype("float64") if floats else argument


def test_every_operation_is_tried():
    assert set(OPERATIONS) == set(TRIED)
    adapter = ReferenceAdapter()
    for x in drawn(adapter):
        found = trials(Gate(adapter), x, "")
        assert [trial.operation for trial in found] == list(TRIED)
        assert tuple(trial.operation for trial in found if trial.examples) == SPLIT


def test_single_precision_errs_by_some_eps_of_the_scale():
    single, double = ReferenceAdapter(dtype="float32"), ReferenceAdapter()
    largest = dict.fromkeys(TRIED, 0.0)
    for x in drawn(single, 12):
        for trial in trials(Gate(single), x, "", 5):
            got = trial.call(Gate(single))
            exact = replace(trial, arguments=tuple(map(in_double, trial.arguments))).call(Gate(double))
            pairs = zip(trial.in_units(got), trial.in_units(exact), strict=True)
            for a, b in pairs:
                rho = residual(a, b, trial.scale(exact), "float32", trial.operation).rho
                largest[trial.operation] = max(largest[trial.operation], rho)
    assert {name: rho for name, rho in largest.items() if rho > 10} == {}
    exactly = {"subsample", "depth_prolong", "activation_derivative", "work_units", "learning_rate"}
    exactly |= {"crop_images", "draw_windows", "line_search", "max_pool", "one_hot", "accuracy"}
    assert {name for name, rho in largest.items() if rho < 1e-4} <= exactly


def test_names_draw_other_arguments_of_the_same_shapes():
    adapter = ReferenceAdapter()
    (x,) = drawn(adapter, 1)
    for one, other in zip(trials(Gate(adapter), x, "A"), trials(Gate(adapter), x, "B"), strict=True):
        first, second = one.call(Gate(adapter)), other.call(Gate(adapter))
        assert [a.shape for a in first] == [a.shape for a in second]
        assert any(np.any(a != b) for a, b in zip(first, second, strict=True)), one.operation


def test_a_part_has_its_examples_and_nothing_else_is_cut():
    adapter = ReferenceAdapter()
    (x,) = drawn(adapter, 1)
    by_name = {trial.operation: trial for trial in trials(Gate(adapter), x, "", 5)}
    for trial in by_name.values():
        part = trial.part(1, 3)
        for k, (whole, some) in enumerate(zip(trial.arguments, part.arguments, strict=True)):
            if k in trial.examples:
                np.testing.assert_array_equal(some, np.take(whole, [1, 2], trial.examples[k]))
            else:
                assert some is whole


def test_what_an_adapter_lacks_or_its_profile_excludes_is_left_out():
    class Little(Adapter):
        def stencil_up(self, S, pair):
            return S

        def activation(self, Z, name):
            return Z

        def time_smoothness(self, Theta, final_time):
            return 1.0

    little = Little(Profile("little", stencil_sizes=(1,), activations=("identity",)))
    (x,) = drawn(little, 1)
    assert [trial.operation for trial in trials(Gate(little), x, "")] == ["time_smoothness"]


def test_numbers_are_copies_of_whatever_comes_back():
    adapter = ReferenceAdapter()
    array = np.arange(3.0)
    K = adapter.convolution_matrix(np.ones((1, 1, 3)), (4,), "periodic")
    for result, values in ((array, array), (K, K.toarray()), (2.5, np.float64(2.5)), ((array, 3), array)):
        (found,) = numbers(result)
        np.testing.assert_array_equal(found, values)
        assert not np.shares_memory(found, array)


@pytest.mark.parametrize("size", [1e-200, 1.0, 1e200])
def test_the_scale_of_a_result_is_its_norm_at_every_size(size):
    parts = (np.full(3, size), np.full((1, 1), size))
    trial = Trial("gradient", (), bound=0.0, relative=1.0)
    assert trial.scale(parts, (0 * parts[0], parts[1])) == pytest.approx(2 * size, rel=1e-15)
