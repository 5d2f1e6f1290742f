"""Sparse matrices in files: they come back as they were, and what is none is refused in a sentence."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

from refms.errors import InputError
from refms.io import Artifact, read_artifact, write_artifact
from refms.io.matrices import matrix_artifact, matrix_of, symbol_of


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128"])
@pytest.mark.parametrize("shape", [(1, 1), (5, 3), (4, 7)])
def test_a_matrix_comes_back_as_it_was(tmp_path, dtype, shape):
    A = scipy.sparse.random_array(shape, density=0.4, rng=0, dtype=dtype).tocsr()
    write_artifact(tmp_path / "A.h5", matrix_artifact(A, {"seed": 0}, symbol=np.ones(3)))
    artifact = read_artifact(tmp_path / "A.h5")
    found = matrix_of(artifact)
    assert found.dtype == A.dtype
    assert found.shape == A.shape
    np.testing.assert_array_equal(found.toarray(), A.toarray())
    assert artifact.attributes == {"seed": 0}


GOOD = {
    "data": np.ones(3),
    "indices": np.array([0, 1, 0]),
    "indptr": np.array([0, 2, 3]),
    "shape": np.array([2, 2]),
}
BAD = {
    "column beyond": {"indices": np.array([0, 2, 0])},
    "negative column": {"indices": np.array([0, -1, 0])},
    "too few values": {"data": np.ones(2)},
    "falling ends": {"indptr": np.array([2, 0, 3])},
    "ends beyond": {"indptr": np.array([0, 2, 9])},
    "not from zero": {"indptr": np.array([1, 2, 3])},
    "another shape": {"shape": np.array([3, 2])},
    "negative shape": {"shape": np.array([-2, 2])},
    "three numbers": {"shape": np.array([2, 2, 2])},
    "no number": {"shape": np.array(2)},
    "huge": {"shape": np.array([2**62, 2**62])},
    "fractions": {"indices": np.array([0.0, 0.5, 0.0])},
    "table": {"data": np.ones((3, 1))},
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_matrix_is_refused(what):
    with pytest.raises(InputError, match="no matrix of compressed rows"):
        matrix_of(Artifact("matrix", {}, GOOD | BAD[what]))


def test_a_missing_array_and_another_kind_are_refused():
    assert matrix_of(Artifact("matrix", {}, GOOD)).nnz == 3
    with pytest.raises(InputError, match="no matrix of compressed rows"):
        matrix_of(Artifact("matrix", {}, {name: GOOD[name] for name in ("data", "indices", "indptr")}))
    with pytest.raises(InputError, match="unknown kind 'model'"):
        matrix_of(Artifact("model", {}, GOOD))


def test_a_symbol_is_complex_finite_and_on_two_axes():
    good = np.ones((2, 3, 1, 1), complex)
    assert symbol_of(Artifact("matrix", {}, {"symbol": good})) is not None
    for bad in (good.real, good[0], good[:0], good * np.nan):
        with pytest.raises(InputError, match="no symbol"):
            symbol_of(Artifact("matrix", {}, {"symbol": bad}))
    with pytest.raises(InputError, match="no symbol"):
        symbol_of(Artifact("matrix", {}, {}))
