"""A model: its two vectors, its logits, its intermediates, its images, its score."""

from __future__ import annotations

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from small_nets import examples, images, locked, rho, trained, untrained

from refms.data.dataset import Dataset, one_hot
from refms.data.preprocessing import Preprocessing
from refms.errors import InputError
from refms.grid import Grid
from refms.maps.architectures.residual import Residual
from refms.model import Model, initial_model, score
from refms.objective.reading import Classes
from refms.stencils.smoothing import gaussian_matrix
from refms.stencils.transfer import transfer_pair

TINY = Residual(Grid((2, 2)), channels=1)


def arrays_of(network, classes=3, dtype="float64"):
    rng = np.random.default_rng(0)
    shapes = {**network.arrays.shapes, "W": (network.channels * network.grid.cells, classes)}
    drawn = {name: rng.standard_normal(shape).astype(dtype) for name, shape in shapes.items()}
    return {**drawn, "mu": rng.standard_normal(classes).astype(dtype)}


@pytest.mark.parametrize("opening", ["fixed", "learned"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_with_blocks_is_the_inverse_of_blocks(opening, dtype):
    network = Residual(Grid((4, 2)), 3, image_channels=2, layers=3, opening=opening, stencil_shape=(3, 1))
    model = Model(network, arrays_of(network, 4, dtype), Classes(4))
    blank = model.with_arrays(**{name: 0 * model.arrays[name] for name in ("stencils", "biases", "W", "mu")})
    back = blank.with_blocks(model.blocks)
    for name, array in model.arrays.items():
        np.testing.assert_array_equal(back.arrays[name], array)
        assert back.arrays[name].dtype == dtype
    for name, vector in model.blocks.items():
        np.testing.assert_array_equal(back.blocks[name], vector)


def test_a_learned_opening_is_in_the_vector_and_a_fixed_one_is_not():
    sizes = {}
    for opening in ("fixed", "learned"):
        network = Residual(Grid((4, 4)), 3, opening=opening, opening_shape=(3, 3))
        model = Model(network, arrays_of(network), Classes(3))
        sizes[opening] = model.blocks["propagation"].size
        changed = model.with_blocks({**model.blocks, "propagation": 2 * model.blocks["propagation"]})
        assert np.array_equal(changed.arrays["opening"], model.arrays["opening"]) == (opening == "fixed")
        np.testing.assert_array_equal(changed.arrays["stencils"], 2 * model.arrays["stencils"])
    assert sizes["learned"] - sizes["fixed"] == 3 * 1 * 3 * 3


def test_models_share_no_parameters_with_the_vectors_they_came_from():
    model = trained(4)
    blocks = {name: vector.copy() for name, vector in model.blocks.items()}
    built = model.with_blocks(blocks)
    for vector in blocks.values():
        vector[:] = np.nan
    for name in ("stencils", "biases", "W", "mu"):
        np.testing.assert_array_equal(built.arrays[name], model.arrays[name])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_logits_do_not_depend_on_the_batches(dtype):
    model = trained(8, dtype=dtype)
    X = examples(model, images()).inputs
    need = 2 * model.map.stored * X.itemsize
    whole = model.outputs(X)
    assert whole.dtype == dtype
    scale = np.abs(model.arrays["W"]).T @ np.abs(model.trace(X)["network/output"]) * model.grid.cell_volume
    for memory in (need, 3 * need, 7 * need + 1):
        assert rho(model.outputs(X, memory), whole, scale) <= 30


def test_a_memory_budget_is_kept():
    model = trained(8)
    X = np.concatenate([examples(model, images()).inputs] * 20, axis=1)
    budget = 2**20
    assert X.shape[1] * model.map.stored * X.itemsize > 20 * budget
    tracemalloc.start()
    Z = model.outputs(X, budget)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 2 * Z.nbytes + budget


@pytest.mark.parametrize("orientation", ["correlation", "convolution"])
def test_the_trace_names_every_layer_and_equals_the_explicit_matrices(orientation):
    model = trained(4, layers=3, opening_stencil=3, orientation=orientation, iterations=1)
    X = examples(model, images("digits", 5)).inputs
    found = model.trace(X)
    layer, dt = model.architecture.convolution, 1.0 / 3
    opening = replace(layer, c_in=1)
    y = opening.matrix(model.arrays["opening"]) @ X
    expected = {"network/opening/output": y, "network/propagation/y0": y}
    for k in range(3):
        convolved = layer.matrix(model.arrays["stencils"][k]) @ y
        z = convolved + np.repeat(model.arrays["biases"][k], 16)[:, None]
        y = y + dt * np.tanh(z)
        name = f"network/propagation/layer{k}"
        expected |= {f"{name}/convolution": convolved, f"{name}/preactivation": z}
        expected |= {f"{name}/output": np.tanh(z), f"network/propagation/y{k + 1}": y}
    logits = model.arrays["W"].T @ y / 16 + model.arrays["mu"][:, None]
    expected |= {"network/propagation/output": y, "network/output": y}
    expected |= {"classifier/output": logits, "output": logits}
    assert list(found) == list(expected)
    for name, array in expected.items():
        assert rho(found[name], array) <= 30, name
    assert rho(found["output"], model.outputs(X)) <= 30


def test_images_are_scaled_smoothed_and_restricted_by_explicit_matrices():
    dataset = images("digits", 7)
    steps = Preprocessing(scale=2.0, shift=1.0, smoothing=0.7, pair="full-weighting-linear")
    for size, levels in ((8, 0), (4, 1), (2, 2)):
        model = replace(untrained(size), preprocessing=steps)
        Y = gaussian_matrix(dataset.grid, 0.7) @ (2.0 * dataset.images.reshape(7, 64).T / 16.0 - 1.0)
        if levels:
            Y = transfer_pair(steps.pair).restriction_matrix(dataset.grid, levels=levels) @ Y
        assert rho(model.prepare(dataset), Y) <= 30


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_images_get_the_precision_of_the_model(dtype):
    assert untrained(4, dtype=dtype).prepare(images()).dtype == dtype


def constructed() -> Model:
    """Return a model whose logits are the four pixels of the image and one constant."""
    network = Residual(Grid((2, 2)), channels=1, final_time=0.0)
    given = {"opening": np.ones((1, 1, 1, 1)), "W": 4 * np.eye(4, 5), "mu": np.eye(5)[4]}
    return Model(network, {**arrays_of(network, 5), **given}, Classes(5))


def test_the_score_is_exact_on_a_constructed_case():
    pixels = np.array([[2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 3.0], [0.5, 0.0, 0.0, 0.0]]).T
    C = one_hot(np.array([0, 2, 4]), 5)
    found = score(constructed(), pixels, C)
    Z = np.concatenate([pixels, np.ones((1, 3))])
    losses = np.log(np.exp(Z).sum(axis=0)) - Z[[0, 2, 4], [0, 1, 2]]
    assert found.accuracy == pytest.approx(2 / 3)
    assert found.loss == pytest.approx(losses.mean(), rel=1e-14)
    assert found.examples == 3
    pixels[0, 0] = np.nan  # which is no answer, though argmax finds it at the right place
    assert score(constructed(), pixels, C).accuracy == pytest.approx(1 / 3)


def test_the_score_does_not_depend_on_the_batches():
    model = trained(8)
    chosen = examples(model, images())
    small = score(model, chosen.inputs, chosen.targets, memory=2 * model.map.stored * 8)
    whole = score(model, chosen.inputs, chosen.targets)
    assert small.accuracy == whole.accuracy
    assert small.loss == pytest.approx(whole.loss, rel=1e-13)


def test_an_overflow_is_a_loss_that_is_not_finite_and_no_warning():
    far = replace(TINY, grid=Grid((4, 4)), channels=3, final_time=1e38)
    model = replace(trained(4, dtype="float32"), architecture=far)
    chosen = examples(model, images("digits", 3))
    assert not np.isfinite(score(model, chosen.inputs, chosen.targets).loss)


@pytest.mark.parametrize("name", ["opening", "stencils", "biases", "W", "mu"])
@pytest.mark.parametrize("bad", ["shape", "nan", "inf", "precision", "integers"])
def test_parameters_that_do_not_fit_are_refused_by_name(name, bad):
    arrays = arrays_of(TINY)
    array = arrays[name].copy()
    if bad in ("nan", "inf"):
        array.reshape(-1)[-1] = float(bad)
    elif bad == "shape":
        array = array[None]
    else:
        array = array.astype("float32" if bad == "precision" else "int64")
    with pytest.raises(InputError, match=rf"\b{name}\b"):
        Model(TINY, {**arrays, name: array}, Classes(3))


def test_an_untrained_model_is_the_same_for_the_same_seed_in_both_precisions():
    a, b, c = (initial_model(TINY, Classes(3), seed) for seed in (7, 7, 8))
    single = initial_model(TINY, Classes(3), 7, "float32")
    for name, array in a.arrays.items():
        np.testing.assert_array_equal(array, b.arrays[name])
        np.testing.assert_array_equal(single.arrays[name], array.astype("f4"))
    assert not np.array_equal(a.arrays["stencils"], c.arrays["stencils"])
    assert not any(a.arrays[name].any() for name in ("W", "mu"))


def test_images_and_parameters_are_never_written_into():
    model = locked(trained(4))
    dataset = images("digits", 5)
    before = dataset.images.copy()
    chosen = examples(model, Dataset(dataset.images, dataset.labels, 10, "locked", 16.0))
    model.trace(chosen.inputs)
    score(model, chosen.inputs, chosen.targets)
    model.with_blocks(model.blocks)
    np.testing.assert_array_equal(dataset.images, before)


def test_the_layers_of_one_layer_keep_their_axis():
    network = Residual(Grid((4, 4)), channels=3, layers=1)
    assert network.arrays.shapes["stencils"] == (1, 3, 3, 3, 3)
    arrays = network.initial(0, "float64")
    back = network.arrays.unpack(network.arrays.pack(arrays))
    assert {name: array.shape for name, array in back.items()} == network.arrays.shapes
