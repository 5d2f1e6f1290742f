"""Both ends of a spectrum: closed forms, dense matrices, stated errors that hold."""

from __future__ import annotations

import numpy as np
import pytest
from linear.known_spectra import laplacian, laplacian_eigenvalues, semicircle

from refms.errors import InputError
from refms.linear.extremes import DENSE, extreme_eigenvalues


@pytest.mark.parametrize("n", [3, DENSE, DENSE + 1, 200])
def test_the_discrete_laplacian(n):
    exact = laplacian_eigenvalues(n)
    found = extreme_eigenvalues(lambda v: laplacian(n) @ v, np.zeros(n), 3)
    assert np.abs(found.smallest - exact[:3]).max() <= 1e-6
    assert np.abs(found.largest - exact[::-1][:3]).max() <= 1e-6


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("shift", [0.0, 1e3, -1e3])
def test_any_place_of_the_spectrum_and_errors_that_hold(seed, shift):
    A = semicircle(150, seed) + shift * np.eye(150)
    exact = np.linalg.eigvalsh(A)
    found = extreme_eigenvalues(lambda v: A @ v, np.zeros(150), 4, seed=seed)
    for values, errors, expected in (
        (found.smallest, found.smallest_error, exact[:4]),
        (found.largest, found.largest_error, exact[::-1][:4]),
    ):
        assert np.abs(values - expected).max() <= 1e-7 * 4 + 1e-12 * abs(shift)
        assert (errors <= 1e-4).all()
        nearest = np.abs(values[:, None] - exact).min(axis=1)
        assert (nearest <= errors + 1e-15 * abs(shift) + 1e-14).all()


def test_an_end_far_below_the_other_is_as_exact_as_was_asked():
    values = np.append(np.linspace(1e-6, 1e-3, 299), 50.0)
    found = extreme_eigenvalues(lambda v: values * v, np.zeros(300), 2)
    assert found.largest[0] == pytest.approx(50.0, rel=1e-12)
    assert abs(found.smallest[0] - 1e-6) <= 1e-5 * 50
    assert (found.smallest >= 1e-6 - 1e-12).all()


def test_what_does_not_converge_is_left_out(monkeypatch):
    monkeypatch.setattr("refms.linear.extremes.RESTARTS", 1)
    values = np.append(np.linspace(0, 1e-3, 1000), 1.0)
    found = extreme_eigenvalues(lambda v: values * v, np.zeros(1001), 2, tolerance=1e-12)
    assert found.largest[0] == pytest.approx(1.0, rel=1e-12)
    assert len(found.smallest) == len(found.smallest_error) < 2


def test_multiples_of_the_identity_and_zero():
    for factor in (0.0, 3.0, -2.0):
        for n in (5, 100):
            found = extreme_eigenvalues(lambda v, factor=factor: factor * v, np.zeros(n), 2)
            assert found.smallest == pytest.approx([factor] * 2, abs=1e-12)
            assert found.largest == pytest.approx([factor] * 2, abs=1e-12)


def test_the_same_seed_gives_the_same_bits_and_vectors_keep_their_kind(device):
    A = semicircle(80, 5)
    held = device.array(A)
    seen = []

    def product(v):
        assert device.owns(v)
        seen.append(str(v.dtype))
        return held @ v

    like = device.array(np.zeros(80))
    one, other = (extreme_eigenvalues(product, like, 2, seed=1) for _ in range(2))
    np.testing.assert_array_equal(one.smallest, other.smallest)
    assert set(seen) == {"float64"}
    assert np.abs(one.largest - np.linalg.eigvalsh(A)[::-1][:2]).max() <= 1e-7


def test_bad_input_is_refused():
    with pytest.raises(InputError, match="more than the 3 eigenvalues"):
        extreme_eigenvalues(lambda v: v, np.zeros(3), 4)
    for n in (5, 100):
        with pytest.raises(InputError, match="NaN or infinite"):
            extreme_eigenvalues(lambda v: np.nan * v, np.ones(n), 1)
