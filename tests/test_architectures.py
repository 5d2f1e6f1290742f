"""A user's own architecture: derivatives, training, files, other meshes, the command line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from staged_net import StagedNet
from tiny_unet import TinyUNet

from refms.checks import adjoint_test, complex_step_test, taylor_test
from refms.cli.main import main
from refms.data.dataset import Dataset
from refms.errors import InputError
from refms.grid import Grid
from refms.maps.activation import TANH
from refms.maps.architectures.architecture import (
    ARCHITECTURES,
    Move,
    architecture_named,
    name_of,
    register_architecture,
    same_names,
)
from refms.maps.architectures.residual import Residual
from refms.maps.layers.convolution import convolution_layer
from refms.maps.parameters import reparametrize
from refms.maps.time.euler import forward_euler
from refms.model import initial_model, score
from refms.model_file import load_model, save_model
from refms.multiscale.depth import to_depth
from refms.multiscale.resolution import transfer
from refms.objective.examples import Examples
from refms.objective.reading import Classes, Image
from refms.plots.activations import states
from refms.run.config import NetworkSection, OptimizationSection, RegularizationSection
from refms.run.experiment import examples_of
from refms.run.training import problem_of, train
from refms.stencils.convolution import Convolution
from refms.stencils.smoothing import smooth
from refms.stencils.transfer import transfer_pair

register_architecture("tiny-unet", TinyUNet)

NET = TinyUNet(Grid((4, 4)), image_channels=2, time=True)
PLAIN = RegularizationSection(theta_tikhonov=1e-6, theta_smoothness=0.0)


def noisy_images(net, m=24, seed=0):
    """Denoising: smooth images with noise, and the time that tells how much; targets are the images."""
    rng, n = np.random.default_rng(seed), net.grid.cells
    x = smooth(rng.standard_normal((net.image_channels * n, m)), net.grid, 1.0)
    t = rng.uniform(0.3, 1.0, (1, m))
    X = np.concatenate([t * x + (1 - t) * rng.standard_normal(x.shape), t])
    return Examples(X, x)


def image_model(net=NET, seed=0):
    return initial_model(net, Image(), seed)


def risk_of(second_order=False):
    model = image_model()
    problem = problem_of(model, noisy_images(NET), PLAIN, OptimizationSection(hessian_fraction=1.0))
    problem = replace(problem, second_order=second_order)
    return problem.block("propagation", model.blocks), model.blocks["propagation"]


def test_the_loss_of_a_net_with_two_meshes_and_a_time_passes_every_derivative_test():
    f, x = risk_of()
    v = np.random.default_rng(1).standard_normal(x.size)
    g = f.value_and_gradient(x)[1]
    H = risk_of(second_order=True)[0].curvature(x)
    assert complex_step_test(f.value, x, v, gradient=g).passed
    assert taylor_test(f.value, x, v, gradient=g).passed
    assert taylor_test(f.value, x, v, gradient=g, hessian_product=H(v)).passed
    assert adjoint_test(H, H, x.shape, x.shape).passed


def test_the_full_hessian_is_that_of_differences_of_the_gradient():
    f, x = risk_of(second_order=True)
    product = f.curvature(x)
    H = np.stack([product(e) for e in np.eye(x.size)], axis=1)
    differences = np.stack(
        [f.value_and_gradient(x + 1e-30j * e)[1].imag / 1e-30 for e in np.eye(x.size)], axis=1
    )
    assert np.abs(H - differences).max() <= 1e-12 * np.abs(H).max()
    assert np.linalg.eigvalsh(H)[0] < -1e-3  # indefinite: not the Gauss–Newton matrix


def test_an_image_task_has_one_block_and_training_lowers_its_loss():
    model, data = image_model(), noisy_images(NET)
    assert list(model.blocks) == ["propagation"]
    done = train(model, data, PLAIN, OptimizationSection(iterations=6, hessian_fraction=1.0, dtype="float64"))
    before, after = (score(m, data.inputs, data.targets).loss for m in (model, done.model))
    assert after < 0.7 * before
    assert {row.block for row in done.model.history} == {"propagation"}


@pytest.mark.parametrize("net", [NET, StagedNet(Grid((4, 4)))])  # a field of the other is a tuple
@pytest.mark.parametrize("reading", [Image(), Classes(3, pooling=2)])
def test_a_model_of_it_comes_back_from_its_file(tmp_path, net, reading):
    model = initial_model(net, reading, 3, "float32")
    save_model(tmp_path / "net.h5", model)
    back = load_model(tmp_path / "net.h5")
    assert (back.architecture, back.reading) == (net, reading)
    for name, array in model.arrays.items():
        np.testing.assert_array_equal(back.arrays[name], array)
        assert back.arrays[name].dtype == "float32"


def test_every_stencil_of_more_than_one_cell_moves_by_galerkin_and_all_else_is_kept():
    model = image_model()
    pair = transfer_pair("averaging-bilinear")
    coarse = transfer(model, Grid((2, 2)), pair)
    assert coarse.architecture.grid == Grid((2, 2))
    for name, array in model.arrays.items():
        moved = coarse.arrays[name]
        if "stencil" in name and array.shape[-1] == 3:
            fine = NET.grid if "fine" in name else NET.grid.coarsen()
            if min(fine.shape) < 4:
                continue
            c_out, c_in = array.shape[:2]
            R = pair.restriction_matrix(fine, c_out)
            P = pair.prolongation_matrix(fine, c_in)
            K_h, K_H = (
                Convolution(grid, c_in, c_out, S.shape[2:]).matrix(S)
                for grid, S in ((fine, array), (fine.coarsen(), moved))
            )
            assert abs(R @ K_h @ P - K_H).max() <= 1e-14 * abs(K_h).max()
        else:
            np.testing.assert_array_equal(moved, array)
    back = transfer(coarse, NET.grid, pair)
    for name, array in model.arrays.items():
        np.testing.assert_allclose(back.arrays[name], array, rtol=0, atol=1e-13)


def test_a_net_without_layers_in_time_has_no_other_depth():
    with pytest.raises(InputError, match="no layers in time"):
        to_depth(image_model(), 4)


def test_the_command_line_works_on_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("net.toml").write_text(
        '[data]\nsize = 8\ntrain = 60\nvalidation = 30\n[network]\narchitecture = "tiny-unet"\n'
        "[network.options]\nwidth = 3\n[optimization]\niterations = 1\n"
    )
    assert main(["train", "net.toml", "-o", "net.h5", "--quiet"]) == 0
    assert load_model("net.h5").architecture == TinyUNet(Grid((8, 8)), width=3)
    assert main(["transfer", "net.h5", "--to", "4", "-o", "coarse.h5"]) == 0
    for command in (
        ["show", "net.h5"],
        ["evaluate", "coarse.h5", "--size", "4"],
        ["inspect", "net.h5", "-o", "inspection", "--examples", "20", "--steps", "4", "--probes", "1"],
        ["plot", "net.h5", "coarse.h5", "-o", "pictures"],
    ):
        assert main(command) == 0, command
    assert main(["diff", "net.h5", "coarse.h5"]) == 1
    assert "body/fine/stencil" in capsys.readouterr().out


def test_an_entry_point_of_an_installed_package_names_an_architecture(tmp_path, monkeypatch):
    installed = tmp_path / "nets-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: nets\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[refms.architectures]\nfrom-nets = tiny_unet:TinyUNet\n")
    monkeypatch.syspath_prepend(tmp_path)
    try:
        assert architecture_named("from-nets") is TinyUNet
    finally:
        ARCHITECTURES.pop("from-nets", None)


def test_unknown_names_and_keys_are_refused_with_the_nearest_match(tmp_path):
    with pytest.raises(InputError, match="Did you mean 'tiny-unet'"):
        architecture_named("tiny-unte")
    with pytest.raises(InputError, match="import the module that calls register_architecture"):
        architecture_named("mine")
    with pytest.raises(InputError, match="registered already"):
        register_architecture("tiny-unet", Residual)
    assert name_of(NET) == "tiny-unet"

    @dataclass(frozen=True)
    class Nameless(TinyUNet):
        pass

    with pytest.raises(InputError, match="Nameless is not registered"):
        save_model(tmp_path / "net.h5", initial_model(Nameless(Grid((4, 4))), Image()))


def test_pairs_of_colour_images_become_examples_on_the_mesh_of_the_net():
    rng = np.random.default_rng(0)
    clean = rng.integers(0, 256, (6, 3, 8, 8), dtype=np.uint8)
    noisy = (clean + rng.normal(0, 20, clean.shape)).astype("float32")
    pairs = Dataset(noisy, None, 0, "noisy images", 255.0, targets=clean)
    examples = examples_of(initial_model(TinyUNet(Grid((4, 4)), 3), Image()), pairs)
    R = transfer_pair("averaging-bilinear").restriction_matrix(Grid((8, 8)))
    for array, images in ((examples.inputs, noisy), (examples.targets, clean)):
        for k in range(3):
            expected = R @ (images[:, k].astype(float).reshape(6, 64).T / 255.0)
            np.testing.assert_allclose(array[16 * k : 16 * (k + 1)], expected, rtol=1e-12, atol=1e-12)
    with pytest.raises(InputError, match="no targets"):
        examples_of(initial_model(TinyUNet(Grid((4, 4)), 3), Image()), replace(pairs, targets=None))


def staged_problem(weights, **options):
    model = initial_model(StagedNet(Grid((4, 4))), Classes(3), 1)
    rng = np.random.default_rng(2)
    examples = Examples(rng.standard_normal((16, 12)), np.eye(3)[:, rng.integers(0, 3, 12)])
    return model, examples, problem_of(model, examples, weights, OptimizationSection(**options))


def test_each_stage_is_smooth_in_its_own_time_and_all_else_has_the_tikhonov_term():
    alpha, tau = 0.7, 0.3
    model, _, problem = staged_problem(RegularizationSection(theta_smoothness=alpha, theta_tikhonov=tau))
    expected = 0.0
    for stage, dt in (("one", 1 / 2), ("two", 2 / 4)):
        for part in ("stencil", "bias"):
            A = model.arrays[f"{stage}_{part}"]
            expected += alpha / 2 * dt * ((np.diff(A, axis=0) / dt) ** 2).sum() + tau / 2 * dt * (A**2).sum()
    expected += tau / 2 * sum((model.arrays[name] ** 2).sum() for name in ("change", "close"))
    found = problem.blocks["propagation"].regularizer.value(model.blocks["propagation"])
    assert found == pytest.approx(expected, rel=1e-14)


def test_preconditioners_of_one_propagation_are_left_out_where_there_are_two():
    problem = staged_problem(PLAIN, propagation_preconditioner="time")[2]
    assert problem.blocks["propagation"].preconditioning is None


def test_all_stages_of_a_net_go_to_another_depth_and_back():
    model = staged_problem(PLAIN)[0]
    deeper = to_depth(model, 4)
    assert deeper.arrays["two_stencil"].shape == (8, 3, 3, 3, 3)
    assert [layer.time for layer in deeper.layers] == [None] * 12  # each stage has its own time
    for name, array in to_depth(deeper, 2).arrays.items():
        np.testing.assert_array_equal(array, model.arrays[name])


@dataclass(frozen=True)
class Flow:
    """Forward Euler alone; shared: one θ for all layers."""

    grid: Grid
    shared: bool = False
    channels = 1
    held = ()
    moves = {}  # noqa: RUF012  # a class attribute, as the protocol allows

    @property
    def map(self):
        F = forward_euler(convolution_layer(Convolution(self.grid), TANH), 3, 1.0)
        layer = F.time.layer.layout
        if not self.shared:
            return F
        return reparametrize(F, layer, lambda x: np.tile(x, 3), lambda g: g.reshape(3, -1).sum(axis=0))

    @property
    def arrays(self):
        return same_names(self.map.layout)

    def initial(self, seed, dtype):
        rng = np.random.default_rng(seed)
        return {name: rng.standard_normal(shape) for name, shape in self.arrays.shapes.items()}


def test_pooling_leaves_the_time_of_a_propagation_and_shared_parameters_have_none():
    weights = RegularizationSection(theta_smoothness=1.0, theta_tikhonov=1.0)
    examples = Examples(np.ones((16, 3)), np.eye(3))

    def penalty(net, pooling):
        model = initial_model(net, Classes(3, pooling=pooling), 1)
        block = problem_of(model, examples, weights, OptimizationSection()).blocks["propagation"]
        return block.regularizer.value(model.blocks["propagation"])

    flow = Flow(Grid((4, 4)))
    assert penalty(flow, 2) == penalty(flow, 1)
    shared = replace(flow, shared=True)
    x = initial_model(shared, Image(), 1).blocks["propagation"]
    assert penalty(shared, 1) == pytest.approx(0.5 * x @ x, rel=1e-14)


def test_names_that_do_not_fit_are_refused_where_a_model_is_made():
    class Misspelt(Flow):
        held = ("layer0/stencl",)

    class All(Flow):
        held = ("stencil", "bias")

    class Clash(Flow):
        arrays = replace(Flow(Grid((4, 4)), True).arrays, names={"W": "stencil", "bias": "bias"})

    class Wide(Flow):
        channels = 3

    with pytest.raises(
        InputError, match=r"map of Wide has 16 rows of output; expected channels × cells = 3 × 16"
    ):
        _ = initial_model(Wide(Grid((4, 4)), True), Classes(3)).map
    with pytest.raises(InputError, match=r"in `held` of Misspelt .* mean 'layer0/stencil'"):
        initial_model(Misspelt(Grid((4, 4))), Image())
    with pytest.raises(InputError, match=r"\['W'\] of Clash have the names"):
        initial_model(Clash(Grid((4, 4)), True), Classes(3))
    with pytest.raises(InputError, match="is no chain"):
        _ = initial_model(All(Grid((4, 4)), True), Image()).map
    with pytest.raises(InputError, match="all arrays of All are held"):
        _ = initial_model(All(Grid((4, 4)), True), Image()).blocks


@dataclass(frozen=True)
class CellBiases(Flow):
    """A layer whose biases live on cells."""

    moves = {"stencil": Move(stencil=True)}  # noqa: RUF012  # a class attribute, as the protocol allows

    @property
    def map(self):
        return convolution_layer(Convolution(self.grid), TANH, bias_per_cell=True)

    def on(self, grid, stencils=None):
        return replace(self, grid=grid)


def test_parameters_that_live_on_cells_go_to_no_other_mesh():
    model = initial_model(CellBiases(Grid((4, 4))), Image())
    assert transfer(model, Grid((4, 4)), transfer_pair("averaging-bilinear")).grid.shape == (4, 4)
    with pytest.raises(InputError, match=r"'bias' has shape .* numbers independent of the mesh"):
        transfer(model, Grid((8, 8)), transfer_pair("averaging-bilinear"))


def test_the_features_of_any_net_are_drawn_as_they_are_before_the_pooling():
    for net in (NET, StagedNet(Grid((4, 4))), Flow(Grid((4, 4)))):
        model = initial_model(net, Classes(3, pooling=2), 1)
        X = np.random.default_rng(3).standard_normal((model.map.rows_in, 1))
        theta = net.arrays.pack({name: model.arrays[name] for name in net.arrays.names})
        (drawn,) = states(model, X).values()
        np.testing.assert_allclose(drawn.reshape(-1, 1), net.map.apply(theta, X), rtol=1e-13, atol=1e-14)


def test_a_configuration_asks_for_no_mesh_that_the_net_may_not_have():
    @dataclass(frozen=True)
    class Deep(StagedNet):
        def __post_init__(self):
            self.grid.coarsen(5)

    register_architecture("deep", Deep)
    section = NetworkSection(architecture="deep", options={"widths": [1, 2]})
    assert section.network(Grid((32, 32))) == Deep(Grid((32, 32)), (1, 2))  # a TOML list as a tuple
    with pytest.raises(InputError, match="Did you mean 'widths'"):
        NetworkSection(architecture="deep", options={"width": [1, 2]})
