"""The 2-norm at every scale, as LAPACK's nrm2 computes it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from refms.definition.arrays import norm as plain
from refms.errors import Array
from refms.linear.vectors import differ, norm


@pytest.mark.parametrize("norm_", [norm, plain])
@pytest.mark.parametrize(
    ("dtype", "power"), [("float64", 1000), ("complex128", 1000), ("float32", 100), ("complex64", 100)]
)
def test_a_power_of_two_goes_through_the_norm_exactly(
    norm_: Callable[[Array], float], dtype: str, power: int
) -> None:
    integers = np.random.default_rng(0).integers(-9, 9, (3, 5)).astype(dtype)
    a = integers + 1j * integers.T.reshape(3, 5) if "complex" in dtype else integers
    for scale in (2.0**power, 2.0**-power):
        assert norm_((a * np.dtype(dtype).type(scale)).astype(dtype)) == scale * norm_(a)
    assert norm_(a) == math.sqrt(float((abs(a.astype("complex128")) ** 2).sum()).__round__())


@pytest.mark.parametrize("norm_", [norm, plain])
@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([], 0.0),
        ([0.0, -0.0], 0.0),
        ([3e300, -4e300], 5e300),
        ([3e-320, 4e-320], 5e-320),
        ([5e-324] * 4, 1e-323),
        ([1.7e308] * 4, math.inf),
        ([1.0, -math.inf], math.inf),
        ([math.nan, 1e300], math.nan),
    ],
)
def test_the_norm_at_the_ends_of_the_range(
    norm_: Callable[[Array], float], entries: list[float], expected: float
) -> None:
    assert norm_(np.array(entries)) == pytest.approx(expected, rel=1e-15, nan_ok=True)


@pytest.mark.parametrize(
    ("a", "b", "expected"), [(1.0, 1.0, False), (0.0, -0.0, False), (1.0, 2.0, True), (math.nan, 1.0, True)]
)
def test_vectors_differ_where_an_entry_does_and_nan_is_like_nan(a: float, b: float, expected: bool) -> None:
    one, two = np.array([math.nan, a, 3.0]), np.array([math.nan, b, 3.0])
    assert bool(differ(one, two)) == bool(differ(two, one)) == expected
