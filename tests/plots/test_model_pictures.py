"""Pictures of models: every entry in its place, colours symmetric around 0, one unit square."""

from __future__ import annotations

import numpy as np
import pytest
from small_nets import images, trained, untrained

from refms.data.dataset import subset
from refms.errors import InputError
from refms.grid import Grid
from refms.maps.architectures.residual import Residual
from refms.model import initial_model
from refms.multiscale.resolution import transfer
from refms.objective.reading import Classes
from refms.optimize.history import History, HistoryRow
from refms.plots import figure_bytes, model_figures
from refms.plots.activations import (
    RADIUS,
    activations_figure,
    coarse_against_fine_figure,
    states,
    synthetic_image,
)
from refms.plots.histories import history_figure, step_places
from refms.plots.stencils import MOST_CHANNELS, mosaic, stencils_figure
from refms.plots.weights import weight_images, weights_figure


def drawn(figure):
    """Return the images of a figure."""
    return [axes.get_images()[0] for axes in figure.axes if axes.get_images()]


def assert_symmetric(pictures, limit):
    assert {one.get_clim() for one in pictures} == {(-limit, limit)}
    assert {one.get_cmap().name for one in pictures} == {"RdBu_r"}


# Stencils


def test_a_mosaic_holds_every_stencil_at_its_channels():
    rng = np.random.default_rng(0)
    stencil = rng.standard_normal((3, 2, 5, 3))
    tiles = mosaic(stencil)
    assert tiles.shape == (17, 7)
    for i in range(3):
        for j in range(2):
            np.testing.assert_array_equal(tiles[6 * i : 6 * i + 5, 4 * j : 4 * j + 3], stencil[i, j])
    assert np.isnan(tiles[5]).all()
    assert np.isnan(tiles[:, 3]).all()
    assert np.isfinite(tiles).sum() == stencil.size


def test_of_many_channels_some_are_drawn_first_and_last_among_them_and_their_number_is_said():
    stencil = np.arange(40.0 * 3).reshape(40, 3, 1, 1) * np.ones((40, 3, 3, 3))
    tiles = mosaic(stencil)
    assert tiles.shape == (4 * MOST_CHANNELS - 1, 11)
    assert (tiles[0, 0], tiles[-1, -1]) == (stencil[0, 0, 0, 0], stencil[-1, -1, 0, 0])
    net = initial_model(Residual(Grid((4, 4)), channels=40, layers=1), Classes(2))
    (label,) = {axes.get_xlabel() for axes in stencils_figure({"wide": net}).axes} - {""}
    assert label.count(f"{MOST_CHANNELS} of 40 ") == 2


def test_stencils_stand_by_layer_and_level_with_one_scale():
    models = {"coarse": trained(4), "fine": trained(8)}
    figure = stencils_figure(models)
    pictures = drawn(figure)
    expected = [mosaic(model.arrays["stencils"][k]) for k in range(2) for model in models.values()]
    for picture, values in zip(pictures, expected, strict=True):
        np.testing.assert_array_equal(picture.get_array().filled(np.nan), values)
    assert_symmetric(pictures, max(abs(model.arrays["stencils"]).max() for model in models.values()))
    assert [axes.get_title() for axes in figure.axes[:2]] == ["coarse, mesh 4×4", "fine, mesh 8×8"]
    assert [axes.get_ylabel() for axes in figure.axes] == [
        "layer 0, t = 0", "layer 0, t = 0", "layer 1, t = 0.5", "layer 1, t = 0.5", "entry of the stencil"
    ]  # fmt: skip


def test_of_a_deep_net_some_layers_are_drawn_first_and_last_among_them():
    figure = stencils_figure({"deep": untrained(4, layers=30)})
    labels = [axes.get_ylabel() for axes in figure.axes[:-1]]
    assert len(labels) == 8
    assert labels[0].startswith("layer 0,")
    assert labels[-1].startswith("layer 29,")


def test_nets_of_other_depths_leave_places_empty():
    figure = stencils_figure({"two": untrained(4), "three": untrained(4, layers=3)})
    assert len(drawn(figure)) == 5
    figure_bytes(figure)


# Weights


