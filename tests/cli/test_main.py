"""The command line as a whole: help, exit codes, JSON, and outputs that cannot be written."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from processes import process

from refms import __version__
from refms.cli import show
from refms.cli.files import write_json
from refms.errors import FileError

COMMANDS = ("verify", "train", "evaluate", "transfer", "plot", "show", "diff")
RUNS = {
    "train": ("train", "--size", 4, "--train", 20, "--validation", 10, "--iterations", 1, "-o", "new.h5"),
    "evaluate": ("evaluate", "coarse.h5"),
    "transfer": ("transfer", "coarse.h5", "--to", 8, "-o", "new.h5"),
    "plot": ("plot", "coarse.h5", "--only", "weights", "-o", "pictures"),
    "show": ("show", "coarse.h5"),
    "diff": ("diff", "coarse.h5", "coarse.h5"),
}
every_command = pytest.mark.parametrize("words", RUNS.values(), ids=RUNS)


def test_the_module_runs_and_its_help_names_every_command():
    ran = process("--help")
    assert ran.returncode == 0
    assert ran.stderr == ""
    for command in COMMANDS:
        assert re.search(rf"^ +{command} ", ran.stdout, re.MULTILINE)
    assert "0 good, 1 a check failed, 2 bad usage or unreadable input" in ran.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("train", "", "-o", "new.h5"),  # as a variable of the shell that is not set gives it
        ("train", "--dataset", "", "-o", "new.h5"),
        ("evaluate", "coarse.h5", "--data-dir", ""),
        ("show", "coarse.h5", "--json", ""),
        ("plot", "coarse.h5", "-o", ""),
        ("compare", "few.toml", "-o", ""),
        ("inspect", "coarse.h5", "-o", ""),
    ],
)
def test_an_empty_word_is_refused_and_means_no_default(refms, words):
    ran = refms(*words)
    assert ran.refused
    assert " is empty; expected a name, or leave it out." in ran.err


@pytest.mark.parametrize("nothing", ["", " ,", ","])
@pytest.mark.parametrize(
    "words", [("plot", "coarse.h5", "--only"), ("compare", "few.toml", "-o", "out", "--methods")]
)
def test_a_list_of_nothing_is_refused_and_does_not_mean_everything(refms, words, nothing):
    ran = refms(*words, nothing)
    assert ran.code == 2
    assert "names nothing" in ran.err


def test_the_version_is_that_of_the_package(refms):
    assert refms("--version").out == f"refms {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_the_option_json(refms, command):
    ran = refms(command, "--help")
    assert ran.code == 0
    assert f"\nexample:\n  refms {command} " in ran.out
    assert "--json FILE" in ran.out


@pytest.mark.parametrize(
    "words",
    [(), ("trian",), ("train", "--sise", "4"), ("train", "--size", "four"), ("evaluate",), ("diff", "a.h5")],
)
def test_bad_usage_ends_with_two_and_the_usage(refms, words):
    ran = refms(*words)
    assert ran.code == 2
    assert ran.err.startswith("usage: refms")
    assert ran.out == ""


@pytest.mark.parametrize(
    "words",
    [
        ("evaluate", "missing.h5"),
        ("transfer", "missing.h5", "--to", 8, "-o", "new.h5"),
        ("show", "missing.h5"),
        ("diff", "coarse.h5", "missing.h5"),
        ("train", "missing.toml"),
        ("show", "."),
        ("show", "coarse.h5\0"),
    ],
)
def test_files_that_cannot_be_read_end_with_two_and_a_sentence(refms, words):
    ran = refms(*words)
    assert ran.refused
    assert "cannot be read" in ran.err or "is a folder" in ran.err


@pytest.mark.parametrize("command", ["evaluate", "show", "transfer"])
@pytest.mark.parametrize("spoilt", ["truncated", "text", "empty"])
def test_damaged_files_end_with_two_and_a_sentence(refms, command, spoilt):
    whole = Path("coarse.h5").read_bytes()
    content = {"truncated": whole[: len(whole) // 2], "text": b"{}", "empty": b""}[spoilt]
    Path("bad.h5").write_bytes(content)
    ran = refms(command, "bad.h5", *(("--to", 8, "-o", "new.h5") if command == "transfer" else ()))
    assert ran.refused
    assert "bad.h5" in ran.err
    assert not Path("new.h5").exists()


# JSON


@every_command
def test_json_goes_to_a_file_with_the_versions_it_depends_on(result, words):
    found = result(*words)
    assert {"refms", "python", "numpy", "scipy", "h5py"} <= set(found["versions"])


@every_command
def test_json_on_standard_output_stands_there_alone(refms, words):
    ran = refms(*words, "--json", "-")
    assert ran.code == 0
    assert "versions" in json.loads(ran.out)
    assert ran.err


@every_command
@pytest.mark.parametrize("target", ["coarse.h5", ".", "missing/result.json", "pipe"])
def test_json_never_replaces_what_is_no_result_and_is_refused_before_the_work(refms, words, target):
    os.mkfifo("pipe")
    before = Path("coarse.h5").read_bytes()
    ran = refms(*words, "--json", target, "--force")
    assert ran.refused
    assert target in ran.err
    assert Path("coarse.h5").read_bytes() == before
    assert not Path("new.h5").exists()


@every_command
def test_json_replaces_an_earlier_result_by_force_alone(refms, words):
    Path("result.json").write_text('{"old": 1}\n', encoding="utf-8")
    ran = refms(*words, "--json", "result.json")
    assert ran.refused
    assert "'result.json' exists; choose another name, or --force to replace it" in ran.err
    assert json.loads(Path("result.json").read_text(encoding="utf-8")) == {"old": 1}
    assert refms(*words, "--json", "result.json", "--force").code == 0
    assert "old" not in json.loads(Path("result.json").read_text(encoding="utf-8"))


def test_numbers_that_are_not_finite_become_null(tmp_path):
    nan, inf = float("nan"), float("inf")
    write_json(str(tmp_path / "a.json"), {"a": nan, "b": [1.5, -inf, {"c": (inf, 2)}], "d": True, "e": None})
    found = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    del found["versions"]
    assert found == {"a": None, "b": [1.5, None, {"c": [None, 2]}], "d": True, "e": None}


def test_the_same_file_for_model_and_json_is_refused_before_the_work(refms):
    before = sorted(Path().iterdir())
    ran = refms(*RUNS["transfer"], "--json", "new.h5")
    assert ran.refused
    assert "'new.h5' is given for two outputs" in ran.err
    assert sorted(Path().iterdir()) == before


@every_command
def test_a_full_disk_ends_with_two_and_every_file_as_it_was(refms, full_disk, words):
    Path("result.json").write_text("{}\n", encoding="utf-8")
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    ran = refms(*words, "--json", "result.json", "--force")
    assert ran.code == 2
    assert ran.err.splitlines()[-1].startswith("refms: ")
    assert "the disk is full" in ran.err
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before


def test_a_file_larger_than_the_system_allows_leaves_nothing_behind(refms):
    """A real refusal of the system: at most 1000 bytes in a file."""
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))"
    ran = process("transfer", "coarse.h5", "--to", "8", "-o", "fine.h5", "--force", first=limit)
    assert ran.returncode == 2
    assert "larger than the system allows" in ran.stderr
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before


def test_characters_that_the_output_cannot_show_are_written_as_escapes(refms, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    ran = process("show", "coarse.h5")
    assert ran.returncode == 0
    assert r"\u2026" in ran.stdout
    ran = process("show", os.fsdecode(b"\xff.h5"))
    assert ran.returncode == 2
    assert "cannot be read" in ran.stderr


# Ends of other kinds


@pytest.mark.parametrize(
    ("raised", "code", "words"),
    [
        (KeyboardInterrupt(), 130, "interrupted"),
        (MemoryError(), 2, "out of memory"),
        (OSError(12, "Cannot allocate memory"), 2, "out of memory"),
        (OSError("liba.so cannot be loaded."), 2, "refms: liba.so cannot be loaded.\n"),
        (FileError("no."), 2, "no."),
    ],
)
def test_other_ends_have_their_exit_code_and_a_sentence(refms, monkeypatch, raised, code, words):
    def ended(options):
        raise raised

    monkeypatch.setattr(show, "run", ended)
    ran = refms("show", "coarse.h5")
    assert ran.code == code
    assert words in ran.err
    assert ran.err.startswith("refms: ")
