"""What can be typed: help pages need no NumPy."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys

import pytest

from refms.cli.main import parser

HEAVY = ("numpy", "scipy", "h5py", "sklearn", "matplotlib")

ASK = """
import contextlib, io, json, sys
from refms.cli.main import main
with contextlib.redirect_stdout(io.StringIO()) as page:
    code = main(json.loads(sys.argv[1]))
print(json.dumps([code, len(page.getvalue()), sorted(sys.modules)]))
"""


def subcommands(of: argparse.ArgumentParser, words: tuple[str, ...] = ()):
    """Yield the words and the parser of every subcommand that does something."""
    inner = [action for action in of._actions if isinstance(action, argparse._SubParsersAction)]
    if not inner:
        yield words, of
    for action in inner:
        for name, added in action.choices.items():
            yield from subcommands(added, (*words, name))


EVERY = dict(subcommands(parser()))


@pytest.mark.parametrize("words", [(), ("conform",), *EVERY], ids=" ".join)
def test_a_help_page_imports_nothing_that_takes_time(words):
    command = [sys.executable, "-c", ASK, json.dumps([*words, "--help"])]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    code, length, modules = json.loads(ran.stdout)
    assert code == 0
    assert length > 100
    assert set(HEAVY) & set(modules) == set()


def test_there_are_as_many_subcommands_as_there_should_be():
    assert {words[0] for words in EVERY} == {
        "certify", "compare", "config", "conform", "data", "diff", "evaluate", "inspect", "matrix", "plot",
        "reconstruct", "export", "import", "show", "study", "train", "transfer", "variance", "verify", "work",
    }  # fmt: skip
    assert sum(words[0] == "conform" for words in EVERY) == 8
