"""`refms conform run --html --xfails` and `refms conform diff`: exit codes, files, sentences."""

from __future__ import annotations

import json

import pytest

from refms.cli import main as program

THEIRS = """
from refms.conformance.adapters.reference import ReferenceAdapter

class Broken(ReferenceAdapter):
    def prolong(self, Y, grid, pair):
        wrong = len(grid) == 2 and self.profile.dtype == "float32"
        return super().prolong(Y, grid, pair) * (2 if wrong else 1)
"""
RUN = ("conform", "run", "theirs.py:Broken", "--only", "T2,T1,D1")


@pytest.fixture
def conform(tmp_path, monkeypatch, capsys):
    """Run a command in a folder with an adapter whose P is wrong in two dimensions and single precision."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "theirs.py").write_text(THEIRS, encoding="utf-8")

    def run(*words):
        code = program.main(list(words))
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


def expect(folder, *lines):
    (folder / "x.toml").write_text("\n".join(["[xfails]", *lines]), encoding="utf-8")


def failing_cases(conform, tmp_path):
    """Return the ids of the properties that fail, by a run."""
    assert conform(*RUN, "--json", "a.json")[0] == 1
    result = json.loads((tmp_path / "a.json").read_text(encoding="utf-8"))
    return [row["id"] for row in result["reports"][1]["rows"] if row["verdict"] == "FAIL"]


def test_expected_failures_excuse_exactly_themselves(conform, tmp_path):
    failing = failing_cases(conform, tmp_path)
    assert failing
    expect(tmp_path, *(f"'{id_}-2d-float32' = 'P is doubled'" for id_ in failing))
    code, printed = conform(*RUN, "--xfails", "x.toml", "--json", "b.json", "--markdown", "b.md")
    assert code == 0, printed
    assert f"{failing[0]}-2d-float32 fails as expected: P is doubled\n" in printed
    assert printed.splitlines()[-1].startswith("PASS")
    result = json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))
    assert result["passed"] is True
    assert len(result["expected_failures"]["met"]) == len(failing)
    rows = {row["id"]: row for row in result["reports"][1]["rows"]}
    assert rows[failing[0]]["verdict"] == "FAIL"  # it is excused, not hidden
    assert "expected to fail: " in (tmp_path / "b.md").read_text(encoding="utf-8")


def test_an_expected_failure_that_passes_fails_the_run(conform, tmp_path):
    expect(tmp_path, "'D1-*' = 'it was wrong once'")
    code, printed = conform(*RUN, "--dtype", "float64", "--xfails", "x.toml")
    assert code == 1
    assert "D1-float64 is PASS, but was expected to fail (it was wrong once); remove it" in printed
    assert printed.splitlines()[-1].startswith("FAIL")


def test_a_failure_beside_an_expected_one_fails_the_run(conform, tmp_path):
    failing = failing_cases(conform, tmp_path)
    expect(tmp_path, *(f"'{id_}-1d-float32' = 'the wrong dimension'" for id_ in failing))
    code, printed = conform(*RUN, "--xfails", "x.toml", "--markdown", "c.md")
    assert code == 1
    assert "expected to fail: " not in (tmp_path / "c.md").read_text(encoding="utf-8")
    assert f"{failing[0]}-2d-float32 fails, which was not expected." in printed
    assert f"{failing[0]}-1d-float32 is PASS, but was expected to fail" in printed


@pytest.mark.parametrize("line", ["'Q7-*' = 'no such case'", "'D1-*' = ''", "broken"])
def test_a_file_of_expectations_that_cannot_be_used_ends_with_two(conform, tmp_path, line):
    expect(tmp_path, line)
    code, printed = conform(*RUN, "--xfails", "x.toml")
    assert code == 2
    assert printed.startswith("refms: ")
    assert conform(*RUN, "--xfails", "none.toml")[0] == 2


def test_untested_is_neither_met_nor_broken(conform, tmp_path):
    expect(tmp_path, "'T1-*' = 'not selected'")
    assert conform(*RUN[:3], "--only", "D1", "--xfails", "x.toml")[0] == 0


def test_the_html_page_is_written(conform, tmp_path):
    assert conform(*RUN, "--html", "report.html")[0] == 1
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "✗ FAIL</span>" in page
    assert conform(*RUN, "--html", "nowhere/report.html")[0] == 2


@pytest.mark.parametrize("option", ["--html", "--junit", "--markdown"])
def test_a_report_replaces_nothing_unless_forced(conform, tmp_path, option):
    target = tmp_path / "mine"
    target.write_text("of somebody else", encoding="utf-8")
    code, printed = conform(*RUN, option, "mine")
    assert code == 2
    assert "'mine' exists; choose another name, or --force" in printed
    assert target.read_text(encoding="utf-8") == "of somebody else"
    assert conform(*RUN, option, "mine", "--force")[0] == 1
    assert target.read_text(encoding="utf-8") != "of somebody else"


def test_diff_tells_better_from_worse(conform, tmp_path):
    conform(*RUN, "--json", "broken.json")
    (tmp_path / "theirs.py").write_text(THEIRS.replace("(2 if", "(1 if"), encoding="utf-8")
    assert conform(*RUN, "--json", "right.json")[0] == 0
    code, printed = conform("conform", "diff", "broken.json", "right.json", "--json", "diff.json")
    assert code == 0
    assert "better T" in printed
    result = json.loads((tmp_path / "diff.json").read_text(encoding="utf-8"))
    assert (result["worse"], result["better"] > 0) == (0, True)
    code, printed = conform("conform", "diff", "right.json", "broken.json")
    assert code == 1
    assert "float32: PASS -> FAIL" in printed
    code, printed = conform("conform", "diff", "right.json", "right.json")
    assert code == 0
    assert ": 0 worse, 0 better, " in printed


@pytest.mark.parametrize("content", [b"", b"{}", b"\x89HDF"])
def test_diff_of_what_is_no_report_ends_with_two(conform, tmp_path, content):
    (tmp_path / "bad.json").write_bytes(content)
    code, printed = conform("conform", "diff", "bad.json", "bad.json")
    assert code == 2
    assert printed.startswith("refms: 'bad.json' is ")
    assert printed.count("\n") == 1


def test_a_negative_seed_is_refused_with_expectations_too(conform, tmp_path):
    expect(tmp_path, "'D1-*' = 'known'")
    code, printed = conform(*RUN, "--xfails", "x.toml", "--seed", "-1")
    assert code == 2
    assert "seed is -1; expected 0 or more" in printed


def test_a_run_begins_with_causes_and_is_as_long_as_it_is_asked_to_be(conform):
    brief, usual, all_ = (conform(*RUN, *more)[1] for more in (("--brief",), (), ("--all",)))
    assert brief.startswith("1 cause explains ")
    assert usual.startswith(brief.split("\n\n")[0])
    assert len(brief.splitlines()) < len(usual.splitlines()) < len(all_.splitlines())
    assert brief.splitlines()[-1].startswith("FAIL")
