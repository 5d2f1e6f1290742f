import hashlib
import time

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refms.errors import InputError
from refms.io import Artifact, read_artifact, write_artifact
from refms.io.writing import chunk_shape

DTYPES = ["float32", "float64", "complex64", "complex128", "int32", "int64", "uint8"]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def random_array(dtype, shape, seed):
    rng = np.random.default_rng(seed)
    if np.dtype(dtype).kind in "iu":
        limits = np.iinfo(dtype)
        return np.asarray(rng.integers(limits.min, limits.max, shape, dtype=dtype, endpoint=True))
    values = np.empty(shape, dtype=dtype)
    values.real = rng.standard_normal(shape)
    if np.iscomplexobj(values):
        values.imag = rng.standard_normal(shape)
    return values


def same(a, b):
    assert a.kind == b.kind
    assert a.attributes == b.attributes
    assert list(a.arrays) == list(b.arrays)
    for name in a.arrays:
        assert a.arrays[name].dtype == b.arrays[name].dtype
        assert a.arrays[name].shape == b.arrays[name].shape
        assert a.arrays[name].tobytes() == b.arrays[name].tobytes()


@settings(max_examples=60)
@given(st.sampled_from(DTYPES), st.lists(st.integers(0, 7), max_size=4), st.integers(0, 2**32 - 1), JSON)
def test_what_is_written_is_read_bit_for_bit(tmp_path_factory, dtype, shape, seed, value):
    path = tmp_path_factory.mktemp("artifact") / "a.h5"
    array = random_array(dtype, tuple(shape), seed)
    artifact = Artifact(
        "golden", {"value": value, "seed": seed, "name": "x"}, {"a/b": array, "c": array[..., None]}
    )
    write_artifact(path, artifact)
    same(read_artifact(path), artifact)


def test_several_chunks_fortran_order_and_big_endian_keep_their_values(tmp_path):
    large = np.random.default_rng(1).standard_normal((700, 900))
    artifact = Artifact(
        "model",
        {},
        {
            "large": large,
            "fortran": np.asfortranarray(large[:9, :7]),
            "strided": large[::50, ::30],
            "big": large[0].astype(">f8"),
        },
    )
    write_artifact(tmp_path / "a.h5", artifact)
    found = read_artifact(tmp_path / "a.h5").arrays
    for name, array in artifact.arrays.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].flags.c_contiguous
    assert found["big"].dtype == np.dtype("<f8")


def test_nan_and_infinity_in_arrays_survive_because_histories_need_them(tmp_path):
    values = np.array([np.nan, np.inf, -np.inf, -0.0])
    write_artifact(tmp_path / "a.h5", Artifact("history", {}, {"objective": values}))
    assert read_artifact(tmp_path / "a.h5").arrays["objective"].tobytes() == values.tobytes()


def test_attributes_larger_than_64_kib_survive(tmp_path):
    artifact = Artifact("model", {"log": ["line"] * 50_000, "text": "ω" * 5000}, {})
    write_artifact(tmp_path / "a.h5", artifact)
    same(read_artifact(tmp_path / "a.h5"), artifact)


def test_equal_artifacts_give_equal_bytes_whatever_the_order_of_their_names(tmp_path):
    rng = np.random.default_rng(5)
    arrays = {"b/2": rng.standard_normal((4, 5)), "a": np.arange(3), "b/1": np.float32(2.5)}
    attributes = {"seed": 3, "name": "x", "rate": 0.5, "nested": {"z": 1, "a": [1, 2]}}
    turned = Artifact("model", dict(reversed(attributes.items())), dict(reversed(arrays.items())))
    write_artifact(tmp_path / "first.h5", Artifact("model", attributes, arrays))
    write_artifact(tmp_path / "second.h5", turned)
    first, second = (
        hashlib.sha256((tmp_path / f"{n}.h5").read_bytes()).hexdigest() for n in ("first", "second")
    )
    assert first == second


def test_a_file_that_is_read_and_written_again_is_the_same_file(tmp_path):
    artifact = Artifact("model", {"seed": 1}, {"x": np.arange(6.0).reshape(2, 3)})
    write_artifact(tmp_path / "first.h5", artifact)
    write_artifact(tmp_path / "second.h5", read_artifact(tmp_path / "first.h5"))
    assert (tmp_path / "first.h5").read_bytes() == (tmp_path / "second.h5").read_bytes()


def test_nothing_in_the_file_tells_the_time(tmp_path):
    artifact = Artifact("model", {"seed": 1}, {"a/b/c": np.arange(3.0), "s": np.float64(1.0)})
    write_artifact(tmp_path / "first.h5", artifact)
    time.sleep(1.1)
    write_artifact(tmp_path / "second.h5", artifact)
    assert (tmp_path / "first.h5").read_bytes() == (tmp_path / "second.h5").read_bytes()


