"""Fused kernels compute what the chains of operations compute, in every dtype, and promote nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refms.backend import NUMPY
from refms.elementwise import finish, tanh_step

DTYPES = ("float32", "float64", "complex128")


def normal(rng, dtype, *shape):
    x = rng.standard_normal(shape)
    return (x + 1j * rng.standard_normal(shape) if dtype == "complex128" else x).astype(dtype)


def same(found, expected):
    """Up to rounding: complex products may be contracted."""
    unit = 8 * np.finfo(expected.dtype).eps
    np.testing.assert_allclose(found, expected, rtol=unit, atol=unit)


@given(st.integers(1, 3), st.integers(1, 5), st.integers(1, 4), st.sampled_from(DTYPES), st.integers(0, 7))
def test_finishing_adds_multiplies_and_adds(c, n, m, dtype, given_parts):
    rng = np.random.default_rng(n + 10 * m)
    x, factor, add = (normal(rng, dtype, c * n, m) for _ in range(3))
    bias = normal(rng, dtype, c)
    parts = [part if given_parts >> k & 1 else None for k, part in enumerate((bias, factor, add))]
    expected = x if parts[0] is None else x + np.repeat(bias, n)[:, None]
    expected = expected if parts[1] is None else factor * expected
    expected = expected if parts[2] is None else add + expected
    found = finish(NUMPY, x.copy(), *parts)
    assert found.dtype == expected.dtype
    same(found, expected)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("given_parts", range(8))
def test_the_kernel_gives_the_same_as_the_chain(fake_gpu, dtype, given_parts):
    rng = np.random.default_rng(given_parts)
    x, factor, add = (normal(rng, dtype, 6, 4) for _ in range(3))
    bias = normal(rng, dtype, 3)
    parts = [part if given_parts >> k & 1 else None for k, part in enumerate((bias, factor, add))]
    there = [None if part is None else fake_gpu.array(part) for part in parts]
    found = fake_gpu.host(finish(fake_gpu.backend, fake_gpu.array(x), *there))
    assert found.dtype == dtype
    same(found, finish(NUMPY, x.copy(), *parts))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_step_of_tanh_gives_state_and_slope(fake_gpu, dtype):
    rng = np.random.default_rng(1)
    Z, Y = normal(rng, dtype, 5, 3), normal(rng, dtype, 5, 3)
    following, slope = tanh_step(fake_gpu.backend.xp, fake_gpu.array(Z), fake_gpu.array(Y), 0.25)
    assert following.dtype == slope.dtype == dtype
    same(fake_gpu.host(following), (Y + 0.25 * np.tanh(Z)).astype(dtype))
    same(fake_gpu.host(slope), (1 - np.tanh(Z) ** 2).astype(dtype))


def test_mixed_precision_is_refused_by_the_kernels(fake_gpu):
    x, other = fake_gpu.array(np.ones((2, 2))), fake_gpu.array(np.ones((2, 2), dtype="float32"))
    with pytest.raises(TypeError, match="mismatched"):
        tanh_step(fake_gpu.backend.xp, x, other, 0.5)
