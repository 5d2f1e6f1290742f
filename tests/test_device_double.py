"""The stand-in for CuPy really refuses what CuPy refuses, and offers nothing that CuPy lacks."""

import importlib
import inspect

import device_double
import numpy as np
import pytest
import scipy.sparse
from device_double import functions
from device_double import sparse as sparse_double

from refms.backend import backend_of

HOST = np.arange(6.0).reshape(2, 3)


@pytest.fixture
def xp(fake_gpu):
    return fake_gpu.backend.xp


@pytest.fixture
def sparse(fake_gpu):
    return fake_gpu.backend.sparse


IMPLICIT = {
    "asarray": lambda a: np.asarray(a),
    "array": lambda a: np.array(a),
    "function": lambda a: np.sin(a),
    "reduction": lambda a: np.sum(a),
    "concatenate": lambda a: np.concatenate([a, a]),
    "linalg": lambda a: np.linalg.norm(a),
    "left": lambda a: a + HOST,
    "right": lambda a: HOST + a,
    "matmul": lambda a: HOST.T @ a,
    "in place": lambda a: a.__iadd__(HOST),
    "host in place": lambda a: HOST.copy().__iadd__(a),
    "assignment": lambda a: a.__setitem__(slice(None), HOST),
    "host assignment": lambda a: HOST.copy().__setitem__(slice(None), a),
    "index": lambda a: a[np.array([0, 1])],
    "comparison": lambda a: a < HOST,
    "method argument": lambda a: a.dot(HOST.T),
    "sparse": lambda a: scipy.sparse.eye_array(2) @ a,
}


@pytest.mark.parametrize("act", IMPLICIT.values(), ids=IMPLICIT.keys())
def test_it_never_mixes_with_numpy_silently(xp, act):
    with pytest.raises((TypeError, ValueError)):
        act(xp.asarray(HOST))


@pytest.mark.parametrize(
    "name", ["isin", "vectorize", "errstate", "einsum_path", "nditer", "ufunc", "lib.format", "testing"]
)
def test_what_is_not_on_the_list_is_not_there(xp, name):
    with pytest.raises(AttributeError):
        inspect.getattr_static(xp, name)


def test_keyword_arguments_that_cupy_lacks_are_refused(xp):
    a = xp.asarray(HOST)
    for act in (
        lambda: xp.add(a, a, where=a > 0),
        lambda: xp.sum(a, where=a > 0),
        lambda: a.sum(initial=1.0),
        lambda: xp.einsum("ij,ij->", a, a, out=a),
        lambda: xp.linalg.svd(a, hermitian=False),
        lambda: xp.take(a, xp.asarray([0]), mode="clip"),
    ):
        with pytest.raises(TypeError, match="CuPy does not have"):
            act()


def test_arrays_are_not_writeable_flagged(xp):
    with pytest.raises(AttributeError):
        xp.asarray(HOST).flags.writeable = False


def test_reductions_stay_on_the_device_and_reads_are_counted(xp, ledger):
    total = xp.asarray(HOST).sum()
    assert type(total).__module__ == "cupy"
    assert total.shape == ()
    assert ledger.synchronisations == 0
    assert float(total) == 15.0
    assert bool(total > 0)
    assert ledger.synchronisations == 2


def test_the_truth_of_many_is_refused(xp):
    with pytest.raises(ValueError, match="ambiguous"):
        bool(xp.asarray(HOST) > 0)


def test_transfers_copy(xp):
    host = HOST.copy()
    a = xp.asarray(host)
    a[0, 0] = 7.0
    assert host[0, 0] == 0.0
    back = a.get()
    back[0, 0] = 8.0
    assert float(a[0, 0]) == 7.0


def test_empty_shows_what_nobody_wrote(xp):
    assert np.isnan(xp.empty(3).get()).all()
    assert np.isnan(xp.empty_like(xp.zeros(3, dtype="float32")).get()).all()


def test_operators_and_functions_compute_what_numpy_computes(xp):
    a = xp.asarray(HOST)
    assert ((2.0 - a / 4.0) ** 2).get().tolist() == ((2.0 - HOST / 4.0) ** 2).tolist()
    assert (a @ a.T).get().tolist() == (HOST @ HOST.T).tolist()
    assert xp.concatenate([a, a], axis=1).get().tolist() == np.concatenate([HOST, HOST], axis=1).tolist()
    out = xp.zeros((2, 2))
    xp.matmul(a, a.T, out=out)
    assert out.get().tolist() == (HOST @ HOST.T).tolist()
    a += 1.0
    assert a.get().tolist() == (HOST + 1.0).tolist()
    view = xp.lib.stride_tricks.as_strided(a, shape=(2, 2), strides=(24, 8))
    assert view.get().tolist() == [[1.0, 2.0], [4.0, 5.0]]


