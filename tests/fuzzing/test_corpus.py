"""Inputs that once were findings, and one for each kind of refusal, are read or refused in a sentence."""

from pathlib import Path

import pytest
from fuzzing.sentences import kind_of
from fuzzing.targets import TARGETS

from refms.cli.main import main
from refms.io import contained

CORPUS = Path(__file__).parent / "corpus"
FINDINGS = sorted(path for path in (CORPUS / "findings").rglob("*") if path.is_file())
REFUSALS = sorted(path for path in (CORPUS / "refusals").rglob("*") if path.is_file())


def named(path):
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", FINDINGS, ids=named)
def test_a_finding_ends_the_command_with_2_and_a_sentence(path, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(contained, "LEAST_SECONDS", 1.0)  # some of them never end
    target = TARGETS[path.parent.name]
    target.store(tmp_path, path.read_bytes())
    words = target.words(tmp_path)
    capsys.readouterr()
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.startswith("refms: '")
    assert said.count("\n") == 1
    assert said[:-1].isprintable()


@pytest.mark.parametrize("path", REFUSALS, ids=named)
def test_an_input_is_read_or_refused_in_a_sentence(path, tmp_path):
    TARGETS[path.parent.name].check(tmp_path, path.read_bytes())


@pytest.mark.parametrize("name", ["idx", "results-npz", "results-mat"])
def test_the_corpus_holds_an_input_for_each_kind_of_refusal(name, tmp_path):
    paths = [path for path in REFUSALS if path.parent.name == name]
    kinds = {kind_of(TARGETS[name].check(tmp_path, path.read_bytes())) for path in paths}
    assert len(kinds) == len(paths) > 5


def test_the_corpus_is_small():
    sizes = [path.stat().st_size for path in (*FINDINGS, *REFUSALS)]
    assert sum(sizes) < 300_000
    assert max(sizes) <= 8192
