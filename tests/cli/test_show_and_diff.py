"""`refms show` and `refms diff`: what is in an artefact, and where two part first."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from refms.io import Artifact, read_artifact, write_artifact
from refms.model_file import load_model, save_model


def changed(name, index, factor):
    """Write a copy of coarse.h5 with one number multiplied."""
    model = load_model("coarse.h5")
    array = model.arrays[name].copy()
    array[index] *= factor
    save_model("changed.h5", model.with_arrays(**{name: array}))


def test_show_prints_kind_attributes_and_arrays(refms):
    lines = refms("show", "coarse.h5").out.splitlines()
    assert lines[0] == f"model, {read_artifact('coarse.h5').digest}"
    assert "network.grid = [4,4]" in lines
    assert 'record.configuration.data.dataset = "digits"' in lines
    for name in ("opening", "stencils", "biases", "W", "mu", "history/objective"):
        assert any(line.split()[0] == name for line in lines)
    assert any(line.split()[:4] == ["stencils", "float32", "(2,", "3,"] for line in lines)


def test_show_gives_the_same_as_json(result):
    found, stored = result("show", "coarse.h5"), read_artifact("coarse.h5")
    assert (found["file"], found["kind"], found["digest"]) == ("coarse.h5", "model", stored.digest)
    assert found["attributes"] == stored.attributes
    assert found["arrays"] == {
        name: {"shape": list(array.shape), "dtype": str(array.dtype)} for name, array in stored.arrays.items()
    }


def test_show_prints_nothing_that_a_terminal_would_obey(refms):
    write_artifact("a.h5", Artifact("golden", {"note": "\x1b[2J\x07 Ω"}, {"x": np.zeros(1)}))
    out = refms("show", "a.h5").out
    assert r'note = "\u001b[2J\u0007 \u03a9"' in out
    assert out.replace("\n", "").isprintable()


def test_a_file_is_equal_to_itself_and_to_its_copy(refms, result):
    for other in ("coarse.h5", "copy.h5"):
        save_model("copy.h5", load_model("coarse.h5"), overwrite=True)
        found = result("diff", "coarse.h5", other)
        assert found["equal"] is True
        assert found["first_difference"] is None
        assert found["attributes"] == []
    count = len(read_artifact("coarse.h5").arrays) - 1  # all but the wall times
    assert refms("diff", "coarse.h5", "coarse.h5").out == f"no array differs ({count} compared)\n"


@pytest.mark.parametrize(("name", "index"), [("W", (5, 3)), ("stencils", (1, 2, 0, 1, 1)), ("mu", (9,))])
def test_the_first_array_that_differs_is_named_with_its_place(refms, result, name, index):
    changed(name, index, 1.5)
    found = result("diff", "coarse.h5", "changed.h5", code=1)
    assert found["equal"] is False
    assert found["first_difference"]["name"] == name
    assert found["first_difference"]["reason"] == "values"
    ran = refms("diff", "coarse.h5", "changed.h5")
    assert ran.code == 1
    assert f"array {name!r} differs first at {index}: " in ran.out


def test_the_tolerances_decide(refms):
    changed("W", (5, 3), 1 + 1e-5)
    for words, code in (
        ((), 1),
        (("--rtol", "1e-6"), 1),
        (("--rtol", "1e-4"), 0),
        (("--atol", "1"), 0),
    ):
        assert refms("diff", "coarse.h5", "changed.h5", *words).code == code


def test_other_shapes_and_missing_arrays_are_differences(result):
    found = result("diff", "coarse.h5", "fine.h5", code=1)
    assert (found["first_difference"]["name"], found["first_difference"]["reason"]) == ("W", "shape")
    assert any(line.startswith("network.grid") for line in found["attributes"])
    write_artifact("a.h5", Artifact("golden", {}, {"x": np.zeros(1), "y": np.zeros(1)}))
    write_artifact("b.h5", Artifact("golden", {}, {"x": np.zeros(1)}))
    found = result("diff", "a.h5", "b.h5", code=1)
    assert found["first_difference"]["reason"] == "missing"


def test_other_attributes_alone_are_told_but_are_no_difference_of_arrays(refms):
    model = load_model("coarse.h5")
    save_model("renamed.h5", replace(model, record={**model.record, "note": "x"}))
    ran = refms("diff", "coarse.h5", "renamed.h5")
    assert ran.code == 0
    assert ran.out.splitlines()[0] == 'attribute record.note: nothing against "x"'


def test_wall_times_are_not_compared_but_everything_else_of_the_history_is(refms, result):
    for column, code in (("seconds", 0), ("objective", 1)):
        stored = read_artifact("coarse.h5")
        arrays = {**stored.arrays, f"history/{column}": stored.arrays[f"history/{column}"] * 2}
        write_artifact(f"{column}.h5", Artifact("model", stored.attributes, arrays))
        assert refms("diff", "coarse.h5", f"{column}.h5").code == code
    assert result("diff", "coarse.h5", "seconds.h5")["not_compared"] == ["history/seconds"]


@pytest.mark.parametrize("tolerance", ["nan", "inf", "-1"])
@pytest.mark.parametrize("option", ["--rtol", "--atol"])
def test_tolerances_that_make_no_sense_are_refused(refms, option, tolerance):
    ran = refms("diff", "coarse.h5", "fine.h5", option, tolerance)
    assert ran.refused
    assert f"{option[2:]} is" in ran.err
    assert "expected a finite number of 0 or more" in ran.err
