"""What python-flint contributes, and what balls promise."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from refms.certify.balls import balls, interval, working_precision
from refms.certify.cases import CASES

flint = pytest.importorskip("flint")


def test_doubles_are_exact_balls():
    for number in (0.1, -1e-300, 5e-324, 1.7e308, 0.0):
        assert interval(balls(np.array(number))[()]) == (Fraction(number), Fraction(number))


def test_a_ball_contains_its_number_and_ends_as_wide_as_it_says():
    before = flint.ctx.prec
    with working_precision(64):
        low, high = interval(flint.arb(1) / 3)
    assert low < Fraction(1, 3) < high
    assert high - low < Fraction(1, 2**60)
    assert flint.ctx.prec == before
    with pytest.raises(ArithmeticError, match="infinitely wide"):
        interval(flint.arb(1) / 0)


@pytest.mark.parametrize(
    ("name", "bits"),
    [
        ("loss/tame", 60),
        ("conjugate_gradients", 100),
        ("stencils/1d/averaging-bilinear", 50),
        ("regularizer/time", 80),
        ("network/1d", 256),
        ("mesh_free/odd", 80),
        ("similarity/1d", 100),
        ("full_multiscale/galerkin", 60),
    ],
)
def test_what_more_bits_give_lies_within_what_fewer_bits_gave(name, bits):
    case = next(case for case in CASES if case.name == name)
    found = []
    for precision in (bits, 900):
        with working_precision(precision):
            said = case.formulas({key: balls(array) for key, array in case.inputs.items()})
            found.append(
                [interval(ball) for one in said.values() for ball in np.asarray(one.value, dtype=object).flat]
            )
    coarse, fine = found
    assert any(low < high for low, high in coarse)
    for (low, high), (inner_low, inner_high) in zip(coarse, fine, strict=True):
        assert low <= inner_low <= inner_high <= high
