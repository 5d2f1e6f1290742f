"""SiLU's slope and curvature are the derivatives of its value, by complex steps."""

from __future__ import annotations

import numpy as np

from refms.definition.silu import silu, silu_curvature, silu_slope


def test_derivatives_by_complex_steps():
    x = np.linspace(-6, 6, 41)
    np.testing.assert_allclose(silu_slope(x), np.imag(silu(x + 1e-30j)) / 1e-30, atol=1e-15)
    np.testing.assert_allclose(silu_curvature(x), np.imag(silu_slope(x + 1e-30j)) / 1e-30, atol=2e-15)
