"""The verdict has three values, the residual counts eps, and only PASS counts as passed."""

import math

import numpy as np
import pytest

from refms import checks
from refms.errors import InputError


def test_the_verdict_changes_at_30_and_300():
    found = [checks.verdict(rho) for rho in (0.0, 30.0, 30.001, 300.0, 300.1, math.inf, math.nan)]
    assert found == ["PASS", "PASS", "MARGINAL", "MARGINAL", "FAIL", "FAIL", "FAIL"]


def test_only_pass_counts_as_passed():
    for outcome in ("PASS", "MARGINAL", "FAIL"):
        report = checks.Report("c", 1.0, outcome, "s.")
        assert report.passed == (outcome == "PASS") == report.as_dict()["passed"]
        assert str(report) == f"{outcome} c: s."


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
def test_the_residual_counts_eps_of_the_dtype(device, dtype):
    eps = np.finfo(dtype).eps
    got = device.array(np.array([1 + 2 * eps, 1.0], dtype))
    expected = device.array(np.ones(2, dtype))
    assert checks.scaled_residual(got, expected, 0.5) == pytest.approx(4.0, rel=1e-12)


def test_the_residual_of_the_unusable_never_passes():
    one, nan = np.ones(2), np.full(2, np.nan)
    assert math.isinf(checks.scaled_residual(one, np.ones((2, 1)), 1.0))  # broadcasting would hide it
    assert math.isnan(checks.scaled_residual(nan, one, 1.0))
    assert math.isnan(checks.scaled_residual(nan, one, 0.0))
    assert math.isinf(checks.scaled_residual(one, 0 * one, 0.0))
    assert checks.scaled_residual(0 * one, 0 * one, 0.0) == 0.0
    with pytest.raises(InputError, match="dtype"):
        checks.scaled_residual(np.ones(2, int), np.ones(2, int), 1.0)
