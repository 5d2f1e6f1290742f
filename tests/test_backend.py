"""Arrays decide the backend; nothing is moved or converted silently."""

import sys

import numpy as np
import pytest
import scipy.sparse

from refms.backend import NUMPY, backend_named, backend_of
from refms.errors import InputError

DTYPES = ("float32", "float64", "complex64", "complex128")


def test_backends_are_found_by_name(fake_gpu):
    assert backend_named("numpy") is NUMPY
    assert backend_named("cupy").name == "cupy"
    assert backend_named("cupy") == fake_gpu.backend


def test_a_backend_that_is_not_there_is_a_sentence(fake_gpu, monkeypatch):
    with pytest.raises(InputError, match="Did you mean 'numpy'"):
        backend_named("nunpy")
    monkeypatch.setattr(fake_gpu.backend.xp.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="no usable GPU"):
        backend_named("cupy")
    monkeypatch.setitem(sys.modules, "cupy", None)
    with pytest.raises(InputError, match=r"pip install 'refms\[gpu\]'"):
        backend_named("cupy")


@pytest.mark.parametrize("dtype", [*DTYPES, "int64", "bool"])
@pytest.mark.parametrize("shape", [(), (1,), (0, 3), (2, 3)])
def test_a_round_trip_keeps_bits_and_dtype(device, dtype, shape):
    host = np.asarray(np.random.default_rng(0).standard_normal(shape) * 3).astype(dtype)
    there = device.backend.from_host(host)
    back = device.backend.to_host(there)
    assert device.owns(there)
    assert type(back) is np.ndarray
    assert (back.dtype, back.shape) == (host.dtype, host.shape)
    assert back.tobytes() == host.tobytes()


def test_numpy_copies_nothing():
    host = np.ones(3)
    assert NUMPY.from_host(host) is host
    assert NUMPY.to_host(host) is host


def test_arrays_decide(device):
    dense = device.array(np.ones((2, 2)))
    sparse = device.backend.csr_from_host(scipy.sparse.eye_array(2))
    for arrays in ((dense,), (sparse,), (dense, sparse), (sparse.T, dense[0], dense.sum())):
        assert backend_of(*arrays) == device.backend


def test_arrays_of_two_backends_are_refused(fake_gpu):
    with pytest.raises(InputError, match="cupy, numpy"):
        backend_of(fake_gpu.array(np.ones(2)), np.ones(2))


@pytest.mark.parametrize("thing", [1.0, [1.0], None, "array", (np.ones(2),), memoryview(b"12")])
def test_what_is_no_array_is_refused(thing):
    for arrays in ((thing,), (np.ones(2), thing)):
        with pytest.raises(InputError, match="expected a NumPy or CuPy array"):
            backend_of(*arrays)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("form", ["coo", "csc", "csr", "dia", "lil"])
def test_sparse_matrices_arrive_as_sorted_csr(device, dtype, form):
    rng = np.random.default_rng(1)
    host = scipy.sparse.random_array((5, 4), density=0.4, rng=rng).astype(dtype).asformat(form)
    matrix = device.backend.csr_from_host(host)
    back = device.host(matrix)
    assert matrix.format == "csr"
    assert matrix.dtype == np.dtype(dtype)
    assert back.has_sorted_indices
    assert np.array_equal(back.toarray(), host.toarray())


def test_duplicate_entries_add_and_what_is_sent_stays_as_it_was(device):
    twice = scipy.sparse.csr_array((np.array([1.0, 2.0]), np.array([1, 1]), np.array([0, 2])), shape=(1, 2))
    matrix = device.backend.csr_from_host(twice)
    assert (matrix.nnz, twice.nnz) == (1, 2)
    assert device.host(matrix).toarray().tolist() == [[0.0, 3.0]]
