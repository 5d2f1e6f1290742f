"""The norm that errors are judged by has to be better than what it judges."""

from __future__ import annotations

import math

import numpy as np

from refms.definition.arrays import norm


def test_the_norm_of_millions_of_entries_errs_by_a_few_eps():
    entries = np.random.default_rng(0).uniform(0.5, 1.0, 3_000_001)
    exact = math.sqrt(math.fsum(entry * entry for entry in entries.tolist()))
    assert abs(norm(entries) / exact - 1) < 2 * np.finfo(float).eps
    assert abs(norm(np.full(4_000_000, 0.1)) / 200 - 1) < 2 * np.finfo(float).eps
