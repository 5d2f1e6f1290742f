"""ResNet-34 of [LAS]: its parameters and depth, strides of frameworks, what moves between meshes and how."""

from __future__ import annotations

import numpy as np
import pytest

from refms.checks import complex_step_test, gauss_newton_test, taylor_test
from refms.errors import InputError
from refms.grid import Grid
from refms.maps.architectures.architecture import count_parameters
from refms.maps.architectures.resnet import ResNet
from refms.maps.layers.linear import average_pooling, every_second_cell
from refms.model import initial_model
from refms.model_file import load_model, save_model
from refms.multiscale.resolution import transfer
from refms.objective.examples import Examples
from refms.objective.reading import Classes
from refms.plots.activations import states
from refms.run.config import OptimizationSection, RegularizationSection
from refms.run.training import problem_of
from refms.stencils.conv import conv_matrix
from refms.stencils.convolution import Convolution, convolution_matrix
from refms.stencils.galerkin import restrict_stencil
from refms.stencils.transfer import transfer_pair

TINY = ResNet(Grid((8, 8)), 2, 2, (1, 1, 1), 2)


def test_it_has_the_parameters_of_the_standard_network_but_for_its_first_kernel_and_its_classes():
    """torchvision's resnet34 has 21,797,672, with a 7×7 first kernel and 1000 classes."""
    model = initial_model(ResNet(Grid((8, 8))), Classes(10, pooling=0), dtype="float32")
    kernel, classes = (7 * 7 - 3 * 3) * 3 * 64, (1000 - 10) * (512 + 1)
    assert sum(array.size for array in model.arrays.values()) == 21_797_672 - kernel - classes


@pytest.mark.parametrize(("blocks", "depth"), [((3, 4, 6, 3), 34), ((2, 2, 2, 2), 18), ((1, 1, 1, 1), 10)])
def test_it_is_as_deep_as_it_is_called(blocks, depth):
    """Convolutions on the way from the image, without the projections, and the classifier."""
    names = ResNet(Grid((8, 8)), width=2, groups=1, blocks=blocks).map.layout.names
    assert 1 + sum(name.endswith("stencil") and "project" not in name for name in names) == depth


def test_a_width_changes_every_convolution_by_its_square():
    narrow, wide = (ResNet(Grid((8, 8)), width=w, groups=4) for w in (8, 16))
    opening = 27 * 8
    norms = sum(np.prod(shape) for name, shape in narrow.map.layout.parts if name.endswith(("gamma", "beta")))
    rest = count_parameters(narrow) - opening - norms
    assert count_parameters(wide) == 2 * opening + 2 * norms + 4 * rest


@pytest.mark.parametrize("shape", [(8, 8), (7, 4), (5,), (2, 3, 5)])
def test_every_second_cell_of_a_convolution_is_a_framework_s_stride(shape):
    grid, rng = Grid(shape), np.random.default_rng(0)
    S = rng.standard_normal((3, 2, *[3] * len(shape)))
    Y = rng.standard_normal((2 * grid.cells, 4))
    half = every_second_cell(grid, 3)
    found = half.apply(np.zeros(0), convolution_matrix(S, grid, boundary="zero") @ Y)
    np.testing.assert_allclose(found, conv_matrix(S, grid, stride=2, padding=1) @ Y, rtol=0, atol=1e-13)


def test_the_layout_is_the_same_on_every_grid_and_the_output_grid_is_halved_upwards():
    net = ResNet(Grid((56, 56)), width=2, groups=1, blocks=(1, 1, 1, 1))
    for shape, last in (((56, 56), (7, 7)), ((28, 28), (4, 4)), ((36, 44), (5, 6))):
        moved = net.on(Grid(shape))
        assert moved.map.layout == net.map.layout
        assert moved.output_grid.shape == last
        assert moved.map.rows_out == 16 * moved.output_grid.cells


def downsampled(grid, S, D):
    """D K(S) as an explicit matrix."""
    c_out = S.shape[0]
    K = convolution_matrix(S, grid).toarray()
    return D(grid, c_out).apply(np.zeros(0), K)


def means(grid, channels):
    return average_pooling(grid, channels, 2)


@pytest.mark.parametrize("pair", ["averaging-bilinear", "averaging-constant"])
def test_a_convolution_that_ends_in_means_moves_to_other_meshes_as_a_whole(pair):
    """R (D K_h) P = D (R K_h P), where R and D are the same means on two meshes; and R (L D) = (L D) R."""
    pair, grid, rng = transfer_pair(pair), Grid((16, 16)), np.random.default_rng(1)
    S = rng.standard_normal((2, 1, 3, 3))
    S_H, coarse = restrict_stencil(S, pair, d=2), grid.coarsen()
    R, P = pair.restriction_matrix(coarse, 2), pair.prolongation_matrix(grid, 1)
    expected = downsampled(coarse, S_H, means)
    np.testing.assert_allclose(R @ (downsampled(grid, S, means) @ P), expected, rtol=0, atol=1e-13)
    L, restrict = rng.standard_normal((2, 1, 1, 1)), pair.restriction_matrix(grid, 1)
    expected = downsampled(coarse, L, means) @ restrict.toarray()
    np.testing.assert_allclose(R @ downsampled(grid, L, means), expected, rtol=0, atol=1e-13)


