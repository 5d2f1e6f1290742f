"""The goldens' file: reproducible to the byte, checked when read, and the one that is shipped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from refms.certify import difference, from_artifact, prove_all, shipped, to_artifact
from refms.certify.cases import CASES
from refms.errors import FileError
from refms.io import Artifact, read_artifact, write_artifact


@pytest.fixture(scope="module")
def fresh():
    pytest.importorskip("flint")
    return prove_all()


def test_the_shipped_goldens_are_those_of_the_formulas_bit_for_bit(fresh):
    artifact = to_artifact(fresh.goldens)
    assert difference(shipped(), artifact) == ""
    assert shipped().digest == artifact.digest


def test_the_file_is_reproducible_to_the_byte(fresh, tmp_path):
    for name in ("a.h5", "b.h5"):
        write_artifact(tmp_path / name, to_artifact(fresh.goldens))
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()
    assert (tmp_path / "a.h5").stat().st_size < 2**20


def test_what_is_written_comes_back(fresh, tmp_path):
    write_artifact(tmp_path / "a.h5", to_artifact(fresh.goldens))
    back = from_artifact(read_artifact(tmp_path / "a.h5"))
    assert list(back) == list(fresh.goldens)
    for name, golden in fresh.goldens.items():
        assert back[name].texts() == golden.texts()
        assert (back[name].nearest == golden.nearest).all()
        assert (back[name].radius == golden.radius).all()
        assert (back[name].shape, back[name].scale, back[name].recipe) == (
            golden.shape,
            golden.scale,
            golden.recipe,
        )


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


def test_a_difference_is_said(fresh):
    goldens = dict(fresh.goldens)
    name = "loss/tame/value"
    goldens[name] = replace(goldens[name], nearest=goldens[name].nearest + 1.0)
    assert "nearest" in difference(shipped(), to_artifact(goldens))
    goldens[name] = replace(fresh.goldens[name], recipe="another")
    assert "another" in difference(shipped(), to_artifact(goldens))


def test_other_kinds_versions_and_inputs_are_refused():
    good = shipped()
    with pytest.raises(FileError, match="of kind 'model'"):
        from_artifact(Artifact("model", good.attributes, good.arrays))
    with pytest.raises(FileError, match="version 99"):
        from_artifact(Artifact("golden", {**good.attributes, "version": 99}, good.arrays))
    with pytest.raises(FileError, match="other inputs"):
        from_artifact(
            Artifact("golden", good.attributes, {**good.arrays, "inputs": good.arrays["inputs"] + 1})
        )
