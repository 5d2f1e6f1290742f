"""The numbers of a network under other names and in other orders are the same network."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from refms.conformance.adapters.parameter_names import (
    FLAX,
    TORCH,
    NetworkSpec,
    rearrange,
    renaming,
    zero_parameters,
)
from refms.errors import InputError

EXTENT = st.integers(1, 4)
EXTENTS = st.fixed_dictionaries(
    {name: st.lists(EXTENT, min_size=1, max_size=1) for name in ("in", "out")}
    | {"grid": st.lists(EXTENT, min_size=1, max_size=3)}
).map(lambda found: {name: tuple(sizes) for name, sizes in found.items()})
USUAL = {"torch": TORCH, "flax": FLAX}
PLAIN = {key: key for key in ("opening", "stencils", "biases", "W", "mu")}


def drawn(spec):
    rng = np.random.default_rng(0)
    return {key: rng.standard_normal(one.shape) for key, one in zero_parameters(spec).items()}


@given(EXTENTS, st.permutations(["in", "out", "grid"]))
def test_axes_go_back_where_they_were(extents, order):
    shape = [n for name in ("out", "in", "grid") for n in extents[name]]
    array = np.arange(np.prod(shape)).reshape(shape)
    for want in (" ".join(order), "*".join(order)):
        there = rearrange(array, "out in grid", want, extents, np.transpose)
        back = rearrange(there, want, "out in grid", extents, np.transpose)
        np.testing.assert_array_equal(back, array)


@given(st.integers(1, 3), st.lists(EXTENT, min_size=1, max_size=3), EXTENT)
def test_flattened_images_meet_the_same_weights_in_torch_and_flax(channels, grid, classes):
    spec = NetworkSpec(1, channels, 1, classes, (3,) * len(grid), tuple(grid))
    p = drawn(spec)
    images = np.random.default_rng(1).standard_normal((2, channels, *grid))
    expected = p["W"].T @ images.reshape(2, -1).T
    W = {name: renaming(PLAIN, axes, np.transpose)(p, spec)["W"] for name, axes in USUAL.items()}
    np.testing.assert_allclose(W["torch"] @ images.reshape(2, -1).T, expected, atol=1e-12)
    last = np.moveaxis(images, 1, -1).reshape(2, -1)
    np.testing.assert_allclose((last @ W["flax"]).T, expected, atol=1e-12)


def test_layers_are_one_array_or_one_each():
    spec = NetworkSpec(2, 3, 4, 5, (3, 1), (2, 2))
    p = drawn(spec)
    names = PLAIN | {"stencils": "conv{k+1}.weight[in out stencil]", "biases": "biases[out layer]"}
    theirs = renaming(names, TORCH, np.transpose)(p, spec)
    assert [name for name in theirs if "conv" in name] == [f"conv{k}.weight" for k in (1, 2, 3, 4)]
    np.testing.assert_array_equal(theirs["conv2.weight"], p["stencils"][1].swapaxes(0, 1))
    np.testing.assert_array_equal(theirs["biases"], p["biases"].T)


@pytest.mark.parametrize("text", ["W[class out*stencil]", "W[class]", "W[", ""])
def test_a_place_that_is_none_is_refused(text):
    with pytest.raises(InputError, match="W is "):
        renaming(PLAIN | {"W": text}, TORCH, np.transpose)
