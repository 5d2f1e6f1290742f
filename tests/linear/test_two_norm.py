"""‖A‖₂ against known spectra, on both sides of the size up to which matrices are made dense."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

from refms.linear.two_norm import DENSE, two_norm


@pytest.mark.parametrize("n", [1, 3, DENSE, DENSE + 1])
@pytest.mark.parametrize("extra", [0, 7])
@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
def test_the_norm_of_a_scaled_permutation_is_its_largest_entry(n, extra, dtype):
    rng = np.random.default_rng(n)
    values = rng.uniform(-1, 1, n).astype(dtype) * (1 if dtype != "complex128" else 1j)
    values[n // 2] = -2.0
    entries = (values, (rng.permutation(n), rng.permutation(n)))
    A = scipy.sparse.csr_array(entries, shape=(n + extra, n))
    for B in (A, A.T.tocsr()):
        assert two_norm(B) == pytest.approx(2.0, rel=1e-7)


def test_the_laplacian_of_a_line():
    n = 2 * DENSE
    A = scipy.sparse.diags_array([1.0, -2.0, 1.0], offsets=[-1, 0, 1], shape=(n, n)).tocsr()
    assert two_norm(A) == pytest.approx(4 * np.cos(np.pi / (2 * (n + 1))) ** 2, rel=1e-7)
    assert two_norm(A) == two_norm(A)  # the start is always the same


def test_a_matrix_of_zeros_has_norm_zero():
    for n in (3, DENSE + 1):
        assert two_norm(scipy.sparse.csr_array((n, n))) == 0.0
