"""Checkpoints on the disk: the last few are kept, the newest is found, nothing else is touched."""

from __future__ import annotations

from dataclasses import replace

import pytest
from small_nets import untrained

from refms.errors import FileError
from refms.model_file import load_model, save_model
from refms.optimize.history import History, HistoryRow
from refms.run.checkpoint_files import CheckpointFiles
from refms.run.training import Checkpoint

MODEL = replace(untrained(4), record={"dataset": "digits"})


def checkpoint(iteration, damping=None, notes=()):
    """Return the checkpoint of a training that has come to an iteration."""
    row = HistoryRow(
        iteration, "propagation", "accepted", 2.0, 1.5, 0.1, 7, 0.01, "converged", 1.0, 2, 0.0, 0.5
    )
    return Checkpoint(replace(MODEL, history=History((row,))), iteration, damping, notes)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_was_written_comes_back(tmp_path):
    files = CheckpointFiles(tmp_path / "run.h5")
    files.write(checkpoint(3, 0.125, ("A step was refused.",)))
    found = files.newest()
    assert (found.iteration, found.damping, found.notes) == (3, 0.125, ("A step was refused.",))
    assert found.model.record == {"dataset": "digits"}
    for name, array in MODEL.arrays.items():
        assert found.model.arrays[name].tobytes() == array.tobytes()
    assert load_model(files.path(3)).grid == MODEL.grid  # a model like any other


def test_the_newest_few_are_kept_by_number_not_by_name(tmp_path):
    files = CheckpointFiles(tmp_path / "run.h5", kept=3)
    for iteration in (8, 9, 10, 11):
        files.write(checkpoint(iteration))
    assert names(tmp_path) == ["run.checkpoint-10.h5", "run.checkpoint-11.h5", "run.checkpoint-9.h5"]
    assert files.newest().iteration == 11


def test_other_files_are_not_taken_for_checkpoints(tmp_path):
    others = ["run.h5", "run.checkpoint-x.h5", "run.checkpoint-1.h5.bak", "xrun.checkpoint-1.h5", "runX.h5"]
    for name in others:
        (tmp_path / name).write_bytes(b"other")
    files = CheckpointFiles(tmp_path / "run.h5")
    assert files.existing() == []
    files.write(checkpoint(1))
    files.remove()
    assert names(tmp_path) == sorted(others)


def test_what_cannot_be_resumed_is_refused_in_a_sentence(tmp_path):
    files = CheckpointFiles(tmp_path / "run.h5")
    with pytest.raises(FileError, match=r"no checkpoint of .*run\.h5.*leave out --resume"):
        files.newest()
    save_model(files.path(2), MODEL)
    with pytest.raises(
        FileError, match=r"run\.checkpoint-2\.h5.* is a model but no checkpoint.*tells of no.*remove it"
    ):
        files.newest()
    files.path(3).write_bytes(b"torn")
    with pytest.raises(FileError, match=r"run\.checkpoint-3\.h5"):
        files.newest()
    assert CheckpointFiles(tmp_path / "missing" / "run.h5").existing() == []
