"""Densities by two methods: exact moments, known laws, and errors that say what they should."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from linear.known_spectra import counted, laplacian, laplacian_eigenvalues, semicircle

from refms.errors import InputError
from refms.linear.estimate import mean_of
from refms.linear.kernel_polynomials import chebyshev_moments
from refms.linear.quadrature import spectral_measure
from refms.linear.spectrum import Effort, spectrum_of


@settings(max_examples=20)
@given(n=st.integers(3, 40), seed=st.integers(0, 2**31))
def test_a_diagonal_matrix_is_known_exactly_from_one_probe(n, seed):
    values = np.random.default_rng(seed).uniform(-1, 1, n)
    measure = spectral_measure(lambda v: values * v, np.zeros(n), steps=4, probes=1, seed=seed)
    for degree in range(8):
        assert float(measure.mean(lambda x, p=degree: x**p).value) == pytest.approx(
            np.mean(values**degree), abs=1e-12
        )
    moments = chebyshev_moments(lambda v: values * v, np.zeros(n), (-1.0, 1.0), steps=4, probes=1, seed=seed)
    expected = [np.cos(k * np.arccos(values)).mean() for k in range(9)]
    assert np.abs(moments.values[0] - expected).max() <= 1e-12


@pytest.mark.parametrize("degree", [1, 2, 3, 5])
def test_traces_of_powers_lie_within_the_stated_error(degree):
    """Of 40 seeds about 95 % within two standard errors; fewer than 34 has a chance below 1e-3."""
    A = semicircle(60, 7)
    exact = np.trace(np.linalg.matrix_power(A, degree)) / 60
    within = 0
    for seed in range(40):
        found = spectral_measure(lambda v: A @ v, np.zeros(60), steps=3, probes=20, seed=seed).mean(
            lambda x: x**degree
        )
        assert found.error > 0
        within += abs(found.value - exact) <= 2 * found.error
    assert within >= 34


def test_both_methods_see_the_same_moments_of_the_same_probes():
    A = semicircle(50, 8)
    ways = {"steps": 6, "probes": 3, "seed": 4}
    measure = spectral_measure(lambda v: A @ v, np.zeros(50), **ways)
    moments = chebyshev_moments(lambda v: A @ v, np.zeros(50), (-2.5, 2.5), **ways)
    for k in range(12):  # the Gauss rule is exact up to degree 11
        found = measure.mean(lambda x, k=k: np.cos(k * np.arccos(x / 2.5)))
        assert float(found.value) == pytest.approx(moments.moments.value[k], abs=1e-12)
        assert float(found.error) == pytest.approx(moments.moments.error[k], abs=1e-12)


def test_the_semicircle_law_comes_out_by_both_methods():
    A = semicircle(400, 9)
    seen = spectrum_of(lambda v: A @ v, np.zeros(400), Effort(count=1, steps=16, probes=20))
    law = np.sqrt(np.maximum(4 - seen.at**2, 0)) / (2 * np.pi)
    for estimate in seen.densities().values():
        inner = np.abs(seen.at) < 1.7  # at the ends the law has an infinite slope
        assert np.abs(estimate.value - law)[inner].max() <= 0.03
        assert np.trapezoid(estimate.value, seen.at) == pytest.approx(1.0, abs=2e-3)
        assert (estimate.value >= 0).all()
        assert 0 < estimate.error[inner].max() < 0.03
    assert seen.negative().value == pytest.approx(0.5, abs=0.05)
    assert abs(seen.trace().value - np.trace(A)) <= 4 * seen.trace().error


def test_the_laplacians_density_is_that_of_its_eigenvalues_smoothed():
    n = 150
    exact = laplacian_eigenvalues(n)
    seen = spectrum_of(lambda v: laplacian(n) @ v, np.zeros(n), Effort(count=2, steps=60, probes=30))
    bells = np.exp(-0.5 * ((seen.at[:, None] - exact) / seen.width) ** 2)
    smoothed = bells.mean(axis=1) / (seen.width * np.sqrt(2 * np.pi))
    found = seen.densities()["lanczos"]
    deviations = np.abs(found.value - smoothed)
    assert (deviations <= 5 * found.error + 0.02 * smoothed.max()).all()
    assert (deviations <= 2 * found.error + 0.005 * smoothed.max()).mean() >= 0.85
    assert seen.trace().value == pytest.approx(2 * n, rel=0.02)


def test_jacksons_kernel_keeps_one_eigenvalue_positive_and_narrow():
    A = 0.3 * np.eye(10)
    moments = chebyshev_moments(lambda v: A @ v, np.zeros(10), (-1.0, 1.0), steps=32, probes=1, seed=0)
    x = np.linspace(-0.999, 0.999, 4001)
    density = moments.density(x).value
    assert density.min() >= 0
    assert np.trapezoid(density, x) == pytest.approx(1.0, abs=1e-3)
    assert x[density.argmax()] == pytest.approx(0.3, abs=0.01)
    mean = np.trapezoid(x * density, x)
    spread = np.sqrt(np.trapezoid((x - mean) ** 2 * density, x))
    assert spread == pytest.approx(np.pi / 66 * np.sqrt(1 - 0.3**2), rel=0.05)  # Weiße et al., eq. (75)
    assert moments.density(np.array([-1.5, 1.5])).value.tolist() == [0.0, 0.0]


def test_seeds_name_the_probes_and_work_is_what_was_said(device):
    A = device.array(semicircle(30, 1))
    like = device.array(np.zeros(30))
    ways = {"steps": 5, "probes": 3}
    one, same, other = (
        spectral_measure(lambda v: A @ v, like, seed=seed, **ways).processes[0].diagonal for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    product, calls = counted(semicircle(30, 1))
    chebyshev_moments(product, np.zeros(30), (-3.0, 3.0), seed=0, **ways)
    spectral_measure(product, np.zeros(30), seed=0, **ways)
    assert len(calls) == 2 * 15
    found = chebyshev_moments(lambda v: A @ v, like, (-3.0, 3.0), seed=0, **ways)
    expected = chebyshev_moments(product, np.zeros(30), (-3.0, 3.0), seed=0, **ways)
    assert np.abs(found.values - expected.values).max() <= 1e-13


def test_one_eigenvalue_alone_and_none_but_zero():
    for factor in (0.0, 2.0):
        seen = spectrum_of(lambda v, factor=factor: factor * v, np.zeros(70), Effort(count=1))
        assert seen.extremes.largest[0] == pytest.approx(factor, abs=1e-12)
        density = seen.densities()["kpm"].value
        assert np.isfinite(density).all()
        assert seen.at[density.argmax()] == pytest.approx(factor, abs=2 * seen.width)


def test_an_interval_that_is_too_small_is_refused():
    with pytest.raises(InputError, match="eigenvalues outside"):
        chebyshev_moments(lambda v: laplacian(20) @ v, np.zeros(20), (0.0, 3.0), steps=20, probes=1, seed=0)
    for interval in ((1.0, 1.0), (2.0, 1.0), (0.0, np.inf)):
        with pytest.raises(InputError, match="expected two finite ends"):
            chebyshev_moments(lambda v: v, np.zeros(3), interval, steps=1, probes=1, seed=0)
    with pytest.raises(InputError, match="width"):
        spectral_measure(lambda v: v, np.zeros(3), steps=1, probes=1, seed=0).density(np.zeros(1), 0.0)
    with pytest.raises(InputError, match="probes"):
        spectral_measure(lambda v: v, np.zeros(3), steps=1, probes=0, seed=0)


def test_one_probe_tells_no_error():
    assert np.isnan(mean_of(np.array([3.0])).error)
