"""Every public numeric function computes on the device what it computes on NumPy, and leaves it there.

A row of the table is a name and a function that takes a workplace and returns results. The workplace moves
host data to where the row runs and locks NumPy arrays against writing. To cover a new function, add a row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from refms import checks
from refms.backend import NUMPY, Backend
from refms.data.corruption import TASKS, Denoise, task_named
from refms.data.dataset import Dataset, one_hot
from refms.data.preprocessing import Preprocessing, prepare
from refms.grid import (
    Grid,
    columns_from_nchw,
    columns_from_nhwc,
    nchw_from_columns,
    nhwc_from_columns,
)
from refms.linear.cg import conjugate_gradients
from refms.maps.activation import ACTIVATIONS, SILU
from refms.maps.architectures.espcn import ESPCN
from refms.maps.architectures.residual import Residual
from refms.maps.architectures.residual_image import ResidualImage
from refms.maps.architectures.unet import UNet
from refms.maps.layers import normalized
from refms.maps.layers.channels import channel_gate, channel_scale, channel_shift, take_rows
from refms.maps.layers.convolution import convolution_layer, convolution_map
from refms.maps.layers.entrywise import entrywise, multiple, time_features
from refms.maps.layers.linear import average_pooling, matrix_map, operator_map, pooling_matrix
from refms.maps.layers.mesh_free import mesh_free_map
from refms.maps.layers.norms import normalization
from refms.maps.layers.tied import antisymmetric_layer, symmetric_layer
from refms.maps.map import Map
from refms.maps.time.coupling import leapfrog, verlet
from refms.maps.time.euler import forward_euler
from refms.maps.time.runge_kutta import runge_kutta
from refms.maps.time.steps import TimeSteps
from refms.maps.time.tableau import RK4
from refms.model import Model, score
from refms.multiscale.depth import prolong_in_time, restrict_in_time, to_depth
from refms.multiscale.estimation import Batches, estimate_objective
from refms.multiscale.full_multiscale import Stage, TrainingPlan, TrainingState, full_multiscale_plan
from refms.multiscale.image_problem import ImageProblem
from refms.multiscale.resolution import transfer
from refms.multiscale.subsampling import Subsampling
from refms.multiscale.variance import measure_variance
from refms.names import LOSSES
from refms.objective.classifier import Classifier
from refms.objective.examples import Examples
from refms.objective.losses import loss_named, softmax
from refms.objective.losses.mean_squares import MeanSquares
from refms.objective.losses.ssim import StructuralSimilarity
from refms.objective.problem import Block, TrainingProblem
from refms.objective.reading import Classes
from refms.objective.regularizers import classifier_regularizer, time_regularizer
from refms.optimize.block_coordinate_descent import propagation_then_classifier
from refms.optimize.loop import descend, minimize
from refms.optimize.newton import Damping, Newton
from refms.optimize.stochastic import Adam, Momentum
from refms.optimize.stopping import StopRules
from refms.run.image_score import score_images
from refms.stencils.conv import conv_matrix, conv_transpose_matrix
from refms.stencils.convolution import Convolution, convolution_matrix
from refms.stencils.differences import gradient_matrix
from refms.stencils.galerkin import prolong_stencil, restrict_stencil
from refms.stencils.resize import resize_matrix
from refms.stencils.shuffle import pixel_shuffle_matrix
from refms.stencils.smoothing import gaussian_matrix, smooth
from refms.stencils.symbol import eigenvalues, frobenius_norm, infinity_norm, one_norm, spectral_norm, symbol
from refms.stencils.transfer import TRANSFER_PAIRS, transfer_pair

GRIDS = {1: Grid((6,)), 2: Grid((4, 6)), 3: Grid((2, 4, 2))}


@dataclass
class Work:
    """Moves seeded host arrays to one backend, and remembers them to see that nobody writes into them."""

    backend: Backend
    dtype: str
    lent: list[tuple[Any, np.ndarray]] = field(default_factory=list)

    def on(self, host: np.ndarray) -> Any:
        """Move a host array."""
        moved = self.backend.from_host(np.array(host))
        if self.backend.name == "numpy":
            moved.flags.writeable = False
        self.lent.append((moved, np.array(host)))
        return moved

    def normal(self, seed: int, *shape: int) -> Any:
        """Move standard normal numbers."""
        return self.on(np.random.default_rng(seed).standard_normal(shape).astype(self.dtype))

    def one_hot(self, seed: int, classes: int, m: int) -> Any:
        """Move random labels."""
        labels = np.random.default_rng(seed).integers(0, classes, m)
        return self.on(np.eye(classes, dtype=self.dtype)[:, labels])

    def unchanged(self) -> bool:
        """Whether all that was lent came back as it was."""
        return all(np.array_equal(self.backend.to_host(now), then) for now, then in self.lent)


def convolution(work: Work, d: int, boundary: str, orientation: str = "correlation") -> Any:
    conv = Convolution(GRIDS[d], 2, 3, (3,) * d, boundary, orientation)
    S = work.normal(0, *conv.stencils_shape)
    Y, Z = work.normal(1, conv.rows_in, 4), work.normal(2, conv.rows_out, 4)
    return (
        conv.apply(S, Y),
        conv.adjoint(S, Z),
        conv.stencil_gradient(Z, Y),
        conv.adjoint_and_gradient(S, Z, Y),
        conv.matrix(S),
        conv.assembly(work.dtype, work.backend).matrix(S),
    )


def sparse_product(work: Work) -> Any:
    s = work.normal(0, 3, 3)
    K = convolution_matrix(s, Grid((4, 4)))
    return K, K @ work.normal(1, 16, 3), K.T @ work.normal(2, 16, 3)


def symbols(work: Work) -> Any:
    grid = GRIDS[2]
    S = work.normal(0, 2, 2, 3, 5)
    norms = [spectral_norm(S, grid), spectral_norm(S[:1, :1], grid), frobenius_norm(S, grid)]
    for norm in (one_norm, infinity_norm):
        norms += [norm(S, grid, boundary=boundary) for boundary in ("periodic", "zero")]
    return symbol(S, grid), eigenvalues(S[0, 0], grid), *norms


def transfers(work: Work, name: str) -> Any:
    pair, grid = transfer_pair(name), Grid((8, 8))
    R = pair.restriction_matrix(grid, channels=2, dtype=work.dtype, backend=work.backend)
    P = pair.prolongation_matrix(grid, channels=2, dtype=work.dtype, backend=work.backend)
    size = max(pair.closed_sizes, default=3)
    S = work.normal(0, 2, 2, size, size)
    moved = [restrict_stencil(S, pair), restrict_stencil(S, pair, levels=2)]
    moved.append(prolong_stencil(S, pair, least_squares=not pair.closed_sizes))
    return R, P, R @ work.normal(1, 128, 3), P @ work.normal(2, 32, 3), *moved


def smoothing(work: Work) -> Any:
    grid = GRIDS[2]
    G = gaussian_matrix(grid, 0.8, work.dtype, work.backend)
    return G, smooth(work.normal(0, 2 * grid.cells, 3), grid, 0.8)


def differences(work: Work) -> Any:
    return [gradient_matrix(GRIDS[2], name, work.dtype, work.backend) for name in ("neumann", "periodic")]


def images(work: Work) -> Any:
    grid, nchw, nhwc = GRIDS[2], work.normal(0, 5, 2, 4, 6), work.normal(1, 5, 4, 6, 2)
    Y = work.normal(2, 2 * grid.cells, 5)
    views = nchw_from_columns(Y, grid), nhwc_from_columns(Y, grid)
    return columns_from_nchw(nchw), columns_from_nhwc(nhwc), views


def activations(work: Work) -> Any:
    Z = work.normal(0, 3, 4)
    return [
        (sigma.value(Z), sigma.derivative(Z), sigma.second_derivative(Z), sigma.value_and_derivative(Z))
        for sigma in ACTIVATIONS
    ]


def everything_about(mapping: Any, work: Work, m: int = 3) -> Any:
    theta, Y = work.normal(0, mapping.layout.size), work.normal(1, mapping.rows_in, m)
    at = mapping.at(theta, Y)
    dtheta, dY = work.normal(2, mapping.layout.size), work.normal(3, mapping.rows_in, m)
    G = work.normal(4, mapping.rows_out, m)
    derivatives = at.jvp(dtheta), at.jvp(dtheta, dY), at.vjp(G), at.vjp(G, wrt_input=False)[0]
    along, gY = at.second(G)
    tangent = along(dtheta, dY)
    second = gY, tangent.output, tangent.vjp(work.normal(5, mapping.rows_out, m))
    return mapping.apply(theta, Y), at.output, mapping.trace(theta, Y), derivatives, second


def layer(work: Work, bias: bool, sigma: str = "tanh") -> Any:
    chosen = {one.name: one for one in ACTIVATIONS}[sigma]
    return everything_about(convolution_layer(Convolution(GRIDS[2], 2, 2), chosen, bias_per_cell=bias), work)


def euler(work: Work) -> Any:
    steps = forward_euler(convolution_layer(Convolution(GRIDS[2], 2, 2), ACTIVATIONS[0]), 3, 1.5)
    return everything_about(steps, work)


def integrators(work: Work) -> Any:
    K, sigma = Convolution(GRIDS[2], 2, 2), ACTIVATIONS[0]
    inner = convolution_layer(K, sigma)
    methods = [
        runge_kutta(antisymmetric_layer(K, sigma, 0.1), 2, 1.0, RK4),
        runge_kutta(inner, 5, 1.0, RK4, "cubic"),
        forward_euler(symmetric_layer(K, sigma), 2, 1.0),
        *[verlet(K, sigma, 3, 1.0, reversible=free) for free in (False, True)],
        *[leapfrog(inner, 3, 1.0, reversible=free) for free in (False, True)],
    ]
    return [everything_about(method, work) for method in methods]


def openings(work: Work) -> Any:
    learned = convolution_map(Convolution(GRIDS[2], 1, 3))
    L = scipy.sparse.random_array((7, 5), density=0.5, rng=np.random.default_rng(0), dtype=work.dtype)
    matrix = matrix_map(work.backend.csr_from_host(L))
    return everything_about(learned, work), everything_about(matrix, work)


def pooling(work: Work) -> Any:
    pool = average_pooling(GRIDS[2], 2, 2)
    return everything_about(pool, work), pooling_matrix(GRIDS[2], 2, 2, work.dtype, work.backend)


def model_of(work: Work, opening: str = "fixed") -> Model:
    network = Residual(Grid((4, 4)), 2, layers=2, opening=opening)
    drawn = {name: work.on(array) for name, array in network.initial(3, work.dtype).items()}
    return Model(network, {**drawn, "W": work.normal(5, 32, 3), "mu": work.normal(6, 3)}, Classes(3))


def networks(work: Work, opening: str) -> Any:
    model = model_of(work, opening)
    blocks = model.blocks
    return everything_about(model.map, work), blocks, model.with_blocks(blocks).arrays


def predictions(work: Work) -> Any:
    model = model_of(work)
    X, C = work.normal(8, 16, 12), work.one_hot(9, 3, 12)
    counted = score(model, X, C)
    return model.outputs(X), model.trace(X), counted.accuracy, counted.loss


def preprocessing(work: Work) -> Any:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (5, 1, 8, 8)).astype("uint8"), rng.integers(0, 3, 5)
    data = Dataset(images, labels, classes=3, name="noise", max_value=255.0)
    steps = Preprocessing(scale=2.0, shift=1.0, smoothing=0.7, levels=1)
    columns, _ = prepare(data, steps, work.dtype, backend=work.backend)
    return columns, one_hot(work.on(labels), 3, work.dtype)


def classifier(work: Work) -> Any:
    return everything_about(Classifier(GRIDS[2], 2, 3).map, work)


def losses(work: Work) -> Any:
    Z, C = work.normal(0, 3, 5), work.one_hot(1, 3, 5)
    every = [loss_named(name).evaluate(Z, C) for name in LOSSES]
    V = work.normal(2, 3, 5)
    return softmax(Z), [(at.value, at.gradient, at.hessian_diagonal, at.hessian_product(V)) for at in every]


def regularizers(work: Work) -> Any:
    options = {"dtype": work.dtype, "backend": work.backend}
    steps = TimeSteps(convolution_layer(Convolution(GRIDS[2], 2, 2), ACTIVATIONS[0]), 3, 1.5)
    on_W = classifier_regularizer(Classifier(GRIDS[2], 2, 3), 1.0, 0.1, **options)
    on_theta = time_regularizer(steps, 1.0, 0.1, leading=4, **options)
    results = []
    for R in (on_W, on_theta):
        x = work.normal(7, R.Q.shape[0])
        results.append((R.Q, R.value(x), R.gradient(x)))
    return results


def problem_of(work: Work) -> tuple[TrainingProblem, dict[str, Any]]:
    model = model_of(work)
    options = {"dtype": work.dtype, "backend": work.backend}
    in_time = time_regularizer(model.architecture.propagation.time, 1e-3, **options)
    in_space = classifier_regularizer(model.classifier, 1e-3, **options)
    parts = {
        "propagation": Block(model.map, in_time),
        "classifier": Block(model.classifier.map, in_space, subsampled=False),
    }
    examples = Examples(work.normal(8, 16, 12), work.one_hot(9, 3, 12))
    problem = TrainingProblem(parts, examples, hessian_fraction=0.5, seed=1)
    return problem, model.blocks


def optimal_control(work: Work) -> Any:
    problem, blocks = problem_of(work)
    results = []
    for name in ("propagation", "classifier", "joint"):
        risk = problem.block(name, blocks)
        xp = work.backend.xp
        x = xp.concatenate(list(blocks.values())) if name == "joint" else blocks[name]
        hessian = replace(risk, second_order=True).curvature(x)(x)
        results.append((risk.value(x), risk.value_and_gradient(x), risk.curvature(x)(x), hessian))
    return results


def descent(work: Work) -> Any:
    problem, blocks = problem_of(work)
    result = descend(problem, blocks, propagation_then_classifier(), stop=StopRules(max_iterations=2))
    return dict(result.blocks)


def single_block(work: Work, method: Newton) -> Any:
    problem, blocks = problem_of(work)
    risk = problem.block("classifier", blocks)
    return minimize(risk, blocks["classifier"], method, stop=StopRules(max_iterations=2)).x


def krylov(work: Work) -> Any:
    A = work.normal(0, 6, 6)
    return conjugate_gradients(lambda v: A.T @ (A @ v) + v, work.normal(1, 6), max_iterations=4).x


def model_transfer(work: Work) -> Any:
    model = model_of(work)
    up = transfer(model, Grid((8, 8)), "averaging-bilinear")
    moved = [transfer(up, Grid((n, n)), "averaging-bilinear", weights="adjoint") for n in (4, 16)]
    models = up, transfer(up, Grid((4, 4)), "averaging-constant"), to_depth(model, 4)
    return [one.arrays["W"] for one in moved], [one.arrays for one in models]


def depths(work: Work) -> Any:
    Theta = work.normal(0, 4, 5)
    return prolong_in_time(Theta, 8), restrict_in_time(Theta, 2)


def derivatives(work: Work, map_: Map) -> Any:
    """Value, both first derivatives and the second of a map."""
    theta, Y = work.normal(0, map_.layout.size), work.normal(1, map_.rows_in, 3)
    dtheta, dY = work.normal(2, *theta.shape), work.normal(3, *Y.shape)
    G, dG = work.normal(4, map_.rows_out, 3), work.normal(5, map_.rows_out, 3)
    F = map_.at(theta, Y)
    along, gY = F.second(G)
    return map_.apply(theta, Y), F.jvp(dtheta, dY), F.vjp(G), along(dtheta, dY).vjp(dG), gY


def image_layers(work: Work) -> Any:
    grid = GRIDS[2]
    maps = (
        entrywise(5, SILU),
        time_features(2),
        normalization(grid, 4, 2),
        channel_shift(grid, 2),
        channel_gate(grid, 2),
        channel_scale(grid, 2),
        convolution_map(Convolution(grid, 2, 3, (3, 3), "zero"), bias=True),
    )
    return [derivatives(work, one) for one in maps]


def image_networks(work: Work) -> Any:
    nets = (
        ResidualImage(GRIDS[2], 1, 4, 1),
        ESPCN(GRIDS[2], 1, (3,)),
        UNet(GRIDS[2], 1, 4, (1, 2), groups=2, dropout=0.5),
    )
    return [derivatives(work, net.map) for net in nets]


def image_losses(work: Work) -> Any:
    grid = Grid((11, 12))
    z, y, v = (work.normal(seed, 2 * grid.cells, 3) for seed in range(3))
    ssim, squares = StructuralSimilarity(grid, -4, 4).evaluate(z, y), MeanSquares().evaluate(z, y)
    own = [(one.value, one.gradient, one.hessian_product(v)) for one in (ssim, squares)]
    return own, ssim.positive_product(v), ssim.similarity


def linear_layers(work: Work) -> Any:
    grid = GRIDS[2]
    chosen = {"dtype": work.dtype, "backend": work.backend}
    resizes = [
        resize_matrix(grid, Grid((3, 4)), kernel, boundary=boundary, channels=2, **chosen)
        for kernel in ("nearest", "box", "linear", "cubic")
        for boundary in ("clamp", "periodic")
    ]
    shuffle = pixel_shuffle_matrix(grid, 1, 2, **chosen)
    weights = work.normal(0, 4, 1, 2, 3)
    layers = (
        conv_matrix(weights, grid, stride=2, padding=1, padding_mode="reflect", groups=2),
        conv_transpose_matrix(weights, grid, stride=2, padding=1, groups=2),
    )
    host = resize_matrix(grid, Grid((3, 4)), channels=2)
    maps = (matrix_map(shuffle), operator_map(host), take_rows(48, 5, 9), multiple(5, 0.3))
    return resizes, shuffle, layers, [derivatives(work, one) for one in maps]


def mesh_free_networks(work: Work) -> Any:
    grid = Grid((4, 4))
    nets = (
        ResidualImage(grid, 1, 4, 1, convolution="mesh-free"),
        ResidualImage(grid, 1, 4, 1, time=False, add_input=True),
        ESPCN(grid, 1, (3,), convolution="mesh-free"),
        UNet(grid, 1, 4, (1, 2), groups=2, convolution="mesh-free"),
    )
    return [derivatives(work, net.map) for net in nets]


def restoration(work: Work, task: str) -> Any:
    """Draws, estimates, scores and updates of a task, by each way to coarser images and each loss."""
    net = ResidualImage(Grid((32, 32)), 1, 4, 1, time=task != "super-resolve", boundary="periodic")
    clean = np.random.default_rng(0).uniform(-1, 1, (1024, 6))
    options = {"dtype": work.dtype, "backend": work.backend, "order": "epochs"}
    theta = 0.1 * work.normal(1, net.map.layout.size)
    results = []
    for kind, noise, loss in (
        ("coarsen", "stage", "ssim"),
        ("crop", "kept", "ssim"),
        ("both", "carried", ""),
    ):
        ways = Subsampling(kind, noise=noise)
        chosen = {"loss": loss} if loss else {}
        posed = ImageProblem(net, clean, task_named(task), 2, ways, **chosen, **options)
        drawn = [posed.examples(level, posed.draw(4)) for level in (0, 1)]
        f = estimate_objective(posed, Batches((2, 4), (0.7,)))
        score = score_images(posed, theta, posed.validation_draw(clean[:, :2]))
        found = [(one.inputs, one.targets) for one in drawn], f.value_and_gradient(theta), score.measured()
        results.append((*found, f.curvature(theta)(theta)))
    for rule in (Momentum(), Adam()):
        *_, (state, _, _) = TrainingPlan((Stage(0, 2, Batches((2, 4))),), rule).run(
            posed, TrainingState(theta)
        )
        results.append((state.theta, state.memory))
    return results


def variances(work: Work) -> Any:
    net = ResidualImage(Grid((8, 8)), 1, 4, 1)
    clean = np.random.default_rng(0).uniform(-1, 1, (64, 6))
    posed = ImageProblem(net, clean, Denoise(), 2, dtype=work.dtype, backend=work.backend)
    theta = 0.1 * work.normal(1, net.map.layout.size)
    return [
        (variance.covariance.tolist(), products.tolist())  # host arrays, as documented
        for layers in (False, True)
        for variance, products in [measure_variance(posed, theta, 4, layers=layers)]
    ]


def multiscale_estimate(work: Work) -> Any:
    net = ResidualImage(Grid((8, 8)), 1, 4, 1, boundary="periodic")
    clean = np.random.default_rng(0).uniform(-1, 1, (64, 6))
    options = {"dtype": work.dtype, "backend": work.backend}
    results = []
    for rule in ("keep", "galerkin"):
        posed = ImageProblem(net, clean, Denoise(), 2, kernel_rule=rule, **options)
        theta = 0.1 * work.normal(1, net.map.layout.size)
        f = estimate_objective(posed, Batches((2, 3)))
        results.append((f.value_and_gradient(theta), f.curvature(theta)(theta)))
        (state, _, _), *_ = full_multiscale_plan((2, 3), (1, 1)).run(posed, TrainingState(theta))
        results.append((state.theta, state.memory))
    return results


ROWS: dict[str, Callable[[Work], Any]] = {
    **{f"convolution {d}-D": partial(convolution, d=d, boundary="periodic") for d in GRIDS},
    "convolution zero flipped": partial(convolution, d=2, boundary="zero", orientation="convolution"),
    "explicit matrix": sparse_product,
    "symbol and norms": symbols,
    **{f"transfer {pair.name}": partial(transfers, name=pair.name) for pair in TRANSFER_PAIRS},
    "smoothing": smoothing,
    "differences": differences,
    "image layouts": images,
    "activations": activations,
    "layer, bias per channel": partial(layer, bias=False),
    "layer, bias per cell": partial(layer, bias=True),
    "layer, relu": partial(layer, bias=False, sigma="relu"),
    "forward Euler": euler,
    "other integrators": integrators,
    "openings": openings,
    "pooling": pooling,
    "network, fixed opening": partial(networks, opening="fixed"),
    "network, learned opening": partial(networks, opening="learned"),
    "predictions": predictions,
    "preprocessing and labels": preprocessing,
    "classifier": classifier,
    "losses": losses,
    "regularisers": regularizers,
    "problem (6)": optimal_control,
    "block-coordinate descent": descent,
    "Newton": partial(single_block, method=Newton()),
    "Gauss-Newton, damped": partial(single_block, method=Newton(damping=Damping(1.0))),
    "conjugate gradients": krylov,
    "model transfer": model_transfer,
    "depth": depths,
    "image layers": image_layers,
    "mesh-free convolution": lambda work: derivatives(work, mesh_free_map(GRIDS[2], 2)),
    "image networks": image_networks,
    "image losses": image_losses,
    "linear layers of images": linear_layers,
    "mesh-free networks": mesh_free_networks,
    **{f"restoration, {task}": partial(restoration, task=task) for task in TASKS},
    "variances of gradients": variances,
    "multiscale estimate": multiscale_estimate,
}

ORDER = {
    *("image losses", "block-coordinate descent", "Newton", "Gauss-Newton, damped", "problem (6)"),
    *(f"restoration, {task}" for task in TASKS),
}
"""Rows in which the device may add in another order (its sparse products are stored column by column)."""


def leaves(result: Any, path: str = "") -> dict[str, Any]:
    """Return the arrays, matrices and numbers of a nested result by path."""
    if isinstance(result, dict):
        pairs = result.items()
    elif isinstance(result, list | tuple):
        pairs = enumerate(result)
    else:
        return {} if result is None else {path: result}
    return {name: leaf for key, item in pairs for name, leaf in leaves(item, f"{path}/{key}").items()}


def on_host(device: Any, leaf: Any) -> np.ndarray:
    """Return a result of the device as a host array; refuse one that is not there."""
    if isinstance(leaf, float | complex):
        return np.asarray(leaf)
    host = device.host(leaf)
    return host.toarray() if scipy.sparse.issparse(host) else host


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("row", ROWS)
def test_the_device_computes_what_numpy_computes(monkeypatch, device, row, dtype):
    """Norms take NumPy's way on both: their compiled loops, which a device has not, add in another order."""
    monkeypatch.setattr(normalized, "COMPILED", False)
    here, there = Work(NUMPY, dtype), Work(device.backend, dtype)
    expected, got = leaves(ROWS[row](here)), leaves(ROWS[row](there))
    assert list(got) == list(expected)
    assert got
    for path, leaf in got.items():
        host = on_host(device, leaf)
        reference = expected[path]
        reference = reference.toarray() if scipy.sparse.issparse(reference) else np.asarray(reference)
        assert host.dtype == reference.dtype, path
        assert host.shape == reference.shape, path
        if device.name == "numpy" or (device.name == "double" and row not in ORDER):
            assert np.array_equal(host, reference, equal_nan=True), path
        else:
            rho = checks.scaled_residual(host, reference, np.linalg.norm(reference), dtype)
            assert rho <= 300 if device.name == "cupy" else rho <= 30, (path, rho)
    assert here.unchanged()
    assert there.unchanged()