def test_the_digest_is_the_documented_recipe():
    artifact = Artifact("golden", {"seed": 3}, {"x": np.array([[1, 2]], dtype=np.int32)})
    recipe = b'{"attributes":{"seed":3},"kind":"golden"}\n{"name":"x","shape":[1,2],"type":"<i4"}\n'
    recipe += b"\1\0\0\0\2\0\0\0"
    assert artifact.digest == "sha256:" + hashlib.sha256(recipe).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "model"},
        {"attributes": {"seed": 4}},
        {"arrays": {"y": np.zeros(2)}},
        {"arrays": {"x": np.zeros((2, 1))}},
        {"arrays": {"x": np.zeros(2, dtype=np.complex64)}},
        {"arrays": {"x": np.array([0.0, -0.0])}},
    ],
)
def test_the_digest_sees_every_part(change):
    parts = {"kind": "golden", "attributes": {"seed": 3}, "arrays": {"x": np.zeros(2)}}
    assert Artifact(**parts).digest != Artifact(**{**parts, **change}).digest


def test_other_programs_find_plain_attributes_and_arrays_by_path(tmp_path):
    simple = {"seed": 3, "dtype": "float32", "rate": 0.25, "flag": True}
    attributes = {**simple, "config": {"layers": 2}, "digest": "mine"}
    write_artifact(tmp_path / "a.h5", Artifact("model", attributes, {"block/0/S": np.ones((2, 3))}))
    with h5py.File(tmp_path / "a.h5") as file:
        assert file.attrs["schema"] == b"refms"
        assert file.attrs["schema_version"] == 1
        assert (file.attrs["seed"], file.attrs["rate"], file.attrs["flag"]) == (3, 0.25, 1)
        assert file.attrs["dtype"].decode() == "float32"
        assert file.attrs["digest"].startswith(b"sha256:")
        assert "config" not in file.attrs
        assert file["block/0/S"].fletcher32
        kinds = {name: file.attrs.get_id(name).dtype.kind for name in file.attrs}
        assert set(kinds.values()) == {"S", "i", "f"}


@settings(max_examples=100)
@given(st.lists(st.integers(1, 5000), min_size=1, max_size=4), st.sampled_from([1, 4, 8, 16]))
def test_chunks_fit_into_the_array_and_into_one_mebibyte(shape, itemsize):
    chunk = chunk_shape(tuple(shape), itemsize)
    assert len(chunk) == len(shape)
    assert all(1 <= c <= n for c, n in zip(chunk, shape, strict=True))
    assert np.prod(chunk, dtype=float) * itemsize <= 2**20


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"kind": "Model X"}, "kind"),
        ({"kind": ""}, "kind"),
        ({"kind": 3}, "kind"),
        ({"attributes": []}, "mapping"),
        ({"attributes": {1: "x"}}, "key 1"),
        ({"attributes": {"a": [{2: "x"}]}}, "key 2"),
        ({"attributes": {"a": float("nan")}}, "JSON"),
        ({"attributes": {"a": np.float32(1)}}, "JSON"),
        ({"attributes": {"a": {1, 2}}}, "JSON"),
        ({"arrays": {"": np.zeros(1)}}, "array name"),
        ({"arrays": {"a//b": np.zeros(1)}}, "array name"),
        ({"arrays": {"/a": np.zeros(1)}}, "array name"),
        ({"arrays": {"../a": np.zeros(1)}}, "array name"),
        ({"arrays": {"a b": np.zeros(1)}}, "array name"),
        ({"arrays": {"/".join("a" * 17): np.zeros(1)}}, "array name"),
        ({"arrays": {3: np.zeros(1)}}, "array name"),
        ({"arrays": {"a": np.zeros(1), "a/b": np.zeros(1)}}, "'a' is an array and also"),
        ({"arrays": {"a": [1.0]}}, "NumPy"),
        ({"arrays": {"a": np.zeros(1, dtype=np.float16)}}, "float16"),
        ({"arrays": {"a": np.zeros(1, dtype=bool)}}, "bool"),
        ({"arrays": {"a": np.array(["x"])}}, "dtype"),
        ({"arrays": {"a": np.array([None])}}, "object"),
        ({"arrays": None}, "mapping"),
        ({"arrays": dict.fromkeys(map(str, range(20_001)), np.zeros(1))}, "Stack"),
        ({"attributes": {"a": "x" * 2**24}}, "characters"),
    ],
)
def test_what_no_artifact_may_hold_is_refused_before_anything_is_written(parts, says):
    with pytest.raises(InputError, match=says):
        Artifact(**{"kind": "model", "attributes": {}, "arrays": {}, **parts})


def test_circular_attributes_are_refused():
    circle = {}
    circle["self"] = circle
    with pytest.raises(InputError, match="JSON"):
        Artifact("model", circle, {})
