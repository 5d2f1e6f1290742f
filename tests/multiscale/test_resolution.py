"""Whole trained nets on other meshes: what must hold exactly, on real digits, for every pair allowed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from small_nets import HAS_MNIST, images, locked, rho, trained, untrained

from refms.errors import InputError, SingularTransferError
from refms.grid import Grid
from refms.maps.architectures.residual import Residual
from refms.model import initial_model
from refms.multiscale.resolution import move_stencils, transfer
from refms.multiscale.weights import better_weights, move_pooling, move_weights
from refms.objective.reading import Classes
from refms.stencils.galerkin import stencil_map_condition
from refms.stencils.transfer import TRANSFER_PAIRS, transfer_pair

EPS = np.finfo("float64").eps
NAMES = [pair.name for pair in TRANSFER_PAIRS]
ALLOWED = [
    (direction, pair.name, size)
    for pair in TRANSFER_PAIRS
    for direction in ("up", "down")
    for size in (1, 3, 5)
    if direction == "down" or size in pair.closed_sizes
]
RANKS_OF_SINGULAR = [
    ("averaging-bilinear", 1, 1),
    ("averaging-constant", 5, 3),
    ("summing-constant", 5, 3),
    ("full-weighting-linear", 1, 1),
    ("injection-linear", 5, 3),
    ("injection-cubic", 3, 3),
    ("nearest", 3, 2),
    ("nearest", 5, 3),
]
OF_THREE = [(direction, name) for direction, name, size in ALLOWED if size == 3]
MNIST_ONLY = pytest.mark.skipif(not HAS_MNIST, reason="REFMS_DATA names no mnist/")
SOURCES = ["digits", pytest.param("mnist", marks=MNIST_ONLY)]


def meshes(source: str) -> tuple[int, int]:
    return (4, 8) if source == "digits" else (14, 28)


def moved(source, direction, pair, stencils="galerkin", weights="pair", **options):
    """Return a trained net and its transfer, the coarse one first."""
    coarse, fine = meshes(source)
    options.setdefault("iterations", 2 if source == "digits" else 1)
    model = trained(coarse if direction == "up" else fine, source, **options)
    there = Grid((fine if direction == "up" else coarse,) * 2)
    other = transfer(model, there, pair, stencils, weights=weights)
    return (model, other) if direction == "up" else (other, model)


def matrices(pair, fine, channels):
    """Return R and P."""
    options = {"channels": channels, "dtype": fine.dtype}
    return pair.restriction_matrix(fine.grid, **options), pair.prolongation_matrix(fine.grid, **options)


def operators(model):
    """Return the explicit matrices of the opening and of the layers."""
    net, size = model.architecture, model.architecture.opening_shape
    layer = net.convolution
    opening = replace(layer, c_in=net.image_channels, stencil_shape=size)
    return [
        opening.matrix(model.arrays["opening"]),
        *(layer.matrix(stencil) for stencil in model.arrays["stencils"]),
    ]


def assert_galerkin(pair, coarse, fine, X_H):
    """K_H y_H = R K_h P y_H for the opening and each layer, at the states the coarse net passes through."""
    net, states = coarse.architecture, coarse.trace(X_H)
    inputs = [X_H, *(states[f"network/propagation/y{k}"] for k in range(net.layers))]
    channels = [net.image_channels, *[net.channels] * net.layers]
    R = matrices(pair, fine, net.channels)[0]
    for k, (K_H, K_h, y_H) in enumerate(zip(operators(coarse), operators(fine), inputs, strict=True)):
        if k == 0 and net.opening_shape == (1,) * coarse.grid.dimension:
            continue  # kept, see below
        P = matrices(pair, fine, channels[k])[1]
        scale = abs(R) @ (abs(K_h) @ (abs(P) @ abs(y_H)))
        assert rho(K_H @ y_H, R @ (K_h @ (P @ y_H)), scale) <= 30, f"map {k}"


OPENINGS = [{"opening": opening, "opening_stencil": 3} for opening in ("fixed", "learned")]
EVERY_LAYER = [
    *[("digits", direction, name, {"stencil": size}) for direction, name, size in ALLOWED],
    *[("digits", *case, options) for case in OF_THREE for options in ({"dtype": "float32"}, *OPENINGS)],
    *[pytest.param("mnist", *case, {}, marks=MNIST_ONLY) for case in OF_THREE],
]


@pytest.mark.parametrize(("source", "direction", "name", "options"), EVERY_LAYER)
def test_every_layer_is_the_galerkin_product(source, direction, name, options):
    coarse, fine = moved(source, direction, name, **options)
    dtype, opening = options.get("dtype", "float64"), options.get("opening_stencil", 1)
    if direction == "down" and opening > 1:
        opening = move_stencils(np.ones((1, 1, 3)), 1, -1, transfer_pair(name)).shape[-1]
    assert {str(a.dtype) for m in (coarse, fine) for a in m.arrays.values()} == {dtype}
    assert coarse.architecture.opening_shape == (opening, opening)
    assert_galerkin(transfer_pair(name), coarse, fine, coarse.prepare(images(source, 20)))


@pytest.mark.parametrize("opening", ["fixed", "learned"])
@pytest.mark.parametrize(("direction", "name", "size"), ALLOWED)
def test_an_opening_of_one_cell_is_kept(direction, name, size, opening):
    coarse, fine = moved("digits", direction, name, opening=opening, stencil=size, iterations=1)
    np.testing.assert_array_equal(coarse.arrays["opening"], fine.arrays["opening"])
    assert not np.shares_memory(coarse.arrays["opening"], fine.arrays["opening"])


@pytest.mark.parametrize("name", NAMES)
def test_an_opening_of_one_cell_commutes_with_every_restriction(name):
    coarse, fine = moved("digits", "down", name, iterations=1)
    x_h = fine.prepare(images("digits", 20))
    R_1, R_c = (matrices(transfer_pair(name), fine, channels)[0] for channels in (1, 3))
    assert rho(operators(coarse)[0] @ (R_1 @ x_h), R_c @ (operators(fine)[0] @ x_h)) <= 30


@pytest.mark.parametrize("pair", ["nearest", "averaging-constant"])
def test_the_orientation_is_honoured(pair):
    """Pair nearest has a one-sided c: with the flipped stencil its coarse one is another."""
    fine = trained(8, iterations=1, orientation="convolution")
    coarse = transfer(fine, Grid((4, 4)), pair)
    assert coarse.architecture.orientation == "convolution"
    assert_galerkin(transfer_pair(pair), coarse, fine, coarse.prepare(images("digits", 20)))
    as_correlation = move_stencils(fine.arrays["stencils"], 2, -1, transfer_pair(pair))
    assert np.allclose(as_correlation, coarse.arrays["stencils"]) == (pair != "nearest")


@pytest.mark.parametrize(("shape", "to"), [((6,), (12,)), ((4, 2), (8, 4)), ((4, 2, 2), (8, 4, 4))])
@pytest.mark.parametrize("direction", ["up", "down"])
def test_one_two_and_three_dimensions_and_meshes_that_are_not_square(shape, to, direction):
    here, there = (shape, to) if direction == "up" else (to, shape)
    d = len(shape)
    network = Residual(Grid(here), 2, image_channels=2, stencil_shape=(3,) * d, opening_shape=(3,) * d)
    model = locked(initial_model(network, Classes(3), 2))
    other = transfer(model, Grid(there), "averaging-bilinear")
    coarse, fine = (model, other) if direction == "up" else (other, model)
    X_H = np.random.default_rng(0).standard_normal((2 * coarse.grid.cells, 3))
    assert_galerkin(transfer_pair("averaging-bilinear"), coarse, fine, X_H)


def test_with_zero_boundary_the_identity_holds_away_from_the_edge():
    fine = locked(replace(untrained(32), architecture=replace(untrained(32).architecture, boundary="zero")))
    coarse = transfer(fine, Grid((16, 16)), "averaging-bilinear")
    R, P = matrices(transfer_pair("averaging-bilinear"), fine, 3)
    K_H, K_h = (operators(m)[1] for m in (coarse, fine))
    y = np.random.default_rng(0).standard_normal((K_H.shape[1], 1))
    gap = np.abs(K_H @ y - R @ (K_h @ (P @ y))).reshape(3, 16, 16)
    assert gap[:, 1:-1, 1:-1].max() <= 30 * EPS * np.abs(K_h @ (P @ y)).max()
    assert gap[:, 0].max() > 1e-3


def still(model):
    return replace(model, architecture=replace(model.architecture, final_time=0.0))


def solvable(direction, name):
    """Return how 3×3 stencils can be moved: upwards some pairs are singular."""
    return "galerkin" if direction == "down" or 3 in transfer_pair(name).closed_sizes else "keep"


def moves_by_the_adjoint(name, direction):
    """Whether weights moved by the pair are those moved by the adjoint.

    Downwards W is averaged, and the average of summing-constant is that of averaging-constant.
    """
    return transfer_pair(name).variational or (name, direction) == ("summing-constant", "down")


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("weights", ["pair", "adjoint"])
def test_without_propagation_the_adjoint_keeps_the_logits_and_the_pair_if_variational(
    source, direction, name, weights
):
    """With T -> 0, X_H = R X_h on the way up and X_h = P X_H on the way down."""
    nets = moved(source, direction, name, solvable(direction, name), weights)
    coarse, fine = (still(m) for m in nets)
    R, P = matrices(transfer_pair(name), fine, 1)
    if direction == "up":
        X_h = fine.prepare(images(source, 50))
        X_H = R @ X_h
    else:
        X_H = coarse.prepare(images(source, 50))
        X_h = P @ X_H
    Z_H, Z_h = coarse.outputs(X_H), fine.outputs(X_h)
    if weights == "adjoint" or moves_by_the_adjoint(name, direction):
        y = np.abs(fine.trace(X_h)["network/output"])
        W, mu = (np.abs(fine.arrays[part]) for part in ("W", "mu"))
        assert rho(Z_h, Z_H, fine.grid.cell_volume * (W.T @ y) + mu[:, None]) <= 30
    else:
        assert np.linalg.norm(Z_h - Z_H) > 1e-3 * np.linalg.norm(Z_H - Z_H.mean(axis=0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("levels", [1, 2, -1, -2])
@pytest.mark.parametrize("name", NAMES)
def test_weights_by_the_adjoint_conserve_the_inner_products_of_every_pair(name, levels, dtype):
    """h^d⟨w_h, y_h⟩ = H^d⟨w_H, R y_h⟩ upwards, H^d⟨w_H, y_H⟩ = h^d⟨w_h, P y_H⟩ downwards, for all y."""
    pair, rng = transfer_pair(name), np.random.default_rng(5)
    fine = Grid((8, 4))
    coarse = fine.coarsen(abs(levels))
    here, there = (coarse, fine) if levels > 0 else (fine, coarse)
    W = rng.standard_normal((2 * here.cells, 3)).astype(dtype)
    moved = move_weights(W, here, levels, pair, "adjoint")
    assert moved.shape == (2 * there.cells, 3)
    y = rng.standard_normal((2 * there.cells, 5)).astype(dtype)
    matrix = pair.restriction_matrix if levels > 0 else pair.prolongation_matrix
    image = matrix(fine, channels=2, levels=abs(levels), dtype=dtype) @ y
    scale = here.cell_volume * (np.abs(W).T @ np.abs(image))
    assert rho(there.cell_volume * (moved.T @ y), here.cell_volume * (W.T @ image), scale) <= 30
    same = rho(moved, move_weights(W, here, levels, pair)) <= 30
    assert same == moves_by_the_adjoint(name, "up" if levels > 0 else "down")


ORDERS = [("averaging-bilinear", 2), ("injection-linear", 2), ("injection-cubic", 4), ("nearest", 1)]


@pytest.mark.parametrize(("name", "order"), ORDERS)
def test_weights_of_other_pairs_change_the_logits_of_smooth_features_by_their_order(name, order):
    """h^d⟨P w, y⟩ − H^d⟨w, R y⟩ = O(h^q) for smooth periodic w and y."""
    pair, gaps = transfer_pair(name), []
    assert pair.order == order
    for n in (64, 128):
        fine = Grid((n,))
        x_h, x_H = (np.arange(m) / m + (0.5 / m if pair.centring == "cell" else 0.0) for m in (n, n // 2))
        y, w = np.exp(np.sin(2 * np.pi * x_h)), np.sin(2 * np.pi * x_H + 0.3)
        Pw = move_weights(w[:, None], fine.coarsen(), 1, pair)[:, 0]
        gaps.append(abs(Pw @ y / n - w @ (pair.restriction_matrix(fine) @ y) / (n // 2)))
    assert np.log2(gaps[0] / gaps[1]) == pytest.approx(order, abs=0.1)


@pytest.mark.parametrize(("name", "size"), [(n, size) for d, n, size in ALLOWED if d == "up"])
def test_up_and_down_returns_the_stencils(name, size):
    model, pair = trained(4, stencil=size, iterations=1), transfer_pair(name)
    back = transfer(transfer(model, Grid((8, 8)), name, weights="pair"), Grid((4, 4)), name)
    found = {part: rho(back.arrays[part], model.arrays[part]) for part in ("stencils", "W")}
    assert found["stencils"] <= 30 * stencil_map_condition(pair, size, d=2)
    assert found["W"] > 1e6 if pair.identity_factor is None else found["W"] <= 30


@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("name", NAMES)
def test_mu_bias_time_and_notes_are_kept_and_nothing_is_shared(direction, name):
    stencils = solvable(direction, name)
    before, after = moved("digits", direction, name, stencils)[:: 1 if direction == "up" else -1]
    for kept in ("mu", "biases"):
        np.testing.assert_array_equal(after.arrays[kept], before.arrays[kept])
    resized = {key: getattr(after.architecture, key) for key in ("grid", "stencil_shape")}
    assert after.architecture == replace(before.architecture, **resized)
    assert (after.preprocessing, after.history) == (before.preprocessing, before.history)
    note = {"from": list(before.grid.shape), "to": list(after.grid.shape), "pair": name}
    assert after.record["transfers"] == [note | {"stencils": stencils, "weights": "pair"}]
    assert "transfers" not in before.record
    assert not any(np.shares_memory(after.arrays[a], before.arrays[a]) for a in after.arrays)


@pytest.mark.parametrize("name", NAMES)
def test_the_better_rule_is_the_adjoint_upwards_by_one_pair_and_is_recorded(name):
    """R has to be a mean of even and odd cells alike, and narrower than P."""
    expected = {1: "adjoint" if name == "averaging-bilinear" else "pair", -1: "pair"}
    assert {levels: better_weights(transfer_pair(name), levels) for levels in expected} == expected
    model = untrained(4)
    for levels, to in ((1, 8), (-1, 2)):
        found, named = (
            transfer(model, Grid((to, to)), name, "keep", weights=rule) for rule in (None, expected[levels])
        )
        np.testing.assert_array_equal(found.arrays["W"], named.arrays["W"])
        assert found.record["transfers"][0]["weights"] == expected[levels]


@pytest.mark.parametrize(("direction", "name"), OF_THREE)
def test_nets_on_meshes_that_are_not_square_move_by_doubling_every_axis(direction, name):
    """From 4x8 to 8x16, as a tuple, and back; a shape that would move the axes differently is refused."""
    here, there = ((4, 8), (8, 16))[:: 1 if direction == "up" else -1]
    rng = np.random.default_rng(2)
    net = initial_model(Residual(Grid(here), 3), Classes(10), 5)
    net = net.with_arrays(W=rng.standard_normal(net.arrays["W"].shape))
    other = transfer(net, there, name)
    assert other.grid == Grid(there)
    coarse, fine = (net, other) if direction == "up" else (other, net)
    x_H = rng.standard_normal((32, 5))
    assert_galerkin(transfer_pair(name), coarse, fine, x_H)
    by_adjoint = transfer(still(net), there, name, weights="adjoint")
    R, P = matrices(transfer_pair(name), fine, 1)
    x_h = rng.standard_normal((128, 5)) if direction == "up" else P @ x_H
    coarse, fine = (still(net), by_adjoint) if direction == "up" else (by_adjoint, still(net))
    assert rho(fine.outputs(x_h), coarse.outputs(R @ x_h if direction == "up" else x_H)) <= 30
    with pytest.raises(InputError, match="not related by doubling every axis"):
        transfer(net, (there[0], here[1]), name)


@pytest.mark.parametrize("to", [2, 4, 16])
@pytest.mark.parametrize("name", NAMES)
def test_keep_keeps_the_stencils_bit_for_bit(name, to):
    model = trained(8, iterations=1, opening_stencil=3)
    other = transfer(model, Grid((to, to)), name, "keep")
    np.testing.assert_array_equal(other.arrays["stencils"], model.arrays["stencils"])
    np.testing.assert_array_equal(other.arrays["opening"], model.arrays["opening"])
    assert other.arrays["W"].shape == (3 * to * to, 10)


@pytest.mark.parametrize(("direction", "name"), OF_THREE)
def test_two_levels_at_once_are_one_level_twice(direction, name):
    start, between, to = (4, 8, 16) if direction == "up" else (8, 4, 2)
    model = trained(start, iterations=1)
    once = transfer(model, Grid((to, to)), name)
    twice = transfer(transfer(model, Grid((between, between)), name), Grid((to, to)), name)
    condition = stencil_map_condition(transfer_pair(name), 3, d=2) if direction == "up" else 1.0
    assert rho(once.arrays["stencils"], twice.arrays["stencils"]) <= 30 * condition
    assert rho(once.arrays["W"], twice.arrays["W"]) <= 30
    assert [len(m.record["transfers"]) for m in (once, twice)] == [1, 2]


def test_to_the_same_mesh_is_a_copy():
    model = trained(8, iterations=1)
    same = transfer(model, Grid((8, 8)), "nearest")
    for name, array in model.arrays.items():
        np.testing.assert_array_equal(same.arrays[name], array)
        assert not np.shares_memory(same.arrays[name], array)


@pytest.mark.parametrize(("name", "size", "rank"), RANKS_OF_SINGULAR)
def test_singular_prolongations_are_refused_with_rank_and_size(name, size, rank):
    with pytest.raises(SingularTransferError, match="least_squares=True") as caught:
        transfer(untrained(4, stencil=size), Grid((8, 8)), name)
    found = caught.value
    assert (found.rank, found.size, found.condition) == (rank, size, np.inf)


def test_least_squares_changes_nothing_where_there_is_a_solution():
    model = untrained(4)
    exact = transfer(model, Grid((8, 8)), "averaging-bilinear")
    same = transfer(model, Grid((8, 8)), "averaging-bilinear", least_squares=True)
    np.testing.assert_array_equal(exact.arrays["stencils"], same.arrays["stencils"])
    fine = transfer(model, Grid((8, 8)), "nearest", least_squares=True)
    R, P = matrices(transfer_pair("nearest"), fine, 3)
    K_H, K_h = (operators(m)[1] for m in (model, fine))
    gap = np.linalg.norm((R @ K_h @ P - K_H).toarray()) / np.linalg.norm(K_H.toarray())
    assert 1e-3 < gap < 1


def test_a_pair_of_ones_own_is_taken_as_it_is():
    mine = replace(transfer_pair("averaging-bilinear"), name="mine")
    ours, named = (transfer(untrained(4), Grid((8, 8)), pair) for pair in (mine, "averaging-bilinear"))
    for name, array in named.arrays.items():
        np.testing.assert_array_equal(ours.arrays[name], array)
    assert ours.record["transfers"][0]["pair"] == "mine"


@pytest.mark.parametrize("name", ["averaging-bilinear", "nearest"])
@pytest.mark.parametrize("levels", [2, -2])
def test_stencils_read_as_convolutions_move_as_their_mirror_images(name, levels):
    S, pair = np.random.default_rng(4).standard_normal((2, 1, 3, 3)), transfer_pair(name)
    found = move_stencils(S, 2, levels, pair, True, "convolution")
    mirrored = move_stencils(S[..., ::-1, ::-1], 2, levels, pair, True)[..., ::-1, ::-1]
    np.testing.assert_allclose(found, mirrored, rtol=0, atol=1e-12 * np.abs(found).max())


def test_stencils_and_weights_that_cannot_move_are_refused():
    pair, grid = transfer_pair("averaging-constant"), Grid((4,))
    with pytest.raises(SingularTransferError, match="least_squares=True"):
        move_stencils(np.ones((1, 1, 5)), 1, 1, pair)
    for W, words in ((np.zeros(4), "W has shape"), (np.zeros((4, 2), dtype=int), "W has dtype int64")):
        for levels in (1, 0, -1):
            with pytest.raises(InputError, match=words):
                move_weights(W, grid, levels, pair)


@pytest.mark.parametrize(
    ("grid", "pair", "stencils", "words"),
    [
        ((12, 12), "averaging-bilinear", "galerkin", "doubling"),
        ((8,), "averaging-bilinear", "galerkin", r"\(4, 4\) .*\(8,\)"),
        ((8, 4), "averaging-bilinear", "galerkin", r"\(8, 4\)"),
        ((8, 8), "averaging-bilinaer", "galerkin", "Did you mean 'averaging-bilinear'"),
        ((8, 8), "averaging-bilinear", "galerking", "Did you mean 'galerkin'"),
    ],
)
def test_what_does_not_fit_is_refused(grid, pair, stencils, words):
    with pytest.raises(InputError, match=words):
        transfer(untrained(4), Grid(grid), pair, stencils)


# Pooling


@pytest.mark.parametrize("name", [pair.name for pair in TRANSFER_PAIRS if pair.name.startswith("averaging")])
@pytest.mark.parametrize("pooling", [2, 0])
def test_with_pooling_blocks_stay_the_same_regions_and_their_weights_are_kept(name, pooling):
    """The mean over a block is the mean of its cells' means: exact for T -> 0, whatever P is."""
    coarse, fine = (still(m) for m in moved("digits", "up", name, "keep", pooling=pooling))
    assert (coarse.reading.pooling, fine.reading.pooling) == ((2, 4) if pooling else (0, 0))
    assert coarse.classifier.grid == fine.classifier.grid
    np.testing.assert_array_equal(fine.arrays["W"], coarse.arrays["W"])
    assert not np.shares_memory(fine.arrays["W"], coarse.arrays["W"])
    x_h = fine.prepare(images("digits", 50))
    Z_h, Z_H = fine.outputs(x_h), coarse.outputs(matrices(transfer_pair(name), fine, 1)[0] @ x_h)
    assert rho(Z_h, Z_H) <= 30
    back = transfer(fine, coarse.grid, name, "keep")
    assert back.reading.pooling == coarse.reading.pooling
    np.testing.assert_array_equal(back.arrays["W"], coarse.arrays["W"])


