"""Ways of new users from their own files to a result; that of an own network is in test_torch_adapter.py."""

from __future__ import annotations

import pydoc
import re
from pathlib import Path

import numpy as np
import pytest

import refms


@pytest.fixture
def shapes():
    """Grey pictures of bars and rings, 15×14 cells, in subfolders of the current folder."""
    image = pytest.importorskip("PIL.Image")
    rng = np.random.default_rng(0)
    i, j = np.indices((15, 14))
    for part, count in (("train", 30), ("test", 10)):
        for kind in ("bars", "rings"):
            folder = Path("shapes", part, kind)
            folder.mkdir(parents=True)
            for k in range(count):
                centre = 6 + rng.uniform(0, 2, 2)
                ring = abs(np.hypot(i - centre[0], j - centre[1]) - 4) < 1
                drawn = ring if kind == "rings" else abs(j - centre[1]) < 1.5
                noisy = 255 * np.clip(drawn + 0.2 * rng.random(drawn.shape), 0, 1)
                image.fromarray(noisy.astype("uint8")).save(folder / f"{k}.png")


def test_own_pictures_become_a_trained_transferred_and_drawn_model(refms, shapes):
    described = refms("data", "folder:shapes", "-o", "first.png")
    assert "60 images of 15x14 cells, 1 channel\n" in described.out
    assert "rings: 30" in described.out
    assert Path("first.png").read_bytes()[1:4] == b"PNG"
    refused = refms("train", "--dataset", "folder:shapes", "--size", 8, "-o", "own.h5")
    assert refused.refused
    assert "--pad" in refused.err
    words = ("--dataset", "folder:shapes", "--size", 8, "--pad", "--iterations", 3, "--quiet")
    assert refms("train", *words, "-o", "own.h5").code == 0
    assert refms("transfer", "own.h5", "--to", 16, "--smoothing", "agreeing", "-o", "larger.h5").code == 0
    for model, least in (("own.h5", 0.9), ("larger.h5", 0.7)):
        told = refms("evaluate", model, "--part", "test").out
        assert float(re.search(r"accuracy ([0-9.]+)", told)[1]) >= least, told
    drawn = refms("plot", "own.h5", "larger.h5", "--html", "page.html", "-o", "pictures")
    assert drawn.code == 0, drawn.err
    assert {"stencils.svg", "coarse-against-fine.svg"} <= {path.name for path in Path("pictures").iterdir()}
    assert "bars" in Path("page.html").read_text(encoding="utf-8")


def test_the_help_alone_leads_to_problem_6():
    """Every step uses a name that help(refms) shows, or what its own help says."""
    told = pydoc.plain(pydoc.render_doc(refms))
    names = ("read_dataset", "Residual", "Grid", "Classes", "initial_model", "problem_of", "taylor_test")
    for name in names:
        assert f"\n        {name} " in told
    assert "problem (6)" in told
    data = refms.read_dataset("digits")
    model = refms.initial_model(refms.Residual(refms.Grid((8, 8)), channels=2, layers=2), refms.Classes(10))
    problem = refms.problem_of(model, model.examples(data[:50]))
    assert "block" in pydoc.plain(pydoc.render_doc(refms.problem_of))
    objective = problem.block("propagation", model.blocks)
    theta = model.blocks["propagation"]
    f, gradient = objective.value_and_gradient(theta)
    G = objective.curvature(theta)
    assert G.shape == (theta.size, theta.size)
    assert f == pytest.approx(objective.value(theta))
    direction = np.random.default_rng(0).standard_normal(theta.size)
    assert refms.taylor_test(objective.value, theta, direction, gradient=gradient).passed
    assert direction @ (G @ direction) >= 0
