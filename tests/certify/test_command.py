"""`refms certify`: the table, the JSON, the file and the exit codes."""

from __future__ import annotations

import json
import sys

import pytest

import refms.certify.archive
from refms.certify import from_artifact, shipped
from refms.cli import main as program
from refms.io import Artifact, read_artifact
from refms.stencils.convolution import Convolution


def test_this_installation_is_certified(capsys, tmp_path):
    pytest.importorskip("flint")
    target = tmp_path / "certify.json"
    assert program.main(["certify", "--json", str(target), "--write", str(tmp_path / "goldens.h5")]) == 0
    printed, result = capsys.readouterr().out, json.loads(target.read_text(encoding="utf-8"))
    assert printed.splitlines()[-1].startswith("PASS: worst distance from the enclosures: float64")
    assert "the shipped ones, bit for bit." in printed
    assert result["passed"] is True
    assert {row["dtype"] for row in result["rows"]} == {"float64", "float32"}
    assert result["goldens"] == shipped().digest == read_artifact(tmp_path / "goldens.h5").digest


def test_a_mutant_ends_with_one(capsys, monkeypatch):
    right = Convolution.apply
    monkeypatch.setattr(Convolution, "apply", lambda self, S, Y: -right(self, S, Y))
    assert program.main(["certify", "--shipped", "--dtype", "float64"]) == 1
    printed = capsys.readouterr().out
    assert "FAIL convolution/1d/product in float64" in printed
    assert printed.splitlines()[-1].startswith("FAIL")


def test_without_python_flint_the_shipped_goldens_still_serve(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "flint", None)  # as if it were not installed
    assert program.main(["certify", "--dtype", "float64"]) == 2
    assert "pip install 'refms[certify]'" in capsys.readouterr().err
    assert program.main(["certify", "--shipped", "--dtype", "float64"]) == 0
    assert "nothing was recomputed" in capsys.readouterr().out


def test_shipped_goldens_that_differ_end_with_one(capsys, monkeypatch):
    good = shipped()
    monkeypatch.setattr("refms.certify.prove_all", lambda: (from_artifact(good), 256))
    radius = good.arrays["radius"].copy()
    radius[5] *= 2
    spoilt = Artifact("golden", good.attributes, {**good.arrays, "radius": radius})
    monkeypatch.setattr("refms.certify.shipped", lambda: spoilt)
    assert program.main(["certify", "--dtype", "float64"]) == 1
    assert "DIFFER from the shipped ones: array 'radius' differs first at (5,)" in capsys.readouterr().out


def test_bad_usage_and_damaged_goldens_end_with_two(capsys, monkeypatch, tmp_path):
    taken = tmp_path / "taken.h5"
    taken.write_bytes(b"mine")
    for words in (["--write", str(taken)], ["--shipped", "--write", "x.h5"], ["--dtype", "float16"]):
        assert program.main(["certify", *words]) == 2
        assert capsys.readouterr().err
    assert taken.read_bytes() == b"mine"
    (tmp_path / "goldens.h5").write_bytes(b"\x89HDF\r\n\x1a\n nothing more")
    monkeypatch.setattr(refms.certify.archive.resources, "files", lambda package: tmp_path)
    assert program.main(["certify", "--shipped"]) == 2
    assert "goldens.h5" in capsys.readouterr().err