def test_weights_are_images_by_class():
    model = trained(4)
    figure = weights_figure({"net": model})
    W = np.asarray(model.arrays["W"]).reshape(3, 4, 4, 10)  # rows of W: channel slowest, then the cells
    pictures = drawn(figure)
    assert len(pictures) == 10
    for j, picture in enumerate(pictures):
        np.testing.assert_allclose(picture.get_array(), W[..., j].mean(axis=0), rtol=1e-12)
        assert picture.get_extent() == [0, 1, 1, 0]
    assert_symmetric(pictures, abs(weight_images(model).mean(axis=1)).max())
    assert [axes.get_title() for axes in figure.axes[:10]] == [f"class {j}" for j in range(10)]


def test_single_channels_may_be_chosen():
    model = trained(4)
    figure = weights_figure({"net": model}, channels=[2, 0])
    pictures = drawn(figure)
    W = np.asarray(model.arrays["W"]).reshape(3, 4, 4, 10)
    np.testing.assert_array_equal(pictures[3].get_array(), W[2, ..., 3])
    np.testing.assert_array_equal(pictures[13].get_array(), W[0, ..., 3])
    with pytest.raises(InputError, match="channel is 3; expected 0 to 2"):
        weights_figure({"net": model}, channels=[3])


# Activations


def test_states_are_those_of_the_propagation():
    model = trained(8)
    X = model.prepare(subset(images(), np.array([5])))
    found = list(states(model, X).values())
    assert len(found) == 3
    np.testing.assert_array_equal(found[-1].reshape(-1, 1), model.map.apply(model.blocks["propagation"], X))
    figure = activations_figure(model, X)
    pictures = drawn(figure)
    np.testing.assert_array_equal(pictures[0].get_array(), X[:, 0].reshape(8, 8))
    for k in range(3):
        for channel in range(3):
            np.testing.assert_array_equal(pictures[1 + 3 * k + channel].get_array(), found[k][channel])
    assert_symmetric(pictures[1:], max(abs(one).max() for one in found))
    labels = [axes.get_ylabel() for axes in figure.axes if "t =" in axes.get_ylabel()]
    assert labels == ["$y_{0}$\nt = 0", "$y_{1}$\nt = 0.5", "$y_{2}$\nt = 1"]


@pytest.mark.parametrize(
    ("choices", "labels"),
    [
        ({"integrator": "rk4"}, ["$y_{0}$\nt = 0", "$y_{1}$\nt = 0.5", "$y_{2}$\nt = 1"]),
        ({"layer": "antisymmetric"}, ["$y_{0}$\nt = 0", "$y_{1}$\nt = 0.5", "$y_{2}$\nt = 1"]),
        ({"integrator": "verlet"}, ["$y_{0}$\nt = 0", "$y_{2}$\nt = 1"]),
    ],
    ids=str,
)
def test_every_integrator_shows_its_states(choices, labels):
    model = untrained(4, channels=4, **choices)
    X = synthetic_image("disk", model)
    found = states(model, X)
    assert list(found) == labels
    np.testing.assert_array_equal(
        found[labels[-1]].reshape(-1, 1), model.map.apply(model.blocks["propagation"], X)
    )
    assert len(drawn(stencils_figure({"net": model}))) == 2


def test_pooled_weights_are_images_of_blocks():
    network = Residual(Grid((8, 8)), 2)
    model = initial_model(network, Classes(3, pooling=4))
    W = np.arange(24.0).reshape(8, 3)
    found = weight_images(model.with_arrays(W=W))
    assert found.shape == (3, 2, 2, 2)
    np.testing.assert_array_equal(found[1, 0].ravel(), W[:4, 1])