def test_numpy_numbers_may_meet_it(xp):
    product = np.float64(2.0) * xp.asarray(HOST)
    assert type(product).__module__ == "cupy"
    assert product.get().tolist() == (2.0 * HOST).tolist()


def test_it_belongs_to_the_cupy_backend(fake_gpu):
    matrix = fake_gpu.backend.csr_from_host(scipy.sparse.csr_array(HOST))
    assert backend_of(fake_gpu.array(HOST), matrix, matrix.T) == fake_gpu.backend


def test_sparse_products(xp, sparse):
    A = sparse.csr_array(xp.asarray(HOST))
    x = xp.asarray(HOST[0])
    assert (A @ x).get().tolist() == (HOST @ HOST[0]).tolist()
    assert (A @ A.T).get().toarray().tolist() == (HOST @ HOST.T).tolist()
    product = A @ xp.asarray(HOST.T)
    assert product.flags.f_contiguous  # as cuSPARSE leaves it
    assert (xp.asarray(HOST.T) @ A).get().tolist() == (HOST.T @ HOST).tolist()
    assert (2.0 * A - A).get().toarray().tolist() == HOST.tolist()


def test_sparse_refusals(xp, sparse):
    A = sparse.csr_array(xp.asarray(HOST))
    for act in (
        lambda: A @ HOST.T,
        lambda: HOST.T @ A,
        lambda: A / 2.0,
        lambda: A + scipy.sparse.csr_array(HOST),
        lambda: np.asarray(A),
        lambda: sparse.csr_array(HOST),
        lambda: sparse.csr_array(xp.asarray(HOST.astype("int64"))),
        lambda: sparse.kron(A, A),
        lambda: sparse.kron(A, scipy.sparse.csr_array(HOST), format="csr"),
        lambda: sparse.csr_array((HOST.ravel(), HOST.ravel(), HOST.ravel()), shape=(2, 3)),
        lambda: len(A),
    ):
        with pytest.raises((TypeError, ValueError, NotImplementedError)):
            act()


def test_it_leaves_no_trace():
    assert type(importlib.sys.modules.get("cupy")).__name__ in ("NoneType", "module")
    assert getattr(importlib.sys.modules.get("cupy"), "ndarray", None) is not device_double.ndarray


# What the double offers exists in the real CuPy, where that can be imported (it can without a GPU).


@pytest.fixture(scope="module")
def real():
    cupy = pytest.importorskip("cupy", reason="CuPy is not installed")
    if cupy.ndarray is device_double.ndarray:
        pytest.skip("only the double is installed")
    return cupy


def _lines(table):
    return [(line.split()[0], line.split()[1:]) for line in table.strip().splitlines()]


def test_every_function_of_the_double_is_in_cupy(real):
    for path, keywords in _lines(functions.FUNCTIONS) + _lines(functions.CREATORS):
        function = real
        for part in path.split("."):
            function = getattr(function, part)
        try:
            parameters = inspect.signature(function).parameters
        except ValueError:
            continue
        if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            assert set(keywords) <= set(parameters), path
    for name in functions.UFUNCS.split():
        assert isinstance(getattr(real, name), real.ufunc), name
    for name in functions.CONSTANTS.split():
        assert hasattr(real, name), name


def test_every_method_of_the_double_is_in_cupy(real):
    own = {name for name in vars(device_double.ndarray) if not name.startswith("_")}
    assert own <= set(dir(real.ndarray))
    sparse = importlib.import_module("cupyx.scipy.sparse")
    for name in (*sparse_double.BUILDERS, "csr_array", "csc_array", "coo_array", "issparse"):
        assert hasattr(sparse, name), name
    for name in ("csr_array", "csc_array", "coo_array"):
        own = {n for n in dir(getattr(sparse_double, name)) if not n.startswith("_")}
        assert own <= set(dir(getattr(sparse, name))) | {"data", "indices", "indptr", "row", "col"}, name
