"""The script of the paper's sizes: its work units are the printed ones, and what is done is left alone."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest

from refms.cli.main import main

SCRIPT = Path(__file__).parents[2] / "validation" / "multiscale_training" / "full_protocol.sh"

PRINTED = {"single": 480_000, "mge": 74_000, "full": 28_750}
"""Table 2: denoising and deblurring."""


@pytest.fixture
def script(tmp_path):
    """The script with a command ``refms`` that trains nothing and writes down how it was called."""
    stand_in, log = tmp_path / "bin" / "refms", tmp_path / "log"
    stand_in.parent.mkdir()
    stand_in.write_text(f'#!/bin/sh\nprintf "%s\\n" "$*" >> {shlex.quote(str(log))}\n')
    stand_in.chmod(0o755)

    def run(*words):
        log.unlink(missing_ok=True)
        path = f"{stand_in.parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", str(SCRIPT), *words], env={**os.environ, "PATH": path}, capture_output=True, text=True
        )
        return done.returncode, done.stdout.splitlines(), log.read_text().splitlines() if log.exists() else []

    return run


def test_its_work_units_are_the_printed_ones(script, capsys):
    status, lines, calls = script("work")
    assert status == 0
    names = [line.partition(":")[0] for line in lines]
    assert len(set(names)) == len(names) == len(calls) == 40
    for name, call in zip(names, calls, strict=True):
        task, estimator = name.split("-")[0], name.split("-")[-2 if "-full-" in name else -1]
        expected = PRINTED[estimator]
        if task == "inpaint" and estimator == "full":
            expected = 126_000
        if task == "super":
            expected = {"single": 30_000, "mge": 4_625, "full": 7_875}[estimator]
        assert main(call.split()) == 0
        assert f"{expected} work units" in capsys.readouterr().out


def test_a_training_that_was_stopped_goes_on_and_a_finished_one_is_left(script, tmp_path):
    out = tmp_path / "models"
    _, _, calls = script("train", str(out), "--threads", "2")
    assert len(calls) == 40
    assert all("--threads 2" in call and "--resume" not in call for call in calls)
    (out / "denoise-unet-single.h5").touch()
    (out / "denoise-unet-mge.checkpoint-20.h5").touch()
    _, lines, calls = script("train", str(out))
    assert lines[:2] == ["denoise-unet-single: finished", "denoise-unet-mge"]
    assert len(calls) == 39
    assert ["--resume" in call for call in calls[:2]] == [True, False]


def test_without_a_folder_nothing_is_trained(script):
    assert script()[0] == 2
    assert script("train")[0] != 0
