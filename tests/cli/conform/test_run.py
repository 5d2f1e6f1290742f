"""`refms conform run` and `explain`: exit codes, files, and sentences."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from xml.etree import ElementTree

import pytest

from refms.cli import main as program
from refms.conformance.properties import PROPERTIES
from refms.errors import InputError

REFERENCE = "refms.conformance.adapters.reference:ReferenceAdapter"
BROKEN = """
from refms.conformance.adapters.reference import ReferenceAdapter

class Broken(ReferenceAdapter):
    def depth_prolong(self, Theta, layers):
        return super().depth_prolong(Theta, layers) * 2
    def stencil_up(self, S, pair):
        raise NotImplementedError("no | way <up>")

class Stuck(ReferenceAdapter):
    def depth_prolong(self, Theta, layers):
        while True:
            pass

class Little(ReferenceAdapter):
    def __getattribute__(self, name):
        if name in ("convolution", "restrict", "logits"):
            raise AttributeError(name)
        return super().__getattribute__(name)

def explodes(dtype):
    raise RuntimeError("no licence")
"""


@pytest.fixture
def broken(tmp_path):
    path = tmp_path / "theirs.py"
    path.write_text(BROKEN, encoding="utf-8")
    return path


def test_a_true_implementation_ends_with_zero_and_writes_every_report(capsys, tmp_path):
    files = {name: tmp_path / f"report.{name}" for name in ("json", "junit", "markdown")}
    options = [word for name, path in files.items() for word in (f"--{name}", str(path))]
    assert program.main(["conform", "run", REFERENCE, "--only", "depth,C5", *options]) == 0
    printed = capsys.readouterr().out
    assert "PASS: tier quick, seed 0" in printed
    assert "D2 Smooth parameters" in printed
    assert "T1" not in printed
    result = json.loads(files["json"].read_text(encoding="utf-8"))
    assert result["passed"] is True
    assert result["tested"] == 1
    suites = ElementTree.parse(files["junit"]).getroot()
    assert [suite.get("failures") for suite in suites] == ["0", "0"]
    assert int(suites[0].get("tests")) == len(PROPERTIES) + 1 == len(suites[0])
    page = files["markdown"].read_text(encoding="utf-8")
    assert page.startswith("# Conformance of refms on numpy\n")
    assert page.count("| PASS |") == 8


def test_a_failed_property_ends_with_one_and_is_in_every_report(capsys, tmp_path, broken):
    junit, page = tmp_path / "a.xml", tmp_path / "a.md"
    words = ["--only", "D1,G5", "--dtype", "float64", "--all", "--junit", str(junit), "--markdown", str(page)]
    assert program.main(["conform", "run", f"{broken}:Broken", *words]) == 1
    assert "FAIL" in capsys.readouterr().out.splitlines()[-1]
    (suite,) = ElementTree.parse(junit).getroot()
    failed = [case for case in suite if case.find("failure") is not None]
    assert [case.get("name").split()[0] for case in failed] == ["D1", "verdict"]
    skipped = [case.find("skipped").get("message") for case in suite if case.find("skipped") is not None]
    assert any(one.startswith("NOT IMPLEMENTED: the adapter says: no | way <up>") for one in skipped)
    text = page.read_text(encoding="utf-8")
    assert "| FAIL |" in text
    assert "no \\| way &lt;up>" in text


def test_an_adapter_that_hangs_ends_with_one_and_the_rest_is_checked(capsys, broken, tmp_path):
    target = tmp_path / "a.json"
    words = ["--only", "D1,S6", "--dtype", "float64", "--timeout", "1", "--json", str(target)]
    assert program.main(["conform", "run", f"{broken}:Stuck", *words]) == 1
    printed = capsys.readouterr().out
    assert "float64: did not return within 1 s in depth_prolong. [grid (" in printed
    rows = {row["id"]: row for row in json.loads(target.read_text(encoding="utf-8"))["reports"][0]["rows"]}
    assert (rows["D1"]["verdict"], rows["S6"]["verdict"]) == ("FAIL", "PASS")


@pytest.mark.parametrize(
    ("words", "limit"),
    [((), 120), (("--tier", "full"), 600), (("--timeout", "none"), math.inf), (("--timeout", "7"), 7)],
)
def test_the_time_limit_goes_with_the_tier(capsys, monkeypatch, words, limit):
    def started(spec, dtype, limit):
        raise InputError(f"the limit is {limit:g}.")

    monkeypatch.setattr("refms.conformance.isolation.implementation.Isolated", started)
    assert program.main(["conform", "run", REFERENCE, *words]) == 2
    assert capsys.readouterr().err == f"refms: the limit is {limit:g}.\n"


def test_too_little_ends_with_three(capsys, broken):
    assert (
        program.main(["conform", "run", f"{broken}:Little", "--only", "C1,C3,D1", "--dtype", "float64"]) == 3
    )
    printed = capsys.readouterr().out
    assert "TOO LITTLE TESTED: tier quick" in printed
    assert "Too little was tested: 33 %" in printed
    assert "PASS:" not in printed


def test_the_selections_of_several_options_are_joined(capsys):
    words = ["--only", "D1", "--only", "D2,C5", "--json", "-", "--dtype", "float64"]
    assert program.main(["conform", "run", REFERENCE, *words]) == 0
    rows = json.loads(capsys.readouterr().out)["reports"][0]["rows"]
    assert [row["id"] for row in rows if row["selected"]] == ["C5", "D1", "D2"]


def test_only_the_page_needs_the_extra_plot(capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "jinja2", None)  # as if it were not installed
    for module in ("refms.pages", "refms.conformance.reports.html"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    words = ["conform", "run", REFERENCE, "--only", "D1", "--dtype", "float64"]
    assert program.main([*words, "--junit", str(tmp_path / "report.xml")]) == 0
    assert program.main([*words, "--html", str(tmp_path / "report.html")]) == 2
    assert "pip install 'refms[plot]'" in capsys.readouterr().err


def test_half_is_enough(broken):
    assert program.main(["conform", "run", f"{broken}:Little", "--only", "C1,D1", "--dtype", "float64"]) == 0


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run", "mine"], "expected package.module:Name"),
        (["run", "no_such_module:X"], "cannot be imported"),
        (["run", "refms.grid:Nothing"], "has no 'Nothing'"),
        (["run", "refms.grid:__doc__"], "is no adapter"),
        (["run", "{broken}:explodes", "--only", "D1"], "no licence"),
        (["run", REFERENCE, "--only", "C99"], "no property 'C99'"),
        (["run", REFERENCE, "--only", ","], "names nothing"),
        (["run", REFERENCE, "--seed", "-1", "--only", "D1"], "--seed is -1"),
        (["run", REFERENCE, "--tier", "endless"], "--tier"),
        (["run", REFERENCE, "--timeout", "soon"], "'soon' is no time; expected seconds, or 0 or none"),
        (["run", REFERENCE, "--junit", "/no/such/folder/a.xml"], "does not exist"),
        (["explain", "C99"], "no property 'C99'"),
        (["explain"], "ID"),
        ([], "ACTION"),
    ],
)
def test_bad_usage_ends_with_two(capsys, broken, words, sentence):
    assert program.main(["conform", *(word.format(broken=broken) for word in words)]) == 2
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("item", PROPERTIES, ids=lambda item: item.id)
def test_every_property_is_explained(capsys, item):
    assert program.main(["conform", "explain", item.id.lower()]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert printed.startswith(f"{item.id} ({item.family}): {item.title}")
    for word in (item.source, item.catches, *item.needs):
        assert " ".join(word.split()) in printed


def test_an_explanation_is_json_too(capsys):
    assert program.main(["conform", "explain", "C5", "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["id"] == "C5"


def test_a_failed_check_is_no_success_because_nobody_reads_it(broken):
    words = [sys.executable, "-m", "refms", "conform", "run", f"{broken}:Broken", "--only", "D1"]
    ran = subprocess.Popen([*words, "--dtype", "float64"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    ran.stdout.close()
    assert ran.wait(300) == 1, ran.stderr.read()
    ran.stderr.close()
