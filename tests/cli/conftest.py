"""Fixtures of the command-line tests: commands run in a folder of their own, with nets trained once."""

from __future__ import annotations

import contextlib
import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from refms.cli.main import main

FEW = ("--train", "200", "--validation", "100", "--channels", "3", "--iterations", "2", "--quiet")


DIGITS = """
[data]
dataset = "digits"
validation_part = "train"
train = 40
validation = 6
[network.options]
width = 4
blocks = 1
closing_scale = 1.0
[multiscale]
levels = 2
batch = 2
iterations = [4, 3]
pilot = 8
[optimization]
every = 2
learning_rate = 0.02
dtype = "float64"
"""
"""A training on images of a few iterations: a net of a few hundred parameters on 8×8 and 4×4 cells."""


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def refused(self) -> bool:
        """Whether it ended with exit code 2, one sentence on standard error and nothing else."""
        one_line = self.err.startswith("refms: ") and self.err.count("\n") == 1
        return self.code == 2 and one_line and "Traceback" not in self.err and not self.out


@pytest.fixture(scope="session")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with coarse.h5 on 4×4 cells and fine.h5 on 8×8 cells, trained for two iterations."""
    folder = tmp_path_factory.mktemp("nets")
    for name, size in (("coarse", "4"), ("fine", "8")):
        assert main(["train", "--size", size, *FEW, "-o", str(folder / f"{name}.h5")]) == 0
    return folder


@pytest.fixture
def refms(
    nets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Ran]:
    """Run a command in a folder that holds copies of the nets."""
    monkeypatch.chdir(tmp_path)
    for net in nets.iterdir():
        shutil.copy(net, tmp_path)
    capsys.readouterr()

    def run(*words: object) -> Ran:
        code = main([str(word) for word in words])
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return run


@pytest.fixture
def result(refms: Callable[..., Ran]) -> Callable[..., dict[str, Any]]:
    """Run a command that must succeed and return its JSON result."""

    def run(*words: object, code: int = 0) -> dict[str, Any]:
        ran = refms(*words, "--json", "result.json")
        assert ran.code == code, ran.err
        found: dict[str, Any] = json.loads(Path("result.json").read_text(encoding="utf-8"))
        Path("result.json").unlink()
        return found

    return run


@pytest.fixture
def digits(refms: Callable[..., Ran]) -> Callable[..., Ran]:
    """Run a command in a folder with the configuration digits.toml."""
    Path("digits.toml").write_text(DIGITS, encoding="utf-8")
    return refms


@pytest.fixture
def ctrl_c(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Press Ctrl-C once, in the n-th iteration of the trainings to come."""

    def press(n: int) -> None:
        asked = itertools.count(1)

        @contextlib.contextmanager
        def pressed(*, quiet: bool) -> Iterator[Callable[[], bool]]:
            yield lambda: next(asked) == n

        monkeypatch.setattr("refms.cli.training.interruption", pressed)

    return press


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the system say that the disk is full as soon as a file is flushed to it."""

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("refms.io.files.os.fsync", full)
