"""The classifier's midpoint rule: logits that mean the same on every mesh (properties H1, H2)."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refms.grid import Grid
from refms.objective.classifier import Classifier
from refms.stencils.transfer import TRANSFER_PAIRS

PAIRS = {pair.name: pair for pair in TRANSFER_PAIRS}


def logits(grid, channels, W, Y, mu=None):
    classifier = Classifier(grid, channels, W.shape[1])
    mu = np.zeros(W.shape[1]) if mu is None else mu
    return classifier.map.apply(classifier.layout.pack({"W": W, "mu": mu}), Y)


def test_logits_are_integrals():
    grid = Grid((64, 32))
    x, y = np.meshgrid(grid.centres(0), grid.centres(1), indexing="ij")
    w = np.stack([x.ravel(), np.ones(grid.cells)], axis=1)
    features = (3 * x * y).reshape(-1, 1)
    got = logits(grid, 1, w, features, np.array([0.0, 1.0]))
    assert got.ravel() == pytest.approx([0.5, 1.75], abs=1e-3)  # ∫3x²y = 1/2, ∫3xy + 1 = 7/4


def test_the_midpoint_rule_has_order_two():
    errors = []
    for n in (8, 16, 32, 64):
        grid = Grid((n,))
        x = grid.centres()
        value = logits(grid, 1, np.stack([np.exp(x), x], axis=1), (x**2)[:, None])[0, 0]
        errors.append(abs(value - (np.e - 2)))  # ∫ x² eˣ = e − 2
    slopes = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.all(np.abs(slopes - 2) < 0.02), slopes


@settings(max_examples=15)
@given(seed=st.integers(0, 2**31), d=st.integers(1, 3))
@pytest.mark.parametrize("name", PAIRS)
def test_prolonged_weights_keep_the_logits_exactly_where_the_pair_is_variational(name, seed, d):
    pair, fine = PAIRS[name], Grid((4, 6, 4)[:d])
    rng = np.random.default_rng(seed)
    W, Y = rng.standard_normal((fine.coarsen().cells, 3)), rng.standard_normal((fine.cells, 2))
    P, R = pair.prolongation_matrix(fine), pair.restriction_matrix(fine)
    gap = np.abs(logits(fine, 1, P @ W, Y) - logits(fine.coarsen(), 1, W, R @ Y)).max()
    assert gap <= 1e-13 if pair.variational else gap > 1e-6


def test_weights_prolonged_by_the_example_one_pair_change_the_logits_at_order_two():
    pair, gaps = PAIRS["averaging-bilinear"], []
    for n in (16, 32, 64, 128):
        fine = Grid((n,))
        x, X = fine.centres(), fine.coarsen().centres()
        W = np.stack([np.exp(np.sin(2 * np.pi * X))] * 2, axis=1)
        Y = np.cos(2 * np.pi * x + 0.3)[:, None] ** 3 + np.sin(2 * np.pi * x)[:, None]
        P, R = pair.prolongation_matrix(fine), pair.restriction_matrix(fine)
        gaps.append(abs((logits(fine, 1, P @ W, Y) - logits(fine.coarsen(), 1, W, R @ Y))[0, 0]))
    slopes = np.log2(np.array(gaps[:-1]) / gaps[1:])
    assert np.all(np.abs(slopes[1:] - 2) < 0.1), slopes


def test_work_is_that_of_the_product_with_the_weights_and_the_logits_are_kept():
    classifier = Classifier(Grid((3, 4)), channels=2, classes=5)
    assert (classifier.map.rows_in, classifier.map.rows_out) == (2 * 12, 5)
    assert (classifier.map.multiply_adds, classifier.map.stored) == (2 * 12 * 5, 5)
