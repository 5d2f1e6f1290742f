"""Judging public libraries: a planted difference is found and made small; rows of refms' own answer."""

import json

import judge
import numpy as np
import pytest
from comparisons import COMPARISONS
from comparisons.comparison import Comparison, drawn, largest_rho, rho, smallest_input


def draw(rng, n):
    return {"x": rng.standard_normal((n, n + 1)), "shift": 2}


def largest(x, shift):
    return abs(x).max() + shift


def planted(theirs, library="numpy", why="", differs_in=("float64", "float32")):
    return Comparison(
        library, "f", "g", draw, theirs, lambda x, shift: x + shift, largest, (1, 2, 3, 4), why, differs_in
    )


def right(x, shift):
    return x + np.array(shift, x.dtype)


def wrong_from(rows):
    """From so many rows on, the last entry counts twice."""

    def wrong(x, shift):
        found = right(x, shift)
        if len(x) >= rows:
            found[-1, -1] += x[-1, -1]
        return found

    return wrong


wrong = wrong_from(3)


def in_single(x, shift):
    return (x.astype("float32") * np.float32(1 / 3) * np.float32(3)).astype(x.dtype) + shift


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_errors_count_in_the_precision_of_the_input(dtype):
    row = planted(right)
    assert largest_rho(row, dtype) < 1
    inputs = drawn(row, 3, 2)
    off = planted(lambda x, shift: right(x, shift) + 10 * np.finfo(dtype).eps * largest(x, shift))
    assert rho(off, inputs, dtype) == pytest.approx(10, abs=1)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("rows", [1, 2, 3, 4])
def test_a_planted_difference_is_found_and_its_smallest_input_is_one_number(rows, dtype):
    size, inputs = smallest_input(planted(wrong_from(rows)), dtype)
    assert size == rows
    assert [[*place] for place in np.argwhere(inputs["x"])] == [[rows - 1, rows]]
    assert inputs["x"][-1, -1] == 1
    assert smallest_input(planted(right), dtype) is None


def test_a_result_of_another_shape_differs():
    assert judge.judge(planted(lambda x, shift: x[0]))["rho"]["float64"] == "inf"


@pytest.mark.parametrize(
    ("row", "outcome", "expected"),
    [
        (planted(right), "agrees", True),
        (planted(right, why="known"), "agrees", False),
        (planted(wrong), "differs", False),
        (planted(wrong, why="known"), "differs", True),
        (planted(in_single, why="known", differs_in=("float64",)), "differs", True),
        (planted(in_single, why="known"), "differs", False),
        (planted(right, library="no such library"), "not installed", False),
        (planted(lambda x, shift: 1 / 0), "not judged: ZeroDivisionError: division by zero", False),
    ],
)
def test_the_exit_code_counts_what_is_not_judged_or_not_as_expected(row, outcome, expected, tmp_path):
    target = tmp_path / "judged.json"
    code = judge.main(["-o", str(target)], [row, planted(right)])
    found = json.loads(target.read_text("utf-8"))["rows"][0]
    assert (found["outcome"], found["expected"]) == (outcome, expected)
    assert code == (0 if expected else 1)


@pytest.mark.parametrize("row", COMPARISONS, ids=lambda row: f"{row.library}: {row.function} | {row.refms}")
def test_refms_answers_every_row_without_the_library(row):
    for seed, size in enumerate(row.sizes[:2]):
        inputs = drawn(row, seed, size)
        assert np.isfinite(np.asarray(row.ours(**inputs))).all()
        assert 0 < row.scale(**inputs) < np.inf
