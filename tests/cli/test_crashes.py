"""A training that fails at any of its file operations loses nothing, leaves nothing half, and says so."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import failing_trainings
import pytest


@pytest.mark.parametrize("how", ["kill", "EIO", "ENOSPC"])
def test_a_training_that_fails_at_any_operation_loses_nothing(tmp_path, monkeypatch, how):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")  # the processes are forked
    command = [sys.executable, failing_trainings.__file__, how]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["faults"] == []
    assert found["operations"] > 40
    assert found["states"] > 3
