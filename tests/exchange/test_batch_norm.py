"""A BatchNorm in eval mode and the convolution before it are one convolution."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from refms.errors import InputError
from refms.exchange.batch_norm import fold_batch_norms
from refms.grid import Grid
from refms.stencils.convolution import convolution_matrix


@settings(max_examples=30, deadline=None)
@given(
    d=st.integers(1, 3),
    c_in=st.integers(1, 3),
    c_out=st.integers(1, 3),
    leaves=st.sets(st.sampled_from(["bias", "gamma", "beta"])),
    eps=st.sampled_from([0.0, 1e-5, 0.1]),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 99),
)
def test_one_convolution_gives_what_two_layers_give(d, c_in, c_out, leaves, eps, dtype, seed):
    rng, grid = np.random.default_rng(seed), Grid((3,) * d)
    S = rng.standard_normal((c_out, c_in, *(3,) * d))
    b, m, gamma, beta = rng.standard_normal((4, c_out))
    v = rng.uniform(0.5, 2, c_out)
    told = {
        "a.weight": S,
        "a.bias": b,
        "n.weight": gamma,
        "n.bias": beta,
        "n.running_mean": m,
        "n.running_var": v,
    }
    for leaf, name in (("bias", "a.bias"), ("gamma", "n.weight"), ("beta", "n.bias")):
        if leaf not in leaves:
            del told[name]
    told = {name: array.astype(dtype) for name, array in told.items()}
    told["n.num_batches_tracked"] = np.array(7)
    folded, pairs = fold_batch_norms({**told, "z.weight": S}, eps)
    assert pairs == {"n": "a"}
    assert list(folded) == ["a.weight", "a.bias", "z.weight"]
    assert folded["a.weight"].dtype == folded["a.bias"].dtype == dtype

    def of_channel(name, otherwise):
        return np.repeat(told.get(name, np.full(c_out, otherwise)).astype(float), grid.cells)[:, None]

    Y = rng.standard_normal((c_in * grid.cells, 2))
    z = convolution_matrix(told["a.weight"].astype(float), grid) @ Y + of_channel("a.bias", 0.0)
    spread = np.sqrt(of_channel("n.running_var", 1.0) + eps)
    expected = of_channel("n.weight", 1.0) * (z - of_channel("n.running_mean", 0.0)) / spread
    expected += of_channel("n.bias", 0.0)
    once = convolution_matrix(folded["a.weight"].astype(float), grid) @ Y
    found = once + np.repeat(folded["a.bias"].astype(float), grid.cells)[:, None]
    assert np.abs(found - expected).max() < 300 * np.finfo(dtype).eps * (1 + np.abs(expected).max())


def test_several_are_folded_each_into_its_own():
    layer = {"c.weight": np.ones((2, 2, 1)), "n.running_mean": np.zeros(2), "n.running_var": np.full(2, 0.25)}
    weights = {f"{k}.{name}": array for k in "ab" for name, array in layer.items()}
    folded, pairs = fold_batch_norms(weights, 0.0)
    assert pairs == {"a.n": "a.c", "b.n": "b.c"}
    assert [(name, array.max()) for name, array in folded.items()] == [
        ("a.c.weight", 2.0),
        ("a.c.bias", 0.0),
        ("b.c.weight", 2.0),
        ("b.c.bias", 0.0),
    ]


NORM = {"n.running_mean": np.zeros(2), "n.running_var": np.ones(2)}


@pytest.mark.parametrize(
    ("weights", "eps", "words"),
    [
        (NORM, 1e-5, "follows nothing"),
        ({"c.weight": np.ones((3, 2, 1)), **NORM}, 1e-5, "follows 'c', no convolution"),
        ({"g.weight": np.ones(2), **NORM}, 1e-5, "follows 'g', no convolution"),
        ({"c.weight": np.ones((2, 1, 1)), **NORM, "n.weight": np.ones(3)}, 1e-5, "shapes other than (2,)"),
        ({"c.weight": np.ones((2, 1, 1)), "n.running_mean": np.zeros(2)}, 1e-5, "lacks its running_var"),
        ({"c.weight": np.ones((2, 1, 1)), **NORM}, -1.0, "eps is -1.0"),
    ],
)
def test_what_cannot_be_folded_is_refused(weights, eps, words):
    with pytest.raises(InputError) as error:
        fold_batch_norms(weights, eps)
    assert words in str(error.value)
