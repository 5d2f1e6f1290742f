"""A layout names the parts of one flat vector: pack and unpack are inverse, views are views."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refms.errors import InputError
from refms.maps.layout import EMPTY, Layout, join_layouts

part_shapes = st.lists(st.lists(st.integers(1, 4), max_size=3).map(tuple), min_size=1, max_size=4)
SMALL = Layout((("stencil", (1, 1, 3)), ("bias", (1,))))


def layout_of(shapes):
    return Layout(tuple((f"part{k}", shape) for k, shape in enumerate(shapes)))


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@given(shapes=part_shapes)
@settings(max_examples=15)
def test_pack_and_unpack_are_inverse(device, dtype, shapes):
    layout = layout_of(shapes)
    host = np.arange(layout.size, dtype=dtype)
    theta = device.array(host)
    parts = layout.unpack(theta)
    assert list(parts) == list(layout.names)
    assert [tuple(part.shape) for part in parts.values()] == shapes
    packed = layout.pack(parts)
    assert packed.dtype == np.dtype(dtype)
    assert np.array_equal(device.host(packed), host)


@given(shapes=part_shapes)
@settings(max_examples=30)
def test_parts_stand_in_order_each_in_c_order(shapes):
    layout = layout_of(shapes)
    assert layout.size == sum(math.prod(shape) for shape in shapes)
    flat = np.concatenate([part.ravel() for part in layout.unpack(np.arange(layout.size)).values()])
    assert flat.tolist() == list(range(layout.size))


def test_unpacked_parts_are_views_and_packed_vectors_are_new():
    theta = np.zeros(4)
    parts = SMALL.unpack(theta)
    assert all(np.shares_memory(part, theta) for part in parts.values())
    assert not np.shares_memory(SMALL.pack(parts), theta)
    one = Layout((("only", (3,)),))
    source = np.ones(3)
    assert not np.shares_memory(one.pack({"only": source}), source)


def test_packing_follows_the_layout_and_not_the_dictionary():
    parts = {"bias": np.array([3.0]), "stencil": np.array([[[0.0, 1.0, 2.0]]])}
    assert SMALL.pack(parts).tolist() == [0.0, 1.0, 2.0, 3.0]


def test_layouts_add_and_get_prefixes():
    both = join_layouts([("a", SMALL), ("b", SMALL)])
    assert both.names == ("a/stencil", "a/bias", "b/stencil", "b/bias")
    assert both.size == 2 * SMALL.size
    assert both.unpack(np.arange(8.0))["b/bias"].tolist() == [7.0]
    assert join_layouts([("", EMPTY), ("", SMALL)]) == SMALL
    assert EMPTY.size == 0
    assert EMPTY.unpack(np.zeros(0)) == {}


def test_parts_of_mixed_backends_are_refused(fake_gpu):
    with pytest.raises(InputError, match="different backends"):
        SMALL.pack({"stencil": fake_gpu.array(np.zeros((1, 1, 3))), "bias": np.zeros(1)})