def test_a_stride_does_not_move_exactly_and_its_stencils_would_grow_to_four_cells():
    pair, grid = transfer_pair("averaging-bilinear"), Grid((32,))
    S = np.random.default_rng(2).uniform(0.5, 1, (1, 1, 3))
    R, P = pair.restriction_matrix(grid.coarsen(), 1), pair.prolongation_matrix(grid, 1)
    found = R @ (downsampled(grid, S, every_second_cell) @ P)
    assert {int((abs(row) > 1e-14).sum()) for row in found} == {4}


def test_a_stride_is_off_by_the_first_order_on_smooth_fields():
    pair, S = transfer_pair("averaging-bilinear"), np.random.default_rng(3).uniform(0.5, 1, (1, 1, 3))
    S_H, errors = restrict_stencil(S, pair, d=1), []
    for n in (64, 128, 256, 512):
        grid = Grid((n,))
        coarse = grid.coarsen()
        y = np.sin(2 * np.pi * (np.arange(coarse.cells) + 0.5) / coarse.cells)
        R, P = pair.restriction_matrix(coarse, 1), pair.prolongation_matrix(grid, 1)
        moved = R @ (downsampled(grid, S, every_second_cell) @ (P @ y))
        errors.append(np.abs(moved - downsampled(coarse, S_H, every_second_cell) @ y).max())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    np.testing.assert_allclose(orders, 1.0, atol=0.1)


def model_of(net=TINY, dtype="float64"):
    model = initial_model(net, Classes(3, pooling=0), 4, dtype)
    W = np.random.default_rng(5).standard_normal(model.arrays["W"].shape).astype(dtype)
    return model.with_arrays(W=W)


def test_wide_stencils_move_by_galerkin_and_all_else_stays():
    model = model_of()
    fine = transfer(model, Grid((16, 16)), "averaging-bilinear")
    moved = {name for name, array in fine.arrays.items() if (array != model.arrays[name]).any()}
    assert moved == {name for name, shape in model.shapes.items() if shape[2:] == (3, 3)}
    pair = transfer_pair("averaging-bilinear")
    coarse, grid = Grid((8, 8)), Grid((16, 16))
    R, P = pair.restriction_matrix(grid, 4), pair.prolongation_matrix(grid, 2)
    S_h, S_H = (one.arrays["stage1.0/conv1/stencil"] for one in (fine, model))
    K_h, K_H = (Convolution(g, 2, 4).matrix(S) for g, S in ((grid, S_h), (coarse, S_H)))
    assert abs(R @ K_h @ P - K_H).max() <= 1e-13 * abs(K_h).max()


def test_a_model_comes_back_from_its_file_and_shows_the_features_of_its_last_mesh(tmp_path):
    model = model_of(dtype="float32")
    save_model(tmp_path / "net.h5", model)
    back = load_model(tmp_path / "net.h5")
    assert (back.architecture, back.reading) == (model.architecture, model.reading)
    X = np.ones((2 * 64, 1), "float32")
    np.testing.assert_array_equal(back.outputs(X), model.outputs(X))
    (drawn,) = states(model, X).values()
    assert drawn.shape == (8, 2, 2)


def test_the_classifier_sees_the_mean_over_the_last_mesh():
    model = model_of()
    X = np.random.default_rng(6).standard_normal((2 * 64, 3))
    y = model.architecture.map.apply(model.architecture.arrays.pack(model.arrays), X)
    mean = y.reshape(8, 4, 3).mean(axis=1)
    np.testing.assert_allclose(model.outputs(X), model.arrays["W"].T @ mean, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    "net",
    [
        ResNet(Grid((4, 4)), 2, 2, (1, 1), 2),
        ResNet(Grid((4, 4)), 1, 2, (1, 1), 1, "mean", activation="silu"),
    ],
    ids=lambda net: net.activation,
)
def test_the_loss_passes_every_derivative_test(net):
    model = model_of(net)
    rng = np.random.default_rng(7)
    examples = Examples(rng.standard_normal((model.map.rows_in, 5)), np.eye(3)[:, [0, 1, 2, 0, 1]])
    weights = RegularizationSection(W_smoothness=0.0, W_tikhonov=0.0, theta_tikhonov=0.0)
    problem = problem_of(model, examples, weights, OptimizationSection(hessian_fraction=1.0))
    f, x = problem.block("joint", model.blocks), problem.join(model.blocks)
    g = f.value_and_gradient(x)[1]
    v = rng.standard_normal(x.size)
    assert taylor_test(f.value, x, 1e-2 * v, gradient=g).passed
    if net.activation == "silu":  # analytic
        assert complex_step_test(f.value, x, v, gradient=g).passed
    F = problem.whole.at(x, examples.inputs)
    loss = problem.loss.evaluate(F.output, examples.targets)
    assert gauss_newton_test(
        f.curvature(x),
        F.jvp,
        lambda G: F.vjp(G)[0],
        loss.hessian_product,
        x.shape,
    ).passed


@pytest.mark.parametrize(
    "options", [{"groups": 3}, {"downsampling": "max"}, {"blocks": ()}, {"activation": "sign"}]
)
def test_what_does_not_fit_is_refused(options):
    with pytest.raises(InputError):
        ResNet(Grid((8, 8)), **{"width": 4, "groups": 2, **options})


def test_means_need_meshes_that_can_be_halved():
    with pytest.raises(InputError, match="7"):
        ResNet(Grid((28, 28)), width=2, groups=1, downsampling="mean")
