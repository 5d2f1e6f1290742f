"""An outcome never passes what was not compared."""

from __future__ import annotations

import math

import numpy as np
import pytest

from refms.conformance.measures.outcome import residual, worst


def test_where_there_is_nothing_to_compare_the_outcome_is_marginal_and_says_why():
    for found in (residual(np.ones((2, 0)), np.ones((2, 0)), 1.0, "float64", "rows inside"), worst([])):
        assert found.verdict == "MARGINAL"
        assert "nothing was tested" in found.sentence


@pytest.mark.parametrize("scale", [math.inf, math.nan, -1.0])
@pytest.mark.parametrize("error", [0.0, 1.0, 1e300])
def test_a_scale_that_is_none_fails(scale, error):
    found = residual(np.ones(2) + error, np.ones(2), scale, "float64", "values")
    assert found.verdict == "FAIL"
    assert "scale" in found.sentence


def test_without_a_scale_only_equal_numbers_pass():
    assert residual(np.zeros(2), np.zeros(2), 0.0, "float64", "zeros").verdict == "PASS"
    assert residual(np.full(2, 5e-324), np.zeros(2), 0.0, "float64", "zeros").verdict == "FAIL"