def test_blocks_that_become_cells_are_restricted_from_there_on():
    fine = trained(8, pooling=2)
    coarse, coarser = (transfer(fine, Grid((n, n)), "averaging-constant") for n in (4, 2))
    assert (coarse.reading.pooling, coarser.reading.pooling) == (1, 1)
    np.testing.assert_array_equal(coarse.arrays["W"], fine.arrays["W"])
    R = transfer_pair("averaging-constant").restriction_matrix(Grid((4, 4)), channels=3)
    assert rho(coarser.arrays["W"], R @ fine.arrays["W"]) <= 30


def test_blocks_double_with_the_mesh_and_odd_ones_cannot_be_halved():
    cases = [((1, -2), (1, -2)), ((1, 2), (1, 2)), ((3, 0), (3, 0)), ((3, 2), (12, 0)), ((6, -1), (3, 0))]
    for here, there in cases:
        assert move_pooling(*here) == there
    for cells, levels in ((3, -1), (6, -2)):
        with pytest.raises(InputError, match=r"blocks of 3 cells .* cannot be halved"):
            move_pooling(cells, levels)
    with pytest.raises(InputError, match="even number"):
        transfer(untrained(6, pooling=3), Grid((3, 3)), "averaging-constant")


@pytest.mark.parametrize("d", [1, 2])
def test_one_number_of_cells_stands_for_every_axis(d):
    net = initial_model(
        Residual(Grid((8,) * d), channels=2, layers=1, stencil_shape=(3,) * d, opening_shape=(1,) * d),
        Classes(2),
    )
    moved = transfer(net, 4, "averaging-bilinear")
    assert moved.grid == Grid((4,) * d)
    with pytest.raises(InputError, match="not related by doubling"):
        transfer(net, 6, "averaging-bilinear")
