"""Matrices that others wrote come in as they are; what is none is refused before memory is asked for."""

import numpy as np
import pytest
import scipy.io
import scipy.sparse
from peak_memory import memory_below

from refms.errors import FileError
from refms.exchange.matrix_files import LARGEST_TEXT, read_matrix
from refms.io import write_artifact
from refms.io.matrices import matrix_artifact

HEAD = "%%MatrixMarket matrix coordinate real"
BAD = {
    "three rows": f"{HEAD} general\n2 2 1\n3 1 1.0\n",
    "an entry too few": f"{HEAD} general\n2 2 2\n1 1 1.0\n",
    "an entry too many": f"{HEAD} general\n2 2 1\n1 1 1.0\n2 2 1.0\n",
    "more entries than bytes": f"{HEAD} general\n9 9 1000000000\n1 1 1.0\n",
    "more rows than bytes": f"{HEAD} general\n1000000000000 9 1\n1 1 1.0\n",
    "a table": "%%MatrixMarket matrix array real general\n1 1\n1.0\n",
    "half an index": f"{HEAD} general\n2 2 1\n1.5 1 1.0\n",
    "both halves": f"{HEAD} symmetric\n2 2 2\n2 1 3.0\n1 2 3.0\n",
    "lines of different lengths": f"{HEAD} general\n2 2 2\n1 1 1.0\n2 2\n",
    "no entry": f"{HEAD} general\n2 2 1\n",
    "no size": f"{HEAD} general\n",
    "no numbers": f"{HEAD} general\ntwo 2 1\n",
    "another symmetry": f"{HEAD} crooked\n2 2 1\n1 1 1.0\n",
    "half a head": "%%MatrixMarket matrix",
}


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex128", "int64"])
@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_scipys_own_files_come_back(tmp_path, form, dtype):
    A = (9 * scipy.sparse.random_array((5, 7), density=0.4, rng=0)).astype(dtype).asformat(form)
    scipy.sparse.save_npz(tmp_path / "A.npz", A)
    scipy.io.mmwrite(tmp_path / "A.mtx", A)
    for found in map(read_matrix, (tmp_path / "A.npz", tmp_path / "A.mtx")):
        np.testing.assert_array_equal(found.toarray().astype(dtype), A.toarray())


def test_a_matrix_of_refms_comes_back(tmp_path):
    A = scipy.sparse.csr_array(np.eye(3))
    write_artifact(tmp_path / "A.h5", matrix_artifact(A, {}))
    np.testing.assert_array_equal(read_matrix(tmp_path / "A.h5").toarray(), np.eye(3))


@pytest.mark.parametrize("symmetry", ["symmetric", "skew-symmetric"])
def test_half_a_symmetric_matrix_is_filled(tmp_path, symmetry):
    (tmp_path / "A.mtx").write_text(f"{HEAD} {symmetry}\n2 2 1\n2 1 3.0\n", encoding="utf-8")
    assert (
        scipy.io.mmread(tmp_path / "A.mtx").toarray().tolist()
        == read_matrix(tmp_path / "A.mtx").toarray().tolist()
    )
    sign = 1 if symmetry == "symmetric" else -1
    np.testing.assert_array_equal(read_matrix(tmp_path / "A.mtx").toarray(), [[0, sign * 3], [3, 0]])


@pytest.mark.parametrize("text", BAD.values(), ids=BAD)
def test_what_is_no_matrix_market_file_is_refused(tmp_path, text):
    (tmp_path / "A.mtx").write_text(text, encoding="utf-8")
    with memory_below(2**26), pytest.raises(FileError, match=r"A\.mtx.*Matrix Market") as caught:
        read_matrix(tmp_path / "A.mtx")
    assert str(caught.value).isprintable()


GOOD = {
    "format": np.array(b"csr"),
    "shape": np.array([2, 2]),
    "data": np.ones(3),
    "indices": np.array([0, 1, 0], dtype="int32"),
    "indptr": np.array([0, 2, 3], dtype="int32"),
}
WRONG = {
    "a column beyond": {"indices": np.array([0, 2, 0])},
    "a negative column": {"indices": np.array([0, -1, 0])},
    "falling ends": {"indptr": np.array([2, 0, 3])},
    "another shape": {"shape": np.array([3, 2])},
    "a huge shape": {"shape": np.array([2**62, 2**62])},
    "no shape": {"shape": np.array(2.0)},
    "an unknown format": {"format": np.array(b"dia")},
    "a row beyond": {"format": np.array(b"coo"), "row": np.array([0, 1, 9]), "col": np.array([0, 1, 0])},
    "no columns": {"format": np.array(b"coo"), "row": np.array([0, 1, 1])},
}


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_what_is_no_sparse_matrix_is_refused(tmp_path, change):
    np.savez(tmp_path / "A.npz", **GOOD)
    assert read_matrix(tmp_path / "A.npz").nnz == 3
    np.savez(tmp_path / "A.npz", **{**GOOD, **change})
    with pytest.raises(FileError, match=r"A\.npz.*(sparse matrix|by entries)"):
        read_matrix(tmp_path / "A.npz")


def test_other_files_are_refused_unread(tmp_path):
    (tmp_path / "A.mtx").write_bytes(b"hello")
    with pytest.raises(FileError, match=r"starts with b'hello'; expected \.h5"):
        read_matrix(tmp_path / "A.mtx")
    with open(tmp_path / "A.mtx", "wb") as file:
        file.write(b"%%MatrixMarket matrix")
        file.truncate(LARGEST_TEXT + 1)
    with pytest.raises(FileError, match="longer than"):
        read_matrix(tmp_path / "A.mtx")
    with pytest.raises(FileError, match="cannot be read"):
        read_matrix(tmp_path / "none.mtx")
