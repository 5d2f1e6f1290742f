"""`refms conform probe`: exit codes, sentences, JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from refms.cli import main as program
from refms.conformance import Profile
from refms.conformance.adapters.profile import reference_profile

REFERENCE = "refms.conformance.adapters.reference:ReferenceAdapter"
THEIRS = """
from refms.conformance import Adapter, Profile
from refms.conformance.adapters.layouts import in_layout
from refms.conformance.adapters.reference import ReferenceAdapter

class Flipped(ReferenceAdapter):
    def convolution(self, S, Y, grid, boundary):
        axes = tuple(range(2, S.ndim))
        return super().convolution(S[(..., *(slice(None, None, -1) for _ in axes))].copy(), Y, grid, boundary)

def blank(dtype="float64"):
    adapter = in_layout(ReferenceAdapter(dtype=dtype), "NCHW")
    adapter.profile = Profile("mine", dtype)
    return adapter

def nothing():
    return Adapter(Profile("nothing yet"))
"""
SENTENCE = "declared correlation, but a delta image comes back as the stencil itself: convolution."


@pytest.fixture
def theirs(tmp_path):
    path = tmp_path / "theirs.py"
    path.write_text(THEIRS, encoding="utf-8")
    return path


def test_a_true_declaration_ends_with_zero(capsys, tmp_path):
    target = tmp_path / "probe.json"
    assert program.main(["conform", "probe", REFERENCE, "--json", str(target)]) == 0
    assert "orientation: correlation, as declared." in capsys.readouterr().out
    result = json.loads(target.read_text(encoding="utf-8"))
    assert result["agrees"] is True
    assert [one["profile"]["dtype"] for one in result["probes"]] == ["float64", "float32"]
    assert all(trait["agrees"] for one in result["probes"] for trait in one["traits"])


def test_a_wrong_declaration_ends_with_one_and_its_sentence(capsys, theirs):
    assert program.main(["conform", "probe", f"{theirs}:Flipped"]) == 1
    assert f"  ! {SENTENCE}\n" in capsys.readouterr().out
    assert program.main(["conform", "run", f"{theirs}:Flipped", "--only", "D1"]) == 0
    assert f"probe: {SENTENCE}\n" in capsys.readouterr().out


def test_the_right_profile_is_printed_ready_to_paste(capsys, theirs, tmp_path):
    target = tmp_path / "probe.json"
    assert program.main(["conform", "probe", f"{theirs}:blank", "--json", str(target)]) == 1
    (line,) = [one[7:] for one in capsys.readouterr().out.splitlines() if one.startswith("right: ")]
    probes = json.loads(target.read_text(encoding="utf-8"))["probes"]
    for dtype, found in zip(("float64", "float32"), probes, strict=True):
        right = replace(reference_profile("mine", dtype), layout="NCHW", level="everything")
        assert eval(line, {"Profile": Profile, "dtype": dtype}) == right
        assert eval(found["right"], {"Profile": Profile}) == right


def test_what_tells_nothing_ends_with_three_and_what_is_none_with_two(capsys, theirs):
    assert program.main(["conform", "probe", f"{theirs}:nothing", "--json", "-"]) == 3
    assert json.loads(capsys.readouterr().out)["agrees"] is False
    assert program.main(["conform", "probe", f"{theirs}:missing"]) == 2