def test_coarse_and_fine_share_the_unit_square_and_the_colours():
    models = {"coarse": trained(4), "fine": trained(8)}
    X = {name: model.prepare(subset(images(), np.array([5]))) for name, model in models.items()}
    pictures = drawn(coarse_against_fine_figure(models, X))
    assert {tuple(one.get_extent()) for one in pictures} == {(0, 1, 1, 0)}
    assert [one.get_array().shape for one in pictures] == 4 * [(4, 4)] + 4 * [(8, 8)]
    ends = [list(states(model, X[name]).values())[-1] for name, model in models.items()]
    np.testing.assert_array_equal(pictures[2].get_array(), ends[0][1])
    np.testing.assert_array_equal(pictures[6].get_array(), ends[1][1])
    assert_symmetric(pictures[1:4] + pictures[5:], max(abs(end).max() for end in ends))
    with pytest.raises(InputError, match="no image for"):
        coarse_against_fine_figure(models, {"fine": X["fine"]})


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_disk_is_the_same_function_on_every_mesh(dtype):
    areas = []
    for size in (8, 16, 32):
        model = untrained(size, dtype=dtype)
        X = synthetic_image("disk", model)
        assert X.dtype == dtype
        assert X.shape == (size * size, 1)
        areas.append(float(X.mean()))
        delta = synthetic_image("delta", model)
        assert np.flatnonzero(delta).tolist() == [size // 2 * size + size // 2]
    assert areas[-1] == pytest.approx(np.pi * RADIUS**2, rel=0.02)
    with pytest.raises(InputError, match="Did you mean 'disk'"):
        synthetic_image("dosk", model)


# Histories


def row(iteration, block, objective, **extra):
    return HistoryRow(
        iteration, block, "accepted", 9.0, objective, 0.1, 7, 0.01, "converged", 0.5, 2, 3.0, 0.5, extra
    )


def test_every_step_stands_at_its_place_within_its_iteration():
    rows = (
        row(1, "theta", 4.0),
        row(1, "omega", 3.0, validation_accuracy=0.5),
        row(2, "theta", 2.0),
        row(2, "omega", 1.5),
        row(2, "omega", 1.0, validation_accuracy=0.75),
    )
    history = History(rows)
    np.testing.assert_allclose(step_places(history), [0.5, 1, 4 / 3, 5 / 3, 2], rtol=1e-15)
    objective, gradient, accuracy, cg, steps = history_figure({"net": history}).axes
    assert objective.get_lines()[0].get_ydata().tolist() == [4.0, 3.0, 2.0, 1.5, 1.0]
    assert accuracy.get_lines()[0].get_xydata().tolist() == [[1.0, 0.5], [2.0, 0.75]]
    for axes, value in ((gradient, 0.1), (cg, 7), (steps, 0.5)):
        first, second = (line.get_xydata() for line in axes.get_lines())
        np.testing.assert_allclose(first, [[0.5, value], [4 / 3, value]])
        np.testing.assert_allclose(second, [[1, value], [5 / 3, value], [2, value]])
    assert steps.get_xlabel() == "iteration"


def test_histories_of_several_nets_are_told_apart():
    figure = history_figure({"a": trained(4).history, "b": trained(8).history})
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[0] == "a, all blocks"
    assert len(labels) == len(set(labels)) == 6


def test_a_training_is_drawn_once_for_all_meshes_its_model_went_to():
    coarse = trained(4)
    fine = transfer(coarse, Grid((8, 8)), "averaging-bilinear")
    figure = model_figures({"coarse": coarse, "fine": fine, "other": trained(8)})["history"]
    runs = {text.get_text().partition(", ")[0] for text in figure.legends[0].get_texts()}
    assert runs == {"coarse = fine", "other"}


# All together


def test_models_give_the_figures_that_fit_them():
    coarse, fine = trained(4), trained(8)
    assert list(model_figures({"net": untrained(4)})) == ["stencils", "weights"]
    X = {name: synthetic_image("disk", model) for name, model in (("co$t", coarse), ("fine", fine))}
    assert list(model_figures({"co$t": coarse}, X)) == ["history", "stencils", "weights", "activations"]
    assert list(model_figures({"co$t": coarse, "fine": fine}, X)) == [
        "history", "stencils", "weights", "activations-co$t", "activations-fine", "coarse-against-fine"
    ]  # fmt: skip


@pytest.mark.parametrize("dimension", [1, 3])
def test_nets_of_other_dimensions_are_drawn(dimension):
    network = Residual(
        Grid((4,) * dimension), 2, stencil_shape=(3,) * dimension, opening_shape=(1,) * dimension
    )
    model = initial_model(network, Classes(3))
    figures = model_figures({"net": model}, {"net": synthetic_image("disk", model)})
    shape = (1, 4) if dimension == 1 else (4, 4)
    assert drawn(figures["weights"])[0].get_array().shape == shape
    for figure in figures.values():
        figure_bytes(figure)


def test_a_net_of_zeros_is_white_and_no_error():
    model = untrained(4)
    model = model.with_arrays(stencils=np.zeros_like(model.arrays["stencils"]))
    for figure in (stencils_figure({"net": model}), weights_figure({"net": model})):
        assert_symmetric(drawn(figure), 1.0)
        figure_bytes(figure)
