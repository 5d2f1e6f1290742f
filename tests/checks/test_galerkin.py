"""R K_h P is the matrix of the coarse stencil, and of no other."""

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from smooth_problem import random

from refms import checks
from refms.errors import InputError
from refms.grid import Grid

quick = settings(max_examples=15)
seeds = st.integers(0, 2**32 - 1)
BOTH = pytest.mark.parametrize("dtype", ["float32", "float64"])


def circulant(s, n):
    """The 1-D matrix of a stencil, entry by entry."""
    K = np.zeros((n, n))
    for i in range(n):
        for k, value in enumerate(s):
            K[i, (i + k - len(s) // 2) % n] += value
    return K


def averaging(n):
    """The pair averaging-constant on n fine cells."""
    P = np.repeat(np.eye(n // 2), 2, axis=0)
    return P.T / 2, P


def coarse_stencil(s):
    """A s for averaging-constant: A = [[½,0,0],[½,1,½],[0,0,½]]."""
    return np.array([s[0] / 2, s[0] / 2 + s[1] + s[2] / 2, s[2] / 2])


def sparse_on(device, dtype, *matrices):
    return [device.backend.csr_from_host(scipy.sparse.csr_array(M.astype(dtype))) for M in matrices]


@BOTH
@given(seed=seeds, half=st.integers(1, 6))
@quick
def test_the_galerkin_product_is_the_convolution_with_the_coarse_stencil(device, dtype, seed, half):
    s = random(seed, 3)
    R, P = averaging(2 * half)
    matrices = sparse_on(device, dtype, R, circulant(s, 2 * half), P, circulant(coarse_stencil(s), half))
    assert checks.galerkin_test(*matrices).rho < 5
    stencil = device.array(coarse_stencil(s).astype(dtype))
    assert checks.galerkin_stencil_test(*matrices[:3], stencil, Grid((half,))).rho < 5


def test_the_stencil_form_in_two_dimensions_with_channels(device):
    rng = np.random.default_rng(0)
    S = rng.standard_normal((2, 3, 3, 5))
    grid = Grid((4, 3))
    K = np.zeros((2, 4, 3, 3, 4, 3))
    for o, c, i, j, a, b in np.ndindex(2, 3, 4, 3, 3, 5):
        K[o, i, j, c, (i + a - 1) % 4, (j + b - 2) % 3] += S[o, c, a, b]
    K = K.reshape(24, 36)
    one_out, fine, one_in = sparse_on(device, "float64", np.eye(24), K, np.eye(36))
    right = checks.galerkin_stencil_test(one_out, fine, one_in, device.array(S), grid)
    assert right.passed, right
    for wrong in (S[:, :, ::-1], S[:, :, :, ::-1], S * (1 + 1e-10), S + np.nan):
        report = checks.galerkin_stencil_test(one_out, fine, one_in, device.array(wrong), grid)
        assert report.verdict == "FAIL"


def test_wrong_coarse_matrices_fail(device):
    s = np.array([0.3, -1.0, 0.9])
    R, P = averaging(8)
    H = circulant(coarse_stencil(s), 4)
    cases = {
        "0.1 %": (1.001 * H, "1.001 times"),
        "1e-10": ((1 + 1e-10) * H, "1 + 1e-10 times"),
        "summed instead of averaged": (2 * H, "2 = 2^1 times"),
        "transposed": (H.T, "no constant factor"),
        "unchanged stencil": (circulant(s, 4), "no constant factor"),
        "nan": (H * np.nan, "differs"),
        "zero": (0 * H, "differs"),
        "wrong size": (circulant(s, 8), "fit together"),
    }
    for name, (wrong, said) in cases.items():
        report = checks.galerkin_test(*sparse_on(device, "float64", R, circulant(s, 8), P, wrong))
        assert report.verdict == "FAIL", name
        assert said in report.sentence, name


def test_a_zero_product_tests_nothing():
    zero, one = scipy.sparse.csr_array((2, 2), dtype=float), scipy.sparse.eye_array(2, format="csr")
    assert checks.galerkin_test(one, zero, one, zero).verdict == "MARGINAL"
    assert checks.galerkin_test(one, zero, one, one).verdict == "FAIL"


def test_galerkin_arguments_that_contradict_are_refused():
    one = scipy.sparse.eye_array(4, format="csr")
    with pytest.raises(InputError, match="mixed dtypes"):
        checks.galerkin_test(one, one.astype("float32"), one, one)
    with pytest.raises(InputError, match="odd"):
        checks.galerkin_stencil_test(one, one, one, np.ones(2), Grid((4,)))
