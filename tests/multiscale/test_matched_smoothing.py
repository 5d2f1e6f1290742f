"""Matched smoothing: what P R does to smooth images, measured on the explicit matrices."""

from __future__ import annotations

import math

import numpy as np
import pytest

from refms.errors import InputError
from refms.grid import Grid
from refms.multiscale.matched_smoothing import matched_between, matched_smoothing
from refms.stencils.transfer import TRANSFER_PAIRS, transfer_pair

AVERAGING = [pair for pair in TRANSFER_PAIRS if pair.name != "summing-constant"]


def symbol_of(pair, levels, n, frequency):
    """Return |mean response| of P R to e^{iωx} at the same frequency, and ω per cell."""
    grid = Grid((n,))
    R = pair.restriction_matrix(grid, levels=levels)
    P = pair.prolongation_matrix(grid, levels=levels)
    omega = 2 * np.pi * frequency / n
    wave = np.exp(1j * omega * np.arange(n))
    return abs(np.vdot(wave, P @ (R @ wave))) / n, omega


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("pair", AVERAGING, ids=lambda pair: pair.name)
def test_restriction_and_prolongation_smooth_like_a_gaussian_of_the_added_variance(pair, levels):
    """The symbol of P R is e^{-vω²/2} up to O(ω⁴)."""
    added = matched_smoothing(1.0, pair, levels) ** 2 - 1.0
    gaps = []
    for n in (64, 128):
        found, omega = symbol_of(pair, levels, n, 1)
        gaps.append(abs(found - math.exp(-added * omega**2 / 2)))
    assert gaps[0] < 1e-2
    if gaps[1] > 1e-13:
        assert math.log2(gaps[0] / gaps[1]) == pytest.approx(4, abs=0.2)


def test_exact_values():
    for name, added in (("averaging-bilinear", 1.0), ("averaging-constant", 0.5)):
        pair = transfer_pair(name)
        assert matched_smoothing(2.0, pair, 1) == pytest.approx(math.sqrt(4 + added), rel=1e-15)
        assert matched_smoothing(2.0, pair, -1) == pytest.approx(math.sqrt(4 - added), rel=1e-15)
        assert matched_smoothing(2.0, pair, 2, cell=0.5) == pytest.approx(
            math.sqrt(4 + added * 5 / 4), rel=1e-15
        )
        assert matched_smoothing(0.3, pair, -1) == 0.0
        assert matched_smoothing(0.3, pair, 0) == pytest.approx(0.3, rel=1e-15)


def test_widths_count_cells_of_the_images_whatever_the_meshes():
    """Between 4×4 and 8×8 the cells of 8×8 are 2, 1 and 1/2 cells of images of 16×16, 8×8 and 4×4."""
    pair, here, there = transfer_pair("averaging-bilinear"), Grid((4, 4)), Grid((8, 8))
    for size, cell in ((16, 2.0), (8, 1.0), (4, 0.5)):
        up = matched_between(here, there, 1.5, pair, Grid((size, size)))
        assert up == pytest.approx(matched_smoothing(1.5, pair, 1, cell), rel=1e-15)
        assert matched_between(there, here, up, pair, Grid((size, size))) == pytest.approx(1.5, rel=1e-12)
    with pytest.raises(InputError, match="doubl"):
        matched_between(here, Grid((6, 6)), 1.5, pair, there)


@pytest.mark.parametrize("levels", [1, 3])
def test_down_undoes_up(levels):
    pair = transfer_pair("averaging-bilinear")
    up = matched_smoothing(1.5, pair, levels)
    assert matched_smoothing(up, pair, -levels) == pytest.approx(1.5, rel=1e-12)


def test_widths_and_cells_that_are_none_are_refused():
    pair = transfer_pair("averaging-bilinear")
    for bad in (-0.1, float("nan"), float("inf")):
        with pytest.raises(InputError, match="the smoothing is"):
            matched_smoothing(bad, pair, 1)
    for bad in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(InputError, match="the cell is"):
            matched_smoothing(1.0, pair, 1, bad)
