"""How arguments are stored: the same entries in memory of another kind, or the same objects."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from refms.conformance.measures.storage import STORAGES, in_place, kept_while_equal, repeated, stored

ARRAYS = [np.arange(1.0, 7.0), np.arange(24, dtype="float32").reshape(2, 3, 4), np.arange(6).reshape(3, 2)]


def other_way(text, found):
    return {
        "in Fortran order": found.flags.f_contiguous,
        "with gaps between the entries": not found.flags.c_contiguous and min(found.strides) > 0,
        "with negative strides": max(found.strides) < 0,
        "read-only": not found.flags.writeable,
    }[text]


@pytest.mark.parametrize("text", STORAGES)
@pytest.mark.parametrize("array", ARRAYS, ids=["vector", "cube", "whole numbers"])
def test_entries_are_the_same_and_the_memory_is_another(array, text):
    found = STORAGES[text](array)
    np.testing.assert_array_equal(found, array)
    assert found.dtype == array.dtype
    assert not np.shares_memory(found, array)
    assert other_way(text, found)


def test_what_lies_in_gaps_is_seen_by_who_reads_it():
    gaps = STORAGES["with gaps between the entries"](np.ones((2, 3)))
    assert np.isnan(gaps.base[1::2]).all()


def test_equal_entries_are_stored_once():
    found = repeated(np.array([[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]))
    assert found.strides == (8, 0)
    assert repeated(np.arange(3.0)).strides == (8,)


def test_only_the_named_arguments_are_stored_otherwise():
    store = stored(STORAGES["with negative strides"], "Y")
    assert store("Y", np.ones(3)).strides == (-8,)
    assert store("S", np.ones(3)).strides == (8,)
    assert store("grid", (3,)) == (3,)
    assert stored(STORAGES["read-only"])("p", {"W": np.ones(2)})["W"].flags.writeable is False


def test_arguments_in_place_are_the_same_objects_with_new_entries():
    store = in_place()
    first = store("Y", np.zeros(3)), store("p", {"W": np.zeros(2)})
    given = np.ones(3)
    assert store("Y", given) is first[0]
    assert store("p", {"W": np.ones(2)}) is first[1]
    assert (first[0].tolist(), first[1]["W"].tolist()) == ([1, 1, 1], [1, 1])
    first[0][0] = 5
    assert given[0] == 1
    assert store("Y", np.zeros(4)) is not first[0]  # another shape
    function = store("product", lambda v: v)
    assert store("product", lambda v: 2 * v) is function
    assert function(3) == 6
    one = SimpleNamespace(value=lambda x: 1)
    objective = store("objective", one)
    assert store("objective", SimpleNamespace(value=lambda x: 2)) is objective
    assert (objective.value(0), one.value(0)) == (2, 1)


def test_an_object_is_kept_as_long_as_its_entries_are_the_same():
    store = kept_while_equal()
    Y, p = store("Y", np.ones(3)), store("p", {"W": np.ones(2)})
    assert store("Y", np.ones(3)) is Y
    assert store("p", {"W": np.ones(2)}) is p
    assert store("Y", np.zeros(3)) is not Y
    assert store("p", {"W": np.zeros(2)}) is not p
