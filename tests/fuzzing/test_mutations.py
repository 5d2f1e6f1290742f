"""Mutations reach what lies behind checksums and digests, and are the same for the same seed."""

from __future__ import annotations

import contextlib
import io
import json
import tomllib

import h5py
import numpy as np
import pytest
from fuzzing import seeds
from fuzzing.hdf5_mutations import lookup3, mutated, sealed
from fuzzing.targets import TARGETS
from fuzzing.value_mutations import mutated_artifact

from refms.errors import FileError, InputError
from refms.io import read_artifact


def unchanged(data, most):
    return data[:most]


@pytest.mark.parametrize(
    ("text", "value"), [(b"", 0xDEADBEEF), (b"Four score and seven years ago", 0x17770551)]
)
def test_the_checksum_is_that_of_jenkins(text, value):
    assert lookup3(text) == value


@pytest.fixture(scope="module")
def latest():
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", libver="latest") as file:
        file["group/x"] = np.arange(3.0)
        for i in range(9):  # so many that the header has a second block
            file["group/x"].attrs[f"a{i}"] = np.arange(i + 40.0)
    return buffer.getvalue()


def said(image):
    with pytest.raises((OSError, KeyError, RuntimeError)) as caught, h5py.File(io.BytesIO(image)) as file:
        _ = file["group/x"][()]
    return str(caught.value)


def test_right_checksums_stay(latest):
    assert latest.count(b"OHDR") == 3
    assert sealed(latest) == latest


def test_checksums_are_made_right(latest):
    longer = latest[:28] + (2**20).to_bytes(8, "little") + latest[36:]  # where the file ends
    assert "checksum" in said(longer)
    assert "truncated" in said(sealed(longer))
    third = latest.rfind(b"OHDR")
    header = latest[: third + 20] + bytes([latest[third + 20] ^ 1]) + latest[third + 21 :]
    assert "checksum" in said(header)
    assert sealed(header) != header
    with h5py.File(io.BytesIO(sealed(header))) as file:
        assert "x" in file["group"]


@pytest.mark.parametrize(
    "image", [b"", b"\x89HDF\r\n\x1a\n", b"OHDR", b"\x89HDF\r\n\x1a\n\2\x08\x08" + bytes(40)]
)
def test_fragments_are_changed_without_ado(image):
    for seed in range(50):
        assert len(mutated(image, seed, 100, unchanged)) <= 100


def test_mutations_are_the_same_for_the_same_seed_and_differ_for_others():
    for image in seeds.results_hdf5()[:6]:
        first = [mutated(image, seed, 16384, unchanged) for seed in range(40)]
        assert first == [mutated(image, seed, 16384, unchanged) for seed in range(40)]
        assert len(set(first)) > 20
        assert sum(found[:8] == image[:8] for found in first) > 30


def test_changed_artefacts_have_the_right_digest(tmp_path):
    artifacts, read = seeds.model_artifacts(), 0
    for seed in range(15):
        (tmp_path / "x.h5").write_bytes(mutated_artifact(artifacts, seed, 65536))
        read += read_artifact(tmp_path / "x.h5").digest not in {artifact.digest for artifact in artifacts}
    assert read > 7


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("result-json", json.loads),
        ("configuration-toml", tomllib.loads),
        ("reconstruction-toml", tomllib.loads),
    ],
)
def test_changed_texts_say_something_else_and_are_mostly_well_formed(name, read):
    target, well_formed, said = TARGETS[name], 0, set()
    for seed in range(60):
        text = target.change(target.seeds()[0], seed, target.longest, unchanged)
        with contextlib.suppress(ValueError):
            said.add(repr(read(text.decode())))
            well_formed += 1
    assert well_formed > 50
    assert len(said) > 20


@pytest.mark.parametrize("name", TARGETS)
def test_a_reader_takes_one_of_its_seeds(name, tmp_path):
    target = TARGETS[name]
    assert "" in [target.check(tmp_path, data) for data in target.seeds()]


def test_seeds_are_what_they_are_called(tmp_path):
    for data in seeds.models():
        (tmp_path / "x").write_bytes(data)
        assert read_artifact(tmp_path / "x").kind in {"model", "golden"}
    assert all(data.startswith(b"PK") for data in seeds.results_npz())
    assert all(data.startswith(b"MATLAB 5.0") for data in seeds.results_mat())
    assert issubclass(FileError, InputError)
