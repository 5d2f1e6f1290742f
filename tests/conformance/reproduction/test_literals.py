"""Arrays as text give exactly the same arrays back, and no text can leave its comment."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from refms.conformance import Problem
from refms.conformance.reproduction.literals import MOST_NUMBERS, WIDTH, TooLong, comment, number, statements


def run(lines):
    namespace = {"np": np, "Problem": Problem}
    exec("\n".join(lines), namespace)
    return namespace


@st.composite
def values(draw):
    """Return an array of either precision with any numbers, most of them small."""
    dtype = draw(st.sampled_from(("float64", "float32")))
    width = 64 if dtype == "float64" else 32
    entries = st.one_of(st.sampled_from([0.0, 1.0, -2.0, -0.0, np.inf, np.nan, 0.5]), st.floats(width=width))
    return draw(arrays(dtype, array_shapes(max_dims=4, max_side=4), elements=entries))


@given(values())
def test_an_array_comes_back_to_the_bit(array):
    try:
        lines = statements("S", array)
    except TooLong:
        assert array.size > MOST_NUMBERS
        return
    found = run(lines)["S"]
    assert found.dtype == array.dtype
    assert found.shape == array.shape
    finite = ~np.isnan(array)
    assert found[finite].tobytes() == array[finite].tobytes()
    assert np.isnan(found[~finite]).all()
    assert max(map(len, lines)) <= WIDTH


def test_mappings_names_and_problems_come_back():
    given_ = {"W": np.eye(2), "mu": np.zeros(3)}
    problem = Problem((3, 4), 0.5, "zero", "relu")
    lines = [
        line
        for name, value in (("p", given_), ("grid", (3, 4)), ("pair", "nearest"), ("problem", problem))
        for line in statements(name, value)
    ]
    found = run(lines)
    assert {key: array.tolist() for key, array in found["p"].items()} == {
        key: array.tolist() for key, array in given_.items()
    }
    assert (found["grid"], found["pair"], found["problem"]) == ((3, 4), "nearest", problem)


def test_few_entries_of_many_are_set_one_by_one():
    Y = np.zeros((64, 2), "float32")
    Y[7, 1] = -3
    assert statements("Y", Y) == ['Y = np.zeros((64, 2), "float32")', "Y[7, 1] = -3"]


def test_too_many_entries_are_not_written_out():
    with pytest.raises(TooLong, match="Y has 400 entries"):
        statements("Y", np.ones((20, 20)))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.0, "3"),
        (-0.0, "-0.0"),
        (1e300, "1e+300"),
        (np.float32(1 / 3), "0.33333334"),
        (1 / 3, "0.3333333333333333"),
    ],
)
def test_numbers_are_short(value, text):
    assert number(value) == text


@given(st.text())
def test_a_comment_stays_a_comment(text):
    assert all(line.startswith("#") and line.isprintable() for line in comment(text))
    compile("\n".join(comment(text)), "script", "exec")
