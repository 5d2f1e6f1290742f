"""Files are read by a child process, and whatever becomes of the child becomes a sentence here."""

from __future__ import annotations

import io
import json
import os

import h5py
import numpy as np
import pytest

from refms.errors import FileError
from refms.io import (
    Artifact,
    contained,
    read_arrays,
    read_arrays_contained,
    read_artifact,
    read_artifact_contained,
    write_artifact,
)
from refms.io.artifact import DTYPES


@pytest.fixture
def good(tmp_path):
    path = tmp_path / "good.h5"
    arrays = {f"all/{code[1:]}": np.arange(6).reshape(2, 3).astype(code) for code in DTYPES}
    arrays |= {"empty": np.zeros((0, 3)), "number": np.array(np.nan), "many": np.ones((700, 300))}
    write_artifact(path, Artifact("model", {"seed": 3, "note": "ä", "nested": {"list": [1, None]}}, arrays))
    return path


def refused(path, says):
    with pytest.raises(FileError, match=says) as caught:
        read_arrays_contained(path)
    assert str(path) in str(caught.value)


def test_an_artefact_comes_back_as_it_is_read_here(good):
    here, there = read_artifact(good), read_artifact_contained(good)
    assert there.digest == here.digest
    assert there.attributes == here.attributes
    assert all(there.arrays[name].flags.writeable for name in here.arrays)


def test_arrays_come_back_as_they_are_read_here(good):
    here, there = read_arrays(good), read_arrays_contained(good)
    assert list(here) == list(there)
    for name, array in here.items():
        assert (there[name].dtype, there[name].shape) == (array.dtype, array.shape)
        np.testing.assert_array_equal(there[name], array)


@pytest.mark.parametrize("name", ["a b.h5", "-c", "ä\udcff.h5", 'it\'s "x".h5'])
def test_names_of_files_may_be_odd(good, tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    os.rename(good, name)
    assert read_artifact_contained(name).kind == "model"


def test_what_is_refused_here_is_refused_there_in_the_same_words(good, tmp_path):
    with pytest.raises(FileError) as here:
        read_artifact(good, max_bytes=100)
    with pytest.raises(FileError) as there:
        read_artifact_contained(good, max_bytes=100)
    assert str(here.value) == str(there.value)
    good.write_bytes(good.read_bytes()[:-1000])
    refused(good, "truncated")
    refused(tmp_path / "none.h5", "No such file")


def child(monkeypatch, code):
    monkeypatch.setattr(contained, "_CHILD", code)


@pytest.mark.skipif(os.name != "posix", reason="signals are told by POSIX systems alone")
@pytest.mark.parametrize("name", ["SIGSEGV", "SIGABRT", "SIGKILL"])
def test_a_child_that_crashes_is_a_sentence(good, monkeypatch, name):
    child(monkeypatch, f"import os, signal; os.kill(os.getpid(), signal.{name})")
    refused(good, rf"it makes HDF5 {h5py.version.hdf5_version} crash \({name}\)")


def test_a_child_that_does_not_end_is_a_sentence(good, monkeypatch):
    child(monkeypatch, "import time; time.sleep(600)")
    monkeypatch.setattr(contained, "LEAST_SECONDS", 0.5)
    refused(good, "does not come to an end within 1 s")


@pytest.mark.skipif(os.name != "posix", reason="the processor's time is limited on POSIX systems alone")
def test_a_child_that_used_up_its_time_on_the_processor_is_a_sentence(good, monkeypatch):
    child(monkeypatch, "import os, signal; os.kill(os.getpid(), signal.SIGXCPU)")
    refused(good, "does not come to an end within 10 s")


def test_a_child_that_talks_for_ever_is_not_listened_to(good, monkeypatch):
    monkeypatch.setattr(contained, "_LONGEST_HEAD", 1000)
    child(monkeypatch, "while True: print('{' * 9999, end='')")
    refused(good, "cannot be read: the process")


def test_a_child_that_wants_too_much_memory_is_a_sentence(good, monkeypatch):
    pytest.importorskip("resource")
    greedy = "import refms.io.reading as r; r.read_arrays = lambda path, max_bytes: bytearray(2**33);"
    child(monkeypatch, contained._CHILD.replace("import refms", greedy + "import refms"))
    refused(good, "wants more memory")


def test_a_child_that_cannot_start_says_why(good, monkeypatch):
    child(monkeypatch, "import nothing_of_the_kind")
    refused(good, "code 1 and .*ModuleNotFoundError: No module named 'nothing_of_the_kind'")


def test_a_child_can_write_no_files(good, tmp_path, monkeypatch):
    pytest.importorskip("resource")
    victim = tmp_path / "victim"
    writing = (
        "import refms.io.reading as r; "
        f"r.read_arrays = lambda path, max_bytes: open({str(victim)!r}, 'wb').write(bytes(2**20)) and {{}};"
    )
    child(monkeypatch, contained._CHILD.replace("import refms", writing + "import refms"))
    refused(good, "crash|cannot be read")
    assert victim.stat().st_size <= 2**16


def spoken(arrays, values=b"", **more):
    return json.dumps({"arrays": arrays, **more}).encode() + b"\n" + values


def test_what_a_child_says_is_believed_up_to_the_last_byte():
    said = contained._listen(io.BytesIO(spoken([["x", "<f8", [2]]], bytes(16))), 16)
    assert said is not None
    assert said[1]["x"].tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("said", "room"),
    [
        (b"", 100),
        (b'{"arrays": []}', 100),
        (spoken([["x", "<f8", [2]]], bytes(15)), 100),
        (spoken([["x", "<f8", [2]]], bytes(17)), 100),
        (spoken([["x", "<f8", [2]]], bytes(16)), 15),
        (spoken([["x", "<f8", [1]], ["y", "<f8", [1]]], bytes(16)), 15),
        (spoken([["x", "|O", [1]]], bytes(8)), 100),
        (spoken([["x", "<f2", [1]]], bytes(8)), 100),
        (spoken([["x", "<f8", [10**30]]]), 100),
        (spoken([["x", "<f8", [-1, -1]]], bytes(8)), 100),
        (spoken([["x", "<f8", "no"]]), 100),
        (spoken([["x"]]), 100),
        (spoken(3), 100),
        (b"[]\n", 100),
        (b"[" * 100_000 + b"\n", 100),
        (b'{"arrays": [], "arrays": []}\n', 100),
        (b'{"arrays": [], "size": NaN}\n', 100),
        (b"\xff\n", 100),
    ],
)
def test_what_no_child_may_say_is_not_believed(good, monkeypatch, tmp_path, said, room):
    path = tmp_path / "said"
    path.write_bytes(said)
    child(monkeypatch, f"import sys; sys.stdout.buffer.write(open({str(path)!r}, 'rb').read())")
    with pytest.raises(FileError, match="cannot be read: the process that had to read it ended with code"):
        read_arrays_contained(good, max_bytes=room)
