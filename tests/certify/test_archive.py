"""The goldens' file: reproducible to the byte, checked when read, and the one that is shipped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from refms.certify import difference, from_artifact, prove_all, shipped, to_artifact
from refms.certify.archive import VERSION
from refms.certify.cases import CASES
from refms.errors import FileError
from refms.io import Artifact, read_artifact, write_artifact


@pytest.fixture(scope="module")
def fresh():
    pytest.importorskip("flint")
    return prove_all()[0]


def test_the_shipped_goldens_are_those_of_the_formulas_bit_for_bit(fresh):
    artifact = to_artifact(fresh)
    assert difference(shipped(), artifact) == ""
    assert shipped().digest == artifact.digest


def test_the_file_is_reproducible_to_the_byte_and_gives_the_goldens_back(fresh, tmp_path):
    for name in ("a.h5", "b.h5"):
        write_artifact(tmp_path / name, to_artifact(fresh))
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    assert (tmp_path / "a.h5").stat().st_size < 2**20
    back = from_artifact(read_artifact(tmp_path / "a.h5"))
    assert list(back) == list(fresh)
    for name, golden in fresh.items():
        assert back[name].texts() == golden.texts()
        assert (back[name].scale, back[name].recipe) == (golden.scale, golden.recipe)
        for kept in ("nearest", "radius"):
            np.testing.assert_array_equal(getattr(back[name], kept), getattr(golden, kept))


def test_every_golden_has_thirty_digits_or_is_exact():
    for golden in from_artifact(shipped()).values():
        relative = golden.radius / np.maximum(np.abs(golden.nearest), 1e-290)
        assert (relative <= 1e-30).all()
        assert golden.scale > 0
        assert golden.recipe


def test_arrays_of_the_inputs_are_found_by_name():
    artifact, case = shipped(), CASES[0]
    for name, array in case.inputs.items():
        place = artifact.attributes["given"][f"{case.name}/{name}"]
        rows = artifact.arrays["inputs"][place["first"] : place["first"] + array.size]
        assert (rows.reshape(place["shape"]) == array).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [(lambda g: {"nearest": g.nearest + 1.0}, "nearest"), (lambda g: {"recipe": "another"}, "another")],
)
def test_a_difference_is_said(change, said):
    goldens, name = from_artifact(shipped()), "loss/tame/value"
    goldens[name] = replace(goldens[name], **change(goldens[name]))
    assert said in difference(shipped(), to_artifact(goldens))


@pytest.mark.parametrize(
    ("kind", "version", "moved", "said"),
    [
        ("model", VERSION, 0, "of kind 'model'"),
        ("golden", 99, 0, "version 99"),
        ("golden", VERSION, 1, "other inputs"),
    ],
)
def test_other_kinds_versions_and_inputs_are_refused(kind, version, moved, said):
    good = shipped()
    attributes = {**good.attributes, "version": version}
    with pytest.raises(FileError, match=said):
        from_artifact(Artifact(kind, attributes, {**good.arrays, "inputs": good.arrays["inputs"] + moved}))
