"""Bad input to every public numeric function is an InputError that says what was expected, and nothing else.

A row of the table is a call and the words its message must contain. To cover a new function, add rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import scipy.sparse

from refms.data.dataset import Dataset, one_hot, split, subset
from refms.data.preprocessing import Preprocessing, prepare
from refms.errors import InputError
from refms.grid import (
    Grid,
    channels_of,
    columns_from_nchw,
    columns_from_nhwc,
    nchw_from_columns,
    nhwc_from_columns,
)
from refms.maps.activation import RELU, TANH, activation, smoothed_relu
from refms.maps.architectures.residual import Residual
from refms.maps.branches import identity
from refms.maps.chain import chain
from refms.maps.layers.convolution import convolution_layer, convolution_map
from refms.maps.layers.linear import average_pooling, matrix_map, operator_map
from refms.maps.layers.tied import antisymmetric_layer, symmetric_layer, transposed_layer
from refms.maps.layout import EMPTY, Layout
from refms.maps.parameters import frozen, reparametrize
from refms.maps.step import step
from refms.maps.time.euler import forward_euler
from refms.maps.time.interpolation import stage_matrix
from refms.maps.time.runge_kutta import runge_kutta
from refms.maps.time.tableau import RK4, Tableau
from refms.model import Model, initial_model, score
from refms.multiscale.depth import prolong_in_time, restrict_in_time, time_interpolation_matrix, to_depth
from refms.multiscale.resolution import coarse_to_fine, move_stencils, transfer
from refms.multiscale.weights import move_weights
from refms.names import LOSSES
from refms.objective.batches import batch_width, hessian_sample
from refms.objective.classifier import Classifier
from refms.objective.examples import Examples
from refms.objective.losses import SoftmaxCrossEntropy, loss_named, softmax, zeros_labels
from refms.objective.problem import Block, TrainingProblem
from refms.objective.reading import Classes
from refms.objective.regularizers import classifier_regularizer, time_regularizer
from refms.run.config import OptimizationSection, RegularizationSection
from refms.run.training import problem_of, train
from refms.stencils.conv import conv_matrix, conv_transpose_matrix
from refms.stencils.convolution import Convolution, convolution_matrix
from refms.stencils.differences import gradient_matrix
from refms.stencils.galerkin import prolong_stencil, restrict_stencil, stencil_map, stencil_map_condition
from refms.stencils.resize import resize_matrix
from refms.stencils.smoothing import gaussian_matrix, smooth
from refms.stencils.symbol import eigenvalues, frobenius_norm, infinity_norm, one_norm, spectral_norm, symbol
from refms.stencils.transfer import TransferPair, transfer_pair

GRID = Grid((4, 4))
PAIR = transfer_pair("averaging-bilinear")
K = Convolution(GRID, c_in=2, c_out=3)
S, Y, Z = np.ones((3, 2, 3, 3)), np.ones((32, 5)), np.ones((48, 5))
NAN = np.full((3, 2, 3, 3), np.nan)
LAYER = convolution_layer(Convolution(GRID), activation("tanh"))
STEPS = forward_euler(LAYER, 2, 1.0)
PENALTY = time_regularizer(STEPS.time, 1.0)
OPENING = convolution_map(Convolution(GRID, c_out=2, stencil_shape=(1, 1)))
MATRIX = matrix_map(np.eye(4))
WIDE, NARROW = (convolution_layer(Convolution(GRID, c_in, 2), TANH) for c_in in (2, 1))
PARTS = Layout((("stencil", (1, 1, 3)), ("bias", (1,))))
STENCIL, BIAS = np.zeros((1, 1, 3)), np.zeros(1)
CLASSIFIER = Classifier(GRID, 1, 3)
HEAD = CLASSIFIER.map
LOSS = SoftmaxCrossEntropy()
DATA = Dataset(np.zeros((6, 1, 8, 8)), np.arange(6), classes=10, name="six", max_value=1.0)
IMAGES_OF_TWO = {
    "images": np.ones((2, 1, 8)),
    "labels": np.arange(2),
    "classes": 10,
    "name": "x",
    "max_value": 1,
}
MODEL = initial_model(Residual(GRID, 2), Classes(3))
EXAMPLES = Examples(np.ones((16, 6)), np.ones((3, 6)) / 3)
SHORT = {**MODEL.blocks, "classifier": np.ones(3)}
PROBLEM = problem_of(MODEL, EXAMPLES, RegularizationSection(), OptimizationSection())


THETA = MODEL.blocks["propagation"]


def half(array: np.ndarray) -> np.ndarray:
    return array.astype("float16")


def single(array: np.ndarray) -> np.ndarray:
    return array.astype("float32")


def whole(array: np.ndarray) -> np.ndarray:
    return array.astype("int64")


def ones(rows: int, m: int, dtype: str = "f8") -> Examples:
    return Examples(np.ones((rows, m), dtype), np.ones((3, m), dtype))


def start(
    grid: Grid = GRID, seed: Any = 0, dtype: str = "float64", classes: int = 3, **reading: Any
) -> Model:
    return initial_model(Residual(grid, 2), Classes(classes, **reading), seed, dtype)


def problem(**changes: Any) -> TrainingProblem:
    head, penalty = changes.pop("classifier", None), changes.pop("penalty", None)
    blocks = dict(PROBLEM.blocks)
    if penalty is not None:
        blocks["propagation"] = replace(blocks["propagation"], regularizer=penalty)
    if head is not None:
        blocks["classifier"] = Block(head.map, classifier_regularizer(head, 1.0), subsampled=False)
    return TrainingProblem(blocks, EXAMPLES, **changes)


def pair_with(restriction: Any, centring: str = "cell") -> TransferPair:
    return TransferPair("x", restriction, ((0, 1.0),), centring, None, False, (), False, False, 1, False)


Row = tuple[str, Callable[[], Any], str]

GRIDS: list[Row] = [
    *[
        (f"shape {shape!r}", lambda shape=shape: Grid(shape), words)
        for words, shapes in (
            ("one to three positive integers", ((), (2,) * 4)),
            ("an extent of the grid is", ((0,), (4, 0), (-1, 4), (4.5, 4), (True, 2), "44", None, (4, None))),
            ("fewer than 2**63 cells", ((2**32, 2**32),)),
        )
        for shape in shapes
    ],
    ("odd, coarsened", lambda: Grid((4, 6, 5)).coarsen(), "multiple of 2"),
    ("odd on the way", lambda: Grid((28, 28)).coarsen(3), "multiple of 8"),
    *[
        (f"{act} by {levels}", lambda act=act, n=levels: getattr(GRID, act)(n), f"levels is {levels}")
        for act in ("coarsen", "refine")
        for levels in (-1, 0.5, 10**9)
    ],
    *[
        (f"unrelated {shape}", lambda s=shape: Grid((14, 14)).levels_to(Grid(s)), "not related by doubling")
        for shape in ((14, 27), (14, 56), (28,), (21, 21))
    ],
    ("axis", lambda: GRID.centres(2), "axis is 2; expected 0 to 1"),
    *[
        (f"{f.__name__}, {shape}", lambda f=f, s=shape: f(np.ones(s)), words)
        for f, words in ((columns_from_nchw, "channels, *grid)"), (columns_from_nhwc, "*grid, channels)"))
        for shape in ((4,), (3, 2), (0, 1, 4), (2, 0, 4), (1, 1, 2, 2, 2, 2))
    ],
    *[
        (f"{f.__name__}, {shape}", lambda f=f, s=shape: f(np.ones(s), GRID), words)
        for f in (channels_of, nchw_from_columns, nhwc_from_columns)
        for shape, words in (
            ((17, 2), "multiple of the 16 cells"),
            *((shape, "(channels * cells, examples)") for shape in ((0, 2), (16, 0), (16,), (16, 1, 1))),
        )
    ],
]

CONVOLUTIONS: list[Row] = [
    *[
        (f"{name} {value!r}", lambda given={name: value}: Convolution(**{"grid": GRID, **given}), words)
        for name, value, words in (
            ("grid", (4, 0), "an extent of the grid is 0"),
            ("c_in", 0, "c_in is 0; expected 1 or more"),
            ("c_out", 1.5, "c_out is 1.5"),
            ("c_out", True, "c_out is True"),
            ("stencil_shape", (2, 3), "not a positive odd integer"),
            ("stencil_shape", (3, 4), "embed"),
            ("stencil_shape", (3, -1), "not a positive odd integer"),
            ("stencil_shape", (3.0, 3.0), "not a positive odd integer"),
            ("stencil_shape", (3,), "does not fit grid (4, 4)"),
            ("stencil_shape", 3, "does not fit grid"),
            ("boundary", "periodik", "Did you mean 'periodic'"),
            ("orientation", "correlate", "Did you mean 'correlation'"),
            ("orientation", "x", "unknown orientation 'x'; expected one of 'correlation', 'convolution'"),
        )
    ],
    *[
        (f"{name}, {what}", call, words)
        for what, bad_S, bad_Y, words in (
            ("shape", S[0], Y, "S has shape (2, 3, 3); expected (3, 2, 3, 3)"),
            ("columns", S, Y[:31], "Y has shape (31, 5)"),
            ("vector", S, Y[:, 0], "Y has shape (32,)"),
            ("empty", S, Y[:, :0], "any >= 1"),
            ("integers", whole(S), whole(Y), "dtype int64; expected float32, float64"),
            ("half", half(S), half(Y), "dtype float16"),
            ("mixed", S, single(Y), "mixed precision: S is float64, "),
        )
        for name, call in (
            ("apply", lambda s=bad_S, y=bad_Y: K.apply(s, y)),
            ("gradient", lambda s=bad_S, y=bad_Y: K.adjoint_and_gradient(s, Z, y)),
        )
    ],
    ("matrix, shape", lambda: K.matrix(S[0]), "S has shape (2, 3, 3)"),
    ("matrix, half", lambda: K.matrix(half(S)), "dtype float16"),
    ("adjoint, shape", lambda: K.adjoint(S, Y), "Z has shape (32, 5)"),
    ("adjoint, stencil", lambda: K.adjoint(S[0], Z), "S has shape (2, 3, 3)"),
    ("adjoint, mixed", lambda: K.adjoint(S, single(Z)), "mixed precision"),
    ("adjoint, single S", lambda: K.adjoint(single(S), Z), "mixed precision: S is float32, Z is float64"),
    ("both, single S", lambda: K.adjoint_and_gradient(single(S), Z, Y), "mixed precision: S is float32"),
    ("both, examples", lambda: K.adjoint_and_gradient(S, Z[:, :4], Y), "Y has 5 examples and Z has 4"),
    ("stencil gradient, examples", lambda: K.stencil_gradient(Z[:, :4], Y), "Y has 5 examples and Z has 4"),
    ("stencil gradient, integers", lambda: K.stencil_gradient(whole(Z), Y), "Z has dtype int64"),
    ("assembly, dtype", lambda: K.assembly("float16"), "float16"),
    ("assembly, precision", lambda: K.assembly("float32").matrix(S), "float"),
    ("bare matrix, even", lambda: convolution_matrix(np.ones((2, 2)), GRID), "odd"),
    ("bare matrix, dimension", lambda: convolution_matrix(np.ones(3), GRID), "2 odd size(s)"),
    *[
        (f"{function.__name__}, {what}", lambda f=function, s=bad_S, grid=grid: f(s, grid), words)
        for function in (symbol, spectral_norm, frobenius_norm, one_norm, infinity_norm, eigenvalues)
        for what, bad_S, grid, words in (
            ("half", half(S[0, 0]), GRID, "float16"),
            ("integers", whole(S), GRID, "int64"),
            ("even", S[..., :2], GRID, "stencil"),
            ("dimension", S, Grid((4,)), "(c_out, c_in, *stencil)"),
        )
    ],
    ("spectral norm, NaN", lambda: spectral_norm(NAN, GRID), "S holds NaN or infinity"),
    ("eigenvalues, list", lambda: eigenvalues([[1.0]], GRID), "expected a NumPy or CuPy array"),
    *[
        (f"{function.__name__}, zero boundary", lambda f=function: f(S, GRID, boundary="zero"), words)
        for function in (symbol, spectral_norm)
        for words in ("zero boundary has no symbol", "Convolution.matrix")
    ],
    ("symbol, boundary", lambda: symbol(S, GRID, boundary="neumann"), "unknown boundary 'neumann'"),
    ("norm, boundary", lambda: infinity_norm(S, GRID, boundary="wrap"), "unknown boundary 'wrap'"),
    ("symbol, orientation", lambda: symbol(S, GRID, orientation="flip"), "unknown orientation 'flip'"),
    ("symbol, bare stencil", lambda: symbol(S[0, 0], GRID), "S has shape (3, 3)"),
    ("symbol, what to pass", lambda: symbol(S[0, 0], GRID), "pass s[None, None]"),
    ("norm, no stencil axes", lambda: one_norm(S[0, 0, 0], GRID), "S has shape"),
    ("symbol, no channel in", lambda: symbol(S[:, :0], GRID), "c_in is 0"),
    ("symbol, no channel out", lambda: symbol(S[:0], GRID), "c_out is 0"),
]

TRANSFERS: list[Row] = [
    ("pair", lambda: transfer_pair("averaging-linear"), "Did you mean 'averaging-bilinear'"),
    ("no offsets", lambda: pair_with(()), "expected at least one"),
    ("repeated offset", lambda: pair_with(((0, 0.5), (0, 0.5))), "the restriction of pair 'x'"),
    (
        "no offset of P",
        lambda: replace(PAIR, prolongation=()),
        "the prolongation of pair 'averaging-bilinear'",
    ),
    ("repeated offset of P", lambda: replace(PAIR, prolongation=((0, 0.5), (0, 0.5))), "each only once"),
    ("centring", lambda: pair_with(((0, 1.0),), "vertices"), "Did you mean 'vertex'"),
    ("odd grid", lambda: PAIR.restriction_matrix(Grid((5, 4))), "Crop or pad"),
    ("odd on the way", lambda: PAIR.prolongation_matrix(Grid((6,)), levels=2), "multiple of 4"),
    ("levels", lambda: PAIR.restriction_matrix(GRID, levels=0), "levels is 0"),
    ("channels", lambda: PAIR.prolongation_matrix(GRID, channels=0), "channels is 0"),
    ("dtype", lambda: PAIR.prolongation_matrix(GRID, dtype="float16"), "float16"),
    ("dtype, integers", lambda: PAIR.restriction_matrix(GRID, dtype="int64"), "int64"),
    ("map, even", lambda: stencil_map(PAIR, 4), "odd"),
    ("map, levels", lambda: stencil_map(PAIR, 3, levels=0), "levels is 0"),
    ("condition, levels", lambda: stencil_map_condition(PAIR, 3, levels=0), "levels is 0"),
    ("map, none", lambda: stencil_map(PAIR, 0), "expected"),
    ("map, fraction", lambda: stencil_map(PAIR, 3.0), "3.0"),
    ("condition, none", lambda: stencil_map_condition(PAIR, -3), "-3"),
    *[
        (f"{name}, {what}", lambda f=function, a=arguments: f(*a), words)
        for name, function in (("restrict", restrict_stencil), ("prolong", prolong_stencil))
        for what, arguments, words in (
            ("even", (np.ones((4, 3)), PAIR, 2), "odd"),
            ("empty", (S[..., :0], PAIR), "odd"),
            ("ambiguous", (S[0, 0], PAIR), "Say d="),
            ("fewer axes", (np.ones(3), PAIR, 2), "Say d="),
            ("infinite", (np.full(S.shape, np.inf), PAIR), "NaN or infinity"),
            ("half", (half(S), PAIR), "S has dtype float16"),
            ("integers", (whole(S), PAIR), "S has dtype int64"),
            ("not finite", (NAN, PAIR), "NaN or infinity"),
            ("dimension", (np.ones(3), PAIR), "Say d=1, 2 or 3"),
            ("too many dimensions", (S, PAIR, 4), "one to three stencil axes"),
            ("levels", (S, PAIR, 2, 0), "levels is 0"),
        )
    ],
    ("restrict, orientation", lambda: restrict_stencil(S, PAIR, orientation="x"), "unknown orientation"),
    ("prolong, singular", lambda: prolong_stencil(S, transfer_pair("nearest")), "least_squares=True"),
    ("move stencils", lambda: move_stencils(S[..., :2, :2], 2, 1, PAIR), "odd"),
    ("move weights", lambda: move_weights(np.ones((16, 2)), Grid((4, 3)), -1, PAIR), "multiple of 12 cells"),
    ("move weights, half", lambda: move_weights(half(np.ones((16, 2))), GRID, 1, PAIR), "float16"),
    ("move weights, vector", lambda: move_weights(np.ones(16), GRID, 1, PAIR), "W has shape (16,)"),
    ("model, grid", lambda: transfer(MODEL, Grid((8, 4)), PAIR), "not related by doubling"),
    ("model, shape", lambda: transfer(MODEL, 7, PAIR), "not related by doubling"),
    ("model, pair", lambda: transfer(MODEL, Grid((8, 8)), 3), "unknown transfer pair 3"),
    ("model, rule", lambda: transfer(MODEL, Grid((8, 8)), PAIR, "keeps"), "Did you mean 'keep'"),
    ("Algorithm 1, fraction", lambda: coarse_to_fine(MODEL, lambda m: m, 1.5, PAIR), "levels is 1.5"),
    ("Algorithm 1", lambda: coarse_to_fine(MODEL, lambda model: model, 0, PAIR), "levels is 0"),
]

SMOOTHING: list[Row] = [
    *[
        (f"sigma {sigma}", lambda sigma=sigma: gaussian_matrix(GRID, sigma), "expected a width of 0 to")
        for sigma in (-1.0, np.nan, np.inf, 1e9)
    ],
    ("matrix, dtype", lambda: gaussian_matrix(GRID, 1.0, "float16"), "float16"),
    ("rows", lambda: smooth(Y[:31], GRID, 1.0), "multiple of the 16 cells"),
    ("vector", lambda: smooth(Y[:, 0], GRID, 1.0), "(channels * cells, examples)"),
    ("integers", lambda: smooth(whole(Y), GRID, 1.0), "Y has dtype int64"),
    ("half", lambda: smooth(half(Y), GRID, 1.0), "Y has dtype float16"),
    ("differences, boundary", lambda: gradient_matrix(GRID, "neuman"), "Did you mean 'neumann'"),
    ("differences, dtype", lambda: gradient_matrix(GRID, dtype="int32"), "int32"),
]

MODELS: list[Row] = [
    *[
        (f"outputs, {what}", lambda X=X: MODEL.outputs(X), words)
        for what, X, words in (
            ("rows", np.zeros((15, 2)), "Y has shape (15, 2); expected (16, any >= 1)"),
            ("empty", np.zeros((16, 0)), "Y has shape (16, 0)"),
            ("vector", np.zeros(16), "Y has shape (16,)"),
            ("mixed", single(np.zeros((16, 2))), "mixed precision: theta is float64, Y is float32"),
            ("integers", np.zeros((16, 2), int), "Y has dtype int64; expected float32, float64"),
        )
    ],
    ("outputs, memory", lambda: MODEL.outputs(np.ones((16, 2)), memory=100), "is 100; raise the budget"),
    ("prepare, finer", lambda: start(Grid((16, 16))).prepare(DATA), "Transfer the model to (8, 8)"),
    ("prepare, unrelated", lambda: start(Grid((6, 6))).prepare(DATA), "not related by doubling"),
    *[
        (f"score, {C.shape} {C.dtype}", lambda C=C: score(MODEL, np.ones((16, 4)), C), words)
        for C, words in (
            (np.ones((3, 2)), "C has shape (3, 2); expected (3, 4)"),
            (np.ones((3, 1)), "C has shape (3, 1)"),
            (np.ones((2, 4)), "C has shape (2, 4)"),
            (single(np.ones((3, 4))), "mixed precision"),
            (np.full((3, 4), np.nan), "labels C run from nan to nan"),
            (-np.eye(3, 4), "labels C run from -1 to -0"),
            (np.ones((3, 4)), "labels C sum to 1 up to 2"),
            (np.eye(3, 4), "labels C sum to 1 up to 1"),  # the last one has none
        )
    ],
    *[
        (f"vectors, {words}", lambda blocks=blocks: MODEL.with_blocks(blocks), words)
        for blocks, words in (
            ({}, "block 'propagation' is missing"),
            ({"propagation": THETA}, "block 'classifier' is missing"),
            ({**MODEL.blocks, "propagation": THETA[1:]}, f"theta has shape ({THETA.size - 1},)"),
            (SHORT, "theta has shape (3,)"),
            ({**MODEL.blocks, "propagation": np.nan * THETA}, "stencils holds NaN"),
            ({**MODEL.blocks, "propagation": single(THETA)}, "mixed precision"),
        )
    ],
    *[
        (f"start, {words}", lambda options=options: start(**options), words)
        for options, words in (
            ({"classes": 1}, "classes is 1; expected 2 or more, a whole number"),
            ({"dtype": "float16"}, "unknown dtype 'float16'"),
            ({"dtype": "float46"}, "Did you mean"),
            ({"seed": -1}, "seed is -1"),
            ({"seed": 1.5}, "seed is 1.5"),
            ({"loss": "sofmax"}, "Did you mean 'softmax'"),
            ({"pooling": 7}, "pooling is 7, which does not divide the mesh"),
        )
    ],
]

DEPTH: list[Row] = [
    ("matrix, no layers", lambda: time_interpolation_matrix(0, 2), "layers is 0"),
    ("matrix, fraction", lambda: time_interpolation_matrix(2, 2.5), "new_layers is 2.5"),
    ("matrix, kind", lambda: time_interpolation_matrix(2, 4, "linaer"), "Did you mean 'linear'"),
    ("matrix, dtype", lambda: time_interpolation_matrix(2, 4, dtype="float16"), "float16"),
    ("up, fewer", lambda: prolong_in_time(np.ones((4, 2)), 2), "Use restrict_in_time"),
    ("up, vector", lambda: prolong_in_time(np.ones(4), 8), "(layers, parameters of a layer)"),
    ("up, integers", lambda: prolong_in_time(np.ones((2, 2), int), 4), "Theta has dtype int64"),
    ("up, not finite", lambda: prolong_in_time(np.full((2, 2), np.inf), 4), "NaN or infinity"),
    ("up, empty", lambda: prolong_in_time(np.ones((0, 2)), 4), "any >= 1"),
    ("down, no divisor", lambda: restrict_in_time(np.ones((4, 2)), 3), "does not divide the 4 layers"),
    ("down, half", lambda: restrict_in_time(half(np.ones((4, 2))), 2), "float16"),
    ("model", lambda: to_depth(MODEL, 0), "0"),
    ("model, kind", lambda: to_depth(MODEL, 4, "cubik"), "Did you mean 'cubic'"),
]

NETWORK: list[Row] = [
    ("activation", lambda: activation("tahn"), "Did you mean 'tanh'"),
    ("width", lambda: smoothed_relu(0.0), "positive"),
    ("complex relu", lambda: RELU.value(np.ones(2, complex)), "not analytic"),
    ("layer, parameters", lambda: LAYER.apply(np.ones(9), np.ones((16, 1))), "expected (10,)"),
    ("layer, columns", lambda: LAYER.apply(np.ones(10), np.ones((15, 1))), "(channels * cells, examples)"),
    ("layer, mixed", lambda: LAYER.at(np.ones(10), single(np.ones((16, 1)))), "mixed precision"),
    ("layer, name", lambda: convolution_layer(Convolution(GRID), "tanh"), "activation is 'tanh'"),
    ("step, NaN", lambda: step(LAYER, float("nan")), "the time step is nan"),
    ("too few parameters", lambda: reparametrize(LAYER, LAYER.layout, lambda t: t[:9], np.copy), "(9,)"),
    ("layer, integers", lambda: LAYER.apply(np.ones(10, int), np.ones((16, 1), int)), "int64"),
    ("opening, parameters", lambda: OPENING.apply(np.ones(3), np.ones((16, 1))), "expected (2,)"),
    ("opening, empty", lambda: OPENING.at(np.ones(2), np.ones((16, 0))), "any >= 1"),
    ("matrix opening", lambda: matrix_map(np.eye(4, dtype=int)), "A has dtype int64"),
    ("matrix opening, vector", lambda: matrix_map(np.ones(4)), "A has shape (4,)"),
    ("matrix opening, rows", lambda: MATRIX.apply(np.ones(0), np.ones((5, 1))), "(channels * cells"),
    *[
        (f"steps {layers!r}", lambda n=layers: forward_euler(LAYER, n, 1.0), f"layers is {layers!r}")
        for layers in (0, 1.5, "2")
    ],
    *[
        (f"time {T!r}", lambda T=T: forward_euler(LAYER, 2, T), f"final_time is {T!r}")
        for T in (-1.0, np.nan, np.inf, "1.0")
    ],
    ("steps, parameters", lambda: STEPS.apply(np.ones(19), np.ones((16, 1))), "expected (20,) = parts"),
    *[
        (f"network, {options}", lambda options=options: Residual(GRID, **{"channels": 2, **options}), words)
        for options, words in (
            ({"opening": "learnt"}, "Did you mean 'learned'"),
            ({"channels": 0}, "0"),
            ({"layers": 0}, "layers is 0"),
            ({"stencil_shape": (2, 2)}, "odd"),
            ({"stencil_shape": 3}, "stencil_shape"),
            ({"activation": "rely"}, "Did you mean 'relu'"),
            ({"integrator": "euler"}, "Did you mean 'forward-euler'"),
            ({"layer": "symetric"}, "Did you mean 'symmetric'"),
            ({"integrator": "verlet", "channels": 3}, "expected an even number"),
            ({"integrator": "verlet", "channels": 0}, "channels is 0"),
            ({"integrator": "verlet", "layer": "antisymmetric"}, "do not go together"),
            ({"layer_damping": 0.1}, "expected 0 for layer 'convolution'"),
            ({"layer": "antisymmetric", "layer_damping": -0.1}, "damping of the layer is -0.1"),
            ({"layer": "antisymmetric", "layer_damping": "0"}, "damping of the layer is '0'"),
        )
    ],
    *[
        (f"parameters, {options}", lambda options=options: Residual(GRID, 2).initial(**options), words)
        for options, words in (
            ({"seed": -1}, "seed is -1"),
            ({"seed": "a"}, "seed is 'a'"),
            ({"seed": 0, "dtype": "float16"}, "float16"),
            ({"seed": 0, "stencil_scale": np.nan}, "stencil_scale is nan"),
        )
    ],
    ("vector, missing part", lambda: Residual(GRID, 2).arrays.pack({}), "'opening' is missing"),
    ("network, stencil", lambda: Residual(GRID, 2, stencil_shape=(3,)), "expected"),
    ("network, boundary", lambda: Residual(GRID, 2, boundary="reflect"), "boundary"),
]

MAPS: list[Row] = [
    *[
        (f"vector of shape {shape}", lambda shape=shape: PARTS.unpack(np.zeros(shape)), words)
        for shape in ((3,), (5,), (4, 1), (2, 2), ())
        for words in ("expected (4,) = parts stencil (1, 1, 3), bias (1,)",)
    ],
    ("vector without parts", lambda: EMPTY.unpack(np.zeros(1)), "parts none"),
    *[
        (f"parts {sorted(parts)}", lambda parts=parts: PARTS.pack(parts), "expected exactly")
        for parts in ({}, {"stencil": STENCIL}, {"stencil": STENCIL, "bias": BIAS, "more": BIAS})
    ],
    ("part, shape", lambda: PARTS.pack({"stencil": STENCIL, "bias": np.zeros(2)}), "bias has shape"),
    ("frozen", lambda: frozen(NARROW, np.zeros(9)), "expected (20,) = parts stencil (2, 1, 3, 3), bias"),
    ("chain", lambda: chain(("a", NARROW), ("b", NARROW)), "'a' gives 32 rows but 'b' takes 16"),
    (
        "chain, later",
        lambda: chain(("a", NARROW), ("b", WIDE), ("c", NARROW)),
        "'b' gives 32 rows but 'c' takes 16",
    ),
    ("chain of none", chain, "at least one map"),
    *[(f"chain of {F!r:.2}", lambda F=F: chain(F), "its name: ('layer', F)") for F in (LAYER, "ab")],
    ("chain, names", lambda: chain(("a", WIDE), ("a", WIDE)), "'a/bias', 'a/stencil'"),
    ("rows that change", lambda: step(matrix_map(np.ones((1, 4))), 0.1), "takes 4 rows to 1"),
    *[
        (f"operator {kind}", lambda A=A: operator_map(A), "A ")
        for kind, A in (("vector", np.ones(3)), ("list", [[1.0]]), ("complex", 1j * np.eye(2)))
    ],
    ("identity", lambda: identity(-1), "rows is -1"),
    *[
        (f"pooling {cells!r}", lambda cells=cells: average_pooling(Grid((4, 6)), 1, cells), "pooling is")
        for cells in (-1, 1.5, True, 3, 8)
    ],
    ("pooling, rows", lambda: average_pooling(GRID, 2, 2).apply(np.zeros(0), np.ones((31, 1))), "Y"),
    ("pooling, channels", lambda: average_pooling(GRID, 0, 2), "channels"),
    *[
        (f"{kind.__name__}, channels", lambda kind=kind: kind(Convolution(GRID, 1, 2), TANH), "as many in")
        for kind in (transposed_layer, antisymmetric_layer, symmetric_layer)
    ],
    *[
        (
            f"damping {damping!r}",
            lambda damping=damping: antisymmetric_layer(Convolution(GRID), TANH, damping),
            "expected a finite number >= 0",
        )
        for damping in (-1.0, np.nan, np.inf, "0")
    ],
    *[
        (f"tableau {a} {b}", lambda a=a, b=b: Tableau("mine", a, b, 1), words)
        for a, b, words in (
            (((),), (0.5,), "sum to 0.5"),
            (((0.5,), ()), (0.5, 0.5), "an explicit method"),
            (((),), (0.5, 0.5), "an explicit method"),
            ((), (), "an explicit method"),
        )
    ],
    ("parameters in time", lambda: runge_kutta(LAYER, 2, 1.0, RK4, "cubik"), "Did you mean 'cubic'"),
    *[
        (f"stages {arguments}", lambda arguments=arguments: stage_matrix(*arguments), words)
        for arguments, words in (
            ((0, [0], [0.0], "linear"), "layers is 0"),
            ((2, [0], [0.0], "linaer"), "Did you mean 'linear'"),
            ((2, [2], [0.0], "linear"), "expected steps 0 to 1"),
            ((2, [0], [1.5], "linear"), "nodes 0 to 1"),
            ((2, [0, 1], [0.0], "linear"), "a pair for each time"),
        )
    ],
]

OBJECTIVE: list[Row] = [
    *[
        (f"classifier, channels {c}", lambda c=c: Classifier(GRID, c, 3), f"channels is {c}")
        for c in (0, -1, True, 1.5)
    ],
    ("classifier, classes", lambda: Classifier(GRID, 1, 1), "classes is 1"),
    ("classifier, parameters", lambda: HEAD.apply(np.ones(50), np.ones((16, 1))), "expected (51,)"),
    ("classifier, rows", lambda: HEAD.apply(np.ones(51), np.ones((17, 1))), "Y has shape (17, 1)"),
    ("classifier, mixed", lambda: HEAD.apply(np.ones(51), np.ones((16, 1), "f4")), "mixed precision"),
    ("loss, labels", lambda: LOSS.evaluate(np.ones((3, 2)), np.ones((3, 1))), "the shape of Z"),
    ("loss, empty", lambda: LOSS.evaluate(np.ones((3, 0)), np.ones((3, 0))), "any >= 1"),
    ("loss, vector", lambda: LOSS.evaluate(np.ones(3), np.ones(3)), "(classes, examples)"),
    ("loss, mixed", lambda: LOSS.evaluate(np.ones((3, 2)), np.ones((3, 2), "f4")), "mixed precision"),
    ("loss, integers", lambda: LOSS.evaluate(np.ones((3, 2), int), np.ones((3, 2), int)), "int64"),
    ("softmax, vector", lambda: softmax(np.ones(3)), "(classes, examples)"),
    ("softmax, half", lambda: softmax(half(np.ones((3, 2)))), "float16"),
    ("examples, counts", lambda: Examples(np.ones((4, 3)), np.ones((2, 2))), "targets has shape (2, 2)"),
    ("examples, none", lambda: Examples(np.ones((4, 0)), np.ones((2, 0))), "any >= 1"),
    ("examples, mixed", lambda: Examples(np.ones((4, 3)), np.ones((2, 3), "f4")), "mixed precision"),
    *[
        (f"examples, {bad} in {name}", lambda given=given: Examples(**given), f"{name} hold NaN or Inf")
        for bad in (np.nan, np.inf, -np.inf)
        for name in ("inputs", "targets")
        for given in [{"inputs": np.ones((4, 3)), "targets": np.ones((2, 3)), name: np.full((4, 3), bad)}]
    ],
    ("batches of none", lambda: list(EXAMPLES.batches(0)), "width is 0"),
    ("take none", lambda: EXAMPLES.take(np.array([], int)), "indices"),
    ("take before the first", lambda: EXAMPLES.take(np.array([-1])), "indices run from -1"),
    ("take too far", lambda: EXAMPLES.take(np.array([6])), "indices run from 6 to 6; expected 0 to 5"),
    ("width, memory", lambda: batch_width(1000, 8, 100), "raise the budget"),
    *[
        (f"sample, {p}", lambda p=p: hessian_sample(10, p, 0, 1), f"is {p}; expected a number in (0, 1]")
        for p in (0.0, -0.1, 1.1, np.nan)
    ],
    ("sample, seed", lambda: hessian_sample(10, 0.5, -1, 1), "seed is -1"),
    *[
        (f"{f.__name__}{weights}", lambda f=f, of=of, w=weights: f(of, *w), words)
        for f, of in ((classifier_regularizer, CLASSIFIER), (time_regularizer, STEPS.time))
        for bad in (-1.0, np.nan, np.inf)
        for weights, words in (((bad,), f"smoothness is {bad}"), ((1.0, bad), f"tikhonov is {bad}"))
    ],
    *[
        (f"regulariser of {shape}", lambda s=shape: PENALTY.gradient(np.ones(s)), f"x has shape {shape}")
        for shape in ((19,), (20, 2), (1, 20))
    ],
    *[
        (f"regulariser, {dtype}", lambda dtype=dtype: time_regularizer(STEPS.time, 1.0, dtype=dtype), dtype)
        for dtype in ("float16", "complex128")
    ],
    ("problem, classes", lambda: problem(classifier=Classifier(GRID, 2, 4)), "found 3, expected 4"),
    ("problem, features", lambda: problem(classifier=Classifier(GRID, 1, 3)), "rows after the propagation"),
    ("problem, fraction", lambda: problem(hessian_fraction=2.0), "(0, 1]"),
    ("problem, regulariser", lambda: problem(penalty=PENALTY), "regulariser"),
    ("problem, block", lambda: PROBLEM.block("classifer", MODEL.blocks), "Did you mean 'classifier'"),
    ("problem, missing block", lambda: PROBLEM.block("classifier", {}), "'propagation' is missing"),
    ("problem, length", lambda: PROBLEM.block("joint", SHORT), "classifier has shape (3,)"),
    ("training, images", lambda: train(MODEL, ones(64, 2)), "rows of the inputs: found 64, expected 16"),
    ("training, precision", lambda: train(MODEL, ones(16, 2, "f4")), "mixed precision"),
]

IMAGES: list[Row] = [
    *[
        (f"data set, {what}", lambda g=given: Dataset(**{**IMAGES_OF_TWO, **g}), words)
        for what, given, words in (
            ("vector", {"images": np.ones(3)}, "(examples, channels, *grid)"),
            ("empty", {"images": np.ones((0, 1, 8)), "labels": np.arange(0)}, "none of them empty"),
            ("integers", {"images": np.ones((2, 1, 8), int)}, "dtype int64"),
            ("half", {"images": half(np.ones((2, 1, 8)))}, "float16"),
            ("NaN", {"images": np.full((2, 1, 8), np.nan)}, "NaN"),
            ("labels, count", {"labels": np.arange(3)}, "one label for each image"),
            ("labels, fractions", {"labels": np.ones(2)}, "expected integers"),
            ("labels, range", {"labels": np.array([0, 10])}, "expected 0 to 9"),
            ("classes", {"labels": np.zeros(2, int), "classes": 1}, "classes is 1; expected 2 or more"),
            ("brightness", {"max_value": 0.0}, "positive number"),
        )
    ],
    ("subset, none", lambda: subset(DATA, []), "one or more integers"),
    ("subset, range", lambda: subset(DATA, [6]), "expected 0 to 5"),
    ("subset, fractions", lambda: subset(DATA, [0.5]), "integers"),
    ("split, too many", lambda: split(DATA, 5, 2, 0), "at most 6 together"),
    ("split, none", lambda: split(DATA, 6, 0, 0), "6 for training and 0 for validation"),
    ("split, fraction", lambda: split(DATA, 2.5, 1, 0), "2.5"),
    ("split, seed", lambda: split(DATA, 3, 3, -1), "seed is -1"),
    ("one-hot, range", lambda: one_hot(np.array([0, 3]), 3), "expected 0 to 2"),
    ("one-hot, negative", lambda: one_hot(np.array([-1]), 3), "expected 0 to 2"),
    ("one-hot, fractions", lambda: one_hot(np.ones(2), 3), "expected integers"),
    ("one-hot, dtype", lambda: one_hot(np.array([0]), 3, "float16"), "float16"),
    ("steps, scale", lambda: Preprocessing(scale=0.0), "scale is 0"),
    ("steps, NaN", lambda: Preprocessing(shift=np.nan), "shift is nan"),
    ("steps, smoothing", lambda: Preprocessing(smoothing=-1.0), "0 or more cells"),
    ("steps, pair", lambda: Preprocessing(pair="averaging"), "Did you mean"),
    ("steps, levels", lambda: Preprocessing(levels=1.5), "levels is 1.5"),
    ("steps, unknown", lambda: Preprocessing.from_dict({"smothing": 1.0}), "Did you mean 'smoothing'"),
    ("steps, list", lambda: Preprocessing.from_dict([1]), "expected a mapping"),
    ("prepare, levels", lambda: prepare(DATA, Preprocessing(levels=4)), "multiple of 16"),
    ("prepare, dtype", lambda: prepare(DATA, Preprocessing(), "float16"), "float16"),
    ("prepare, memory", lambda: prepare(DATA, Preprocessing(), max_bytes=10), "max_bytes is 10"),
]

TABLES = {
    "grid": GRIDS,
    "convolution": CONVOLUTIONS,
    "transfer": TRANSFERS,
    "smoothing and differences": SMOOTHING,
    "model": MODELS,
    "depth": DEPTH,
    "network": NETWORK,
    "maps": MAPS,
    "objective": OBJECTIVE,
    "images": IMAGES,
}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        pytest.param(call, words, id=f"{table}: {what}")
        for table, rows in TABLES.items()
        for what, call, words in rows
    ],
)
def test_bad_input_is_refused_with_what_was_expected(call, words):
    with pytest.raises(InputError) as caught:
        call()
    assert words in str(caught.value)
    assert str(caught.value).endswith((".", "?", "…")), "a message is a sentence"


class Tensor(np.ndarray):
    """What a user of PyTorch passes by mistake, as far as a door can see."""


Tensor.__module__ = "torch"


class WithUnits(np.ndarray):
    """A subclass whose arithmetic may be anything."""


NO_ARRAYS = {
    "matrix": (lambda array: array.view(np.matrix), "numpy.matrix, not a plain array"),
    "masked": (np.ma.masked_array, "is a masked array"),
    "sparse": (scipy.sparse.coo_array, "sparse scipy array"),
    "list": (np.ndarray.tolist, "list, not a plain array"),
    "torch": (lambda array: array.view(Tensor), "torch.Tensor, not a plain array"),
    "subclass": (lambda array: array.view(WithUnits), "WithUnits, not a plain array"),
    "objects": (lambda array: array.astype(object), "dtype object"),
}
Z3, C3, X16, INDICES = np.ones((3, 2)), np.eye(3)[:, :2], np.ones((16, 2)), np.array([1, 0])
W = MODEL.arrays["W"]
SPARSE_TOO = ("matrix map", "fixed map")
DOORS: dict[str, tuple[np.ndarray, Callable[[Any], Any]]] = {
    **{
        f"{name}, {what}": (array, call)
        for name in LOSSES
        for loss in [loss_named(name)]
        for what, array, call in (
            ("logits", Z3, lambda z, loss=loss: loss.evaluate(z, C3)),
            ("labels", C3, lambda c, loss=loss: loss.evaluate(Z3, c)),
        )
    },
    "softmax": (Z3, softmax),
    "labels of nothing": (Z3, zeros_labels),
    "inputs": (X16, lambda x: Examples(x, C3)),
    "targets": (C3, lambda c: Examples(X16, c)),
    "images": (np.ones((2, 1, 8)), lambda x: Dataset(**{**IMAGES_OF_TWO, "images": x})),
    "labels": (np.arange(2), lambda x: Dataset(**{**IMAGES_OF_TWO, "labels": x})),
    "image targets": (np.ones((2, 1, 8)), lambda x: Dataset(**{**IMAGES_OF_TWO, "targets": x})),
    "one-hot": (INDICES, lambda labels: one_hot(labels, 3)),
    "columns of NCHW": (np.ones((2, 1, 4)), columns_from_nchw),
    "columns of NHWC": (np.ones((2, 4, 1)), columns_from_nhwc),
    "NCHW of columns": (X16, lambda y: nchw_from_columns(y, GRID)),
    "NHWC of columns": (X16, lambda y: nhwc_from_columns(y, GRID)),
    "K(s) y, s": (S, lambda s: K.apply(s, Y)),
    "K(s) y, y": (Y, lambda y: K.apply(S, y)),
    "adjoint": (Z, lambda z: K.adjoint(S, z)),
    "stencil gradient": (Z, lambda z: K.stencil_gradient(z, Y)),
    "K(s)": (S, K.matrix),
    "a Conv layer": (S, lambda s: conv_matrix(s, GRID, stride=2, padding=1)),
    "a transposed layer": (S, lambda s: conv_transpose_matrix(s, GRID, stride=2, padding=1)),
    "K(s) of one stencil": (S[0, 0], lambda s: convolution_matrix(s, GRID)),
    **{
        f.__name__: (S, lambda s, f=f: f(s, GRID))
        for f in (symbol, spectral_norm, frobenius_norm, one_norm, infinity_norm)
    },
    "eigenvalues": (S[0, 0], lambda s: eigenvalues(s, GRID)),
    "restrict": (S, lambda s: restrict_stencil(s, PAIR)),
    "prolong": (S, lambda s: prolong_stencil(s, PAIR)),
    "smooth": (X16, lambda y: smooth(y, GRID, 1.0)),
    "arrays": (W, lambda w: MODEL.with_arrays(W=w)),
    "blocks": (THETA, lambda x: MODEL.with_blocks({**MODEL.blocks, "propagation": x})),
    "outputs": (X16, MODEL.outputs),
    "trace": (X16, MODEL.trace),
    "score, images": (X16, lambda x: score(MODEL, x, C3)),
    "score, labels": (C3, lambda c: score(MODEL, X16, c)),
    "layer, parameters": (np.ones(10), lambda x: LAYER.apply(x, X16)),
    "layer, features": (X16, lambda y: LAYER.apply(np.ones(10), y)),
    "layer at, features": (X16, lambda y: LAYER.at(np.ones(10), y)),
    "matrix map": (np.eye(4), matrix_map),
    "fixed map": (X16[:4], lambda y: MATRIX.apply(np.ones(0), y)),
    "regulariser": (np.ones(20), PENALTY.value),
    "gradient of a regulariser": (np.ones(20), PENALTY.gradient),
    "value": (MODEL.blocks["classifier"], lambda x: PROBLEM.block("classifier", MODEL.blocks).value(x)),
    "a block of the problem": (THETA, lambda x: PROBLEM.block("joint", {**MODEL.blocks, "propagation": x})),
    "curvature along": (
        MODEL.blocks["classifier"],
        lambda v: PROBLEM.block("classifier", MODEL.blocks).curvature(MODEL.blocks["classifier"])(v),
    ),
    "in time": (np.ones((4, 2)), lambda x: prolong_in_time(x, 8)),
    "weights": (np.ones((16, 2)), lambda w: move_weights(w, GRID, 1, PAIR)),
    "stencils": (S, lambda s: move_stencils(s, 2, 1, PAIR)),
}


@pytest.mark.parametrize("kind", NO_ARRAYS)
@pytest.mark.parametrize("door", DOORS)
def test_every_door_takes_plain_arrays_and_refuses_others_in_a_sentence(door, kind):
    good, call = DOORS[door]
    make, words = NO_ARRAYS[kind]
    call(good)
    if (kind == "matrix" and good.ndim != 2) or (kind == "sparse" and (good.ndim > 2 or door in SPARSE_TOO)):
        return
    with pytest.raises(InputError) as caught:
        call(make(good))
    assert words in str(caught.value)
    assert str(caught.value).endswith(".")


@pytest.mark.parametrize("make", [np.ma.masked_array, set, str])
def test_indices_that_are_no_plain_array_or_list_are_refused(make):
    for call in (subset, lambda data, indices: EXAMPLES.take(indices)):
        with pytest.raises(InputError, match="indices is a"):
            call(DATA, make([1, 0]))


def test_meshes_may_be_given_by_their_shape_pairs_by_their_name_and_counts_by_numpy():
    shape, name, X = (4, 4), "averaging-bilinear", np.ones((16, 2))
    assert Convolution(shape, np.int64(2), 3.0) == Convolution(GRID, 2, 3)
    assert Classifier(shape, np.int64(1), 3.0) == Classifier(GRID, 1, 3)
    assert Residual(shape, 2, layers=np.int64(3)) == Residual(GRID, 2, layers=3)
    assert [type(n) for n in (Grid(np.int64(3)).shape[0], Residual(shape, 2, layers=2.0).layers)] == [
        int,
        int,
    ]
    for by_shape, by_grid in (
        *[(f(S, shape), f(S, GRID)) for f in (symbol, frobenius_norm, one_norm, infinity_norm)],
        *[(f(X, shape), f(X, GRID)) for f in (channels_of, nchw_from_columns, nhwc_from_columns)],
        (smooth(X, shape, 1.0), smooth(X, GRID, 1.0)),
        (gradient_matrix(shape).toarray(), gradient_matrix(GRID).toarray()),
        (gaussian_matrix(shape, 1.0).toarray(), gaussian_matrix(GRID, 1.0).toarray()),
        (convolution_matrix(S[0, 0], shape).toarray(), convolution_matrix(S[0, 0], GRID).toarray()),
        (conv_matrix(S, shape).toarray(), conv_matrix(S, GRID).toarray()),
        (resize_matrix(shape, (3, 5)).toarray(), resize_matrix(GRID, Grid((3, 5))).toarray()),
        (PAIR.restriction_matrix(shape).toarray(), PAIR.restriction_matrix(GRID).toarray()),
        (stencil_map(name, 3), stencil_map(PAIR, 3)),
        (stencil_map_condition(name, 3), stencil_map_condition(PAIR, 3)),
        (restrict_stencil(S, name), restrict_stencil(S, PAIR)),
        (prolong_stencil(S, name), prolong_stencil(S, PAIR)),
        (move_weights(X, shape, 1, name), move_weights(X, GRID, 1, PAIR)),
        (move_stencils(S, 2, 1, name), move_stencils(S, 2, 1, PAIR)),
    ):
        np.testing.assert_array_equal(by_shape, by_grid)
