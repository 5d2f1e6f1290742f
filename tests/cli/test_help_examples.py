"""The examples of the help texts are run as they stand, in the order in which a user would."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from refms.cli.main import main

IN_ORDER = (
    *("data", "work", "reconstruct", "variance"),
    *("train", "transfer", "evaluate", "inspect", "plot", "show", "export", "import", "diff"),
)
"""The examples build on each other: coarse.h5 is trained, fine.h5 is its transfer."""


def example(command: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the words of a command's example, without ``refms``."""
    assert main([command, "--help"]) == 0
    lines = capsys.readouterr().out.partition("example:\n")[2].splitlines()
    words = shlex.split(lines[0])
    assert words[:2] == ["refms", command]
    return words[1:]


def test_the_examples_run_one_after_the_other(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    codes = {}
    for command in IN_ORDER:
        words = example(command, capsys)
        codes[command] = main(words)
    assert codes == dict.fromkeys(IN_ORDER[:-1], 0) | {"diff": 1}
    found = sorted(path.name for path in Path().iterdir())
    assert found == [
        *(
            "coarse.h5",
            "denoiser.h5",
            "digits.png",
            "fine.h5",
            "imported.h5",
            "inspection",
            "report.html",
            "weights.npz",
        ),
    ]
