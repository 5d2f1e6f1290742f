"""An interrupted `refms train` goes on bit for bit, however it ended, and loses nothing unasked."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from saved_trainings import assert_same, checkpoints

from refms.errors import FileError
from refms.model_file import load_model, save_model
from refms.run.checkpoint_files import CheckpointFiles

SMALL = ("--size", "4", "--train", "300", "--validation", "50", "--channels", "2")
WORDS = (*SMALL, "--iterations", "6", "--quiet")


WAITING = """
import time
from contextlib import contextmanager
from pathlib import Path
from refms.cli.main import run
from refms.run.checkpoint_files import CheckpointFiles

write = CheckpointFiles.write

def write_and_wait(self, checkpoint):
    write(self, checkpoint)
    while not Path("go on").exists():
        time.sleep(0.005)

CheckpointFiles.write = write_and_wait
run()
"""
"""A program that waits after a checkpoint, so that what comes then does not depend on who is faster."""


def begun(*words, program=("-m", "refms")):
    """Start a training in a process of its own."""
    command = [sys.executable, *program, "train", *WORDS, *words]
    one = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=os.environ | one, stderr=subprocess.PIPE, text=True)


def wait_for(condition, seconds=600.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.005)


def test_a_training_killed_at_random_points_becomes_the_same_model(refms):
    assert refms("train", *WORDS, "-o", "whole.h5").code == 0
    rng = np.random.default_rng(3)
    kills = 0
    while kills < 2 or not Path("run.h5").exists() or checkpoints():  # again if it was too fast to be killed
        before = checkpoints()
        process = begun("-o", "run.h5", "--force", *(["--resume"] if before else []))
        wait_for(lambda process=process, before=before: checkpoints() != before or process.poll() is not None)
        time.sleep(rng.uniform(0, 0.15))
        process.kill()
        assert process.wait() in (0, -signal.SIGKILL), process.stderr.read()
        process.stderr.close()
        kills += process.returncode != 0
        assert kills < 30
    assert checkpoints() == []
    assert_same("run.h5", "whole.h5")


def test_ctrl_c_ends_after_the_iteration_with_a_valid_model_and_the_training_can_go_on(refms):
    assert refms("train", *WORDS, "-o", "whole.h5").code == 0
    process = begun("-o", "run.h5", program=("-c", WAITING))
    wait_for(checkpoints)
    process.send_signal(signal.SIGINT)
    Path("go on").touch()
    assert process.wait(600) == 0
    process.stderr.close()
    reached = load_model("run.h5").history.rows[-1].iteration
    assert 1 <= reached < 6
    assert checkpoints()[-1] == f"run.checkpoint-{reached}.h5"
    assert refms("evaluate", "run.h5").code == 0
    assert refms("train", *WORDS, "-o", "run.h5", "--resume").refused
    assert refms("train", *WORDS, "-o", "run.h5", "--resume", "--force").code == 0
    assert_same("run.h5", "whole.h5")


@contextmanager
def pressed(*, quiet):
    yield lambda: True


@pytest.mark.parametrize(
    ("checkpoints", "advice"), [(2, "--resume --force goes on"), (0, "Stopped by Ctrl-C.")]
)
def test_ctrl_c_in_the_last_iteration_is_a_finished_training(refms, monkeypatch, checkpoints, advice):
    monkeypatch.setattr("refms.cli.training.interruption", pressed)
    words = ("train", *SMALL, "--quiet", "--checkpoints", checkpoints, "-o", "run.h5")
    ran = refms(*words, "--iterations", 1)
    assert ran.code == 0
    assert "The limit of iterations was reached" in ran.out
    ran = refms(*words, "--iterations", 2, "--force")
    assert ran.code == 0
    assert advice in ran.out


@pytest.fixture
def interrupted(refms, monkeypatch):
    """Leave two checkpoints of a training whose disk was full at the third."""
    write = CheckpointFiles.write

    def full(self, checkpoint):
        if checkpoint.iteration == 3:
            raise FileError("'run.checkpoint-3.h5' cannot be written: the disk is full.")
        write(self, checkpoint)

    with monkeypatch.context() as patch:
        patch.setattr(CheckpointFiles, "write", full)
        ran = refms("train", *WORDS, "-o", "run.h5")
    assert ran.refused
    assert "the disk is full" in ran.err
    assert "'run.checkpoint-2.h5' is intact: the same command with --resume goes on from it." in ran.err
    assert checkpoints() == ["run.checkpoint-1.h5", "run.checkpoint-2.h5"]
    return refms


def test_where_memory_runs_out_the_last_checkpoint_is_kept_and_the_training_can_go_on(refms, monkeypatch):
    write = CheckpointFiles.write

    def greedy(self, checkpoint):
        if checkpoint.iteration == 3:
            np.empty(2**57)  # what the system refuses; NumPy then raises its own MemoryError
        write(self, checkpoint)

    with monkeypatch.context() as patch:
        patch.setattr(CheckpointFiles, "write", greedy)
        ran = refms("train", *WORDS, "-o", "run.h5")
    assert ran.refused
    for words in ("out of memory (Unable to allocate 1.00 EiB", "--resume", "[optimization] memory"):
        assert words in ran.err
    assert "'run.checkpoint-2.h5' is intact" in ran.err
    assert not Path("run.h5").exists()
    assert checkpoints() == ["run.checkpoint-1.h5", "run.checkpoint-2.h5"]
    assert refms("train", *WORDS, "-o", "run.h5", "--resume").code == 0
    assert refms("train", *WORDS, "-o", "whole.h5").code == 0
    assert_same("run.h5", "whole.h5")


def test_where_the_model_itself_cannot_be_written_the_checkpoints_are_kept(refms, monkeypatch):
    def full(*arguments, **options):
        raise FileError("'run.h5' cannot be written: the disk is full.")

    with monkeypatch.context() as patch:
        patch.setattr("refms.model_file.save_model", full)
        ran = refms("train", *WORDS, "-o", "run.h5")
    assert ran.refused
    assert "'run.checkpoint-5.h5' is intact" in ran.err
    assert refms("train", *WORDS, "-o", "run.h5", "--resume").code == 0
    assert refms("train", *WORDS, "-o", "whole.h5").code == 0
    assert_same("run.h5", "whole.h5")


def test_checkpoints_are_not_lost_unless_force_says_so(interrupted):
    ran = interrupted("train", *WORDS, "-o", "run.h5")
    assert ran.refused
    assert "run.checkpoint-2.h5" in ran.err
    assert "--resume" in ran.err
    assert len(checkpoints()) == 2
    assert interrupted("train", *WORDS, "-o", "run.h5", "--force").code == 0
    assert checkpoints() == []


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--layers", "3"), "network.layers = 2, not 3"),
        (("--seed", "5"), "network.seed = 0, not 5"),
        (("--iterations", "2"), "holds 2 iterations; expected fewer than iterations = 2"),
    ],
)
def test_another_training_does_not_go_on_from_it(interrupted, words, sentence):
    ran = interrupted("train", *WORDS, *words, "-o", "run.h5", "--resume")
    assert ran.refused
    assert sentence in ran.err
    assert "run.checkpoint-2.h5" in ran.err


def test_a_checkpoint_from_before_a_key_existed_had_its_default(interrupted):
    model = load_model("run.checkpoint-2.h5")
    del model.record["configuration"]["classifier"]
    save_model("run.checkpoint-2.h5", model, overwrite=True)
    ran = interrupted("train", *WORDS, "--loss", "logistic", "-o", "run.h5", "--resume")
    assert ran.refused
    assert "classifier.loss = 'softmax', not 'logistic'" in ran.err
    assert interrupted("train", *WORDS, "-o", "run.h5", "--resume").code == 0


def test_more_iterations_may_be_asked_for_than_before(interrupted):
    assert interrupted("train", *WORDS, "--iterations", "8", "-o", "run.h5", "--resume").code == 0
    assert interrupted("train", *WORDS, "--iterations", "8", "-o", "whole.h5").code == 0
    assert_same("run.h5", "whole.h5")


def test_more_iterations_follow_after_the_last_one(refms):
    damped = Path("damped.toml")
    damped.write_text("[optimization]\ndamping = 0.1\n", encoding="utf-8")
    words = ("train", damped, *SMALL, "--quiet")
    assert refms(*words, "--iterations", 2, "-o", "run.h5").code == 0
    assert refms(*words, "--iterations", 4, "-o", "run.h5", "--resume").refused
    assert refms(*words, "--iterations", 4, "-o", "run.h5", "--resume", "--force").code == 0
    assert refms(*words, "--iterations", 4, "-o", "whole.h5").code == 0
    assert_same("run.h5", "whole.h5")
    assert checkpoints() == []


@pytest.mark.parametrize("then", [("transfer", "run.h5", "--to", "8"), ("train", *SMALL, "--method", "adam")])
def test_a_model_that_moved_or_that_adam_trained_does_not_go_on(refms, then):
    words = ("train", *SMALL, "--quiet", "--iterations", 2)
    assert refms(*words, "-o", "run.h5").code == 0
    assert refms(*then, "-o", "other.h5").code == 0
    ran = refms(*words, "-o", "other.h5", "--resume", "--force")
    assert ran.refused
    assert "'other.h5' is a model but no checkpoint" in ran.err
    assert "begin anew" in ran.err


@pytest.mark.parametrize(
    "state",
    [
        None,
        3,
        [],
        {},
        {"iteration": 1, "damping": None, "notes": []},
        {"iteration": True, "damping": None, "notes": []},
        {"iteration": -2, "damping": None, "notes": []},
        {"iteration": 10**300, "damping": None, "notes": []},
        {"iteration": 2, "damping": 10**300, "notes": []},
        {"iteration": 2, "damping": "x", "notes": []},
        {"iteration": 2, "damping": -1.0, "notes": []},
        {"iteration": 2, "damping": None, "notes": 3},
        {"iteration": 2, "damping": None, "notes": [3]},
    ],
    ids=lambda state: repr(state)[:60],
)
def test_a_record_that_tells_of_no_checkpoint_is_a_sentence(interrupted, state):
    model = load_model("run.checkpoint-2.h5")
    save_model(
        "run.checkpoint-2.h5", replace(model, record={**model.record, "checkpoint": state}), overwrite=True
    )
    ran = interrupted("train", *WORDS, "-o", "run.h5", "--resume")
    assert ran.refused
    assert "'run.checkpoint-2.h5' is a model but no checkpoint" in ran.err


@pytest.mark.parametrize("stored", [3, [1], {"data": 3, "x": 3}, {"data": {"size": [None]}}], ids=repr)
def test_a_configuration_that_is_none_is_another_one(interrupted, stored):
    model = load_model("run.checkpoint-2.h5")
    record = {**model.record, "configuration": stored}
    save_model("run.checkpoint-2.h5", replace(model, record=record), overwrite=True)
    ran = interrupted("train", *WORDS, "-o", "run.h5", "--resume")
    assert ran.refused
    assert "'run.checkpoint-2.h5' was made with " in ran.err


def test_a_checkpoint_of_another_data_set_is_refused(interrupted):
    model = load_model("run.checkpoint-2.h5")
    model.record["dataset"] = "letters"
    save_model("run.checkpoint-2.h5", model, overwrite=True)
    ran = interrupted("train", *WORDS, "-o", "run.h5", "--resume")
    assert ran.refused
    assert "dataset = 'letters', not 'digits'" in ran.err


def test_as_many_are_kept_as_asked_for(refms, monkeypatch):
    seen = []
    write = CheckpointFiles.write

    def watched(self, checkpoint):
        write(self, checkpoint)
        seen.append(len(self.existing()))

    monkeypatch.setattr(CheckpointFiles, "write", watched)
    assert refms("train", *WORDS, "-o", "run.h5", "--checkpoints", 3).code == 0
    assert seen == [1, 2, 3, 3, 3]
    assert refms("train", *WORDS, "-o", "run.h5", "--checkpoints", 0, "--force").code == 0
    assert seen == [1, 2, 3, 3, 3]
    assert refms("train", *WORDS, "-o", "run.h5", "--checkpoints", -1, "--force").refused
