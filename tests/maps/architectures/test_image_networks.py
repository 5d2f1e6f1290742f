"""The networks of [MST]: the parameters it counts, one layout on every grid, memory, what they refuse."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from refms.errors import InputError
from refms.grid import Grid
from refms.maps.architectures.architecture import count_parameters
from refms.maps.architectures.espcn import ESPCN
from refms.maps.architectures.residual_image import ResidualImage
from refms.maps.architectures.resnet import ResNet
from refms.maps.architectures.unet import UNet
from refms.maps.chain import frugal
from refms.maps.map import At, second_of

GRID = Grid((16, 16))


@pytest.mark.parametrize(
    ("network", "parameters"),
    [
        (ResidualImage(GRID), 597_699),
        (ResidualImage(GRID, width=100, blocks=9, time=False, add_input=True), 1_622_503),
        (ESPCN(GRID), 69_603),
        (UNet(GRID), 2_470_883),
        (UNet(GRID, dropout=0.5), 2_470_883),
    ],
    ids=lambda value: type(value).__name__,
)
def test_parameters_are_as_many_as_the_paper_counts(network, parameters):
    assert count_parameters(network) == parameters


@pytest.mark.parametrize(
    ("network", "depth"),
    [
        (ResidualImage(GRID, 1, 16, blocks=8), 18),
        (ResidualImage(GRID, 1, 16, blocks=16, block="bottleneck"), 50),
    ],
    ids=["ResNet18", "ResNet50"],
)
def test_the_depths_of_table_4_are_reached(network, depth):
    """Convolutions from the image to the output, without the maps of the time."""
    layers = [
        name for name, shape in network.map.layout.parts if name.endswith("stencil") and len(shape) == 4
    ]
    assert len(layers) == depth


def test_a_unet_of_five_levels_has_as_many_meshes():
    """The coarsest of 16×16 cells has one cell, and 24 cells cannot be halved four times."""
    network = UNet(GRID, 1, 4, (1, 1, 2, 2, 2), groups=2)
    assert np.isfinite(network.map.apply(*random_point(network))).all()
    with pytest.raises(InputError, match="16"):
        network.on(Grid((24, 24)))


def random_point(network):
    rng = np.random.default_rng(0)
    theta = network.map.layout.pack(network.initial(0, "float64"))
    return theta, rng.uniform(0.1, 1, (network.map.rows_in, 2))


NETWORKS = [
    ResidualImage(GRID, 2, 8),
    ResidualImage(GRID, 1, 16, block="bottleneck"),
    ResidualImage(GRID, 1, 8, boundary="periodic", convolution="mesh-free"),
    ESPCN(GRID, 1, (4, 3)),
    UNet(GRID, 1, 4, (1, 2), groups=2),
    UNet(GRID, 1, 4, (1, 1, 2), blocks=2, groups=4, dropout=0.2),
    UNet(GRID, 1, 2, (1, 2), groups=1, boundary="periodic", convolution="mesh-free"),
]


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: type(network).__name__)
def test_the_layout_is_the_same_on_every_grid(network):
    for grid in (Grid((8, 8)), Grid((24, 16))):
        moved = network.on(grid)
        assert moved.map.layout == network.map.layout
        assert moved.map.rows_out == network.image_channels * grid.cells


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: type(network).__name__)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_first_output_is_finite_and_depends_on_every_parameter(network, dtype):
    """Every parameter has a gradient somewhere: nothing is wired past the output."""
    theta = network.map.layout.pack(network.initial(0, dtype))
    rng = np.random.default_rng(1)
    Y = rng.uniform(0.1, 1, (network.map.rows_in, 3)).astype(dtype)
    F = network.map.at(theta, Y)
    G = rng.standard_normal(F.output.shape).astype(dtype)
    parts = network.map.layout.unpack(F.vjp(G)[0])
    assert F.output.dtype == dtype
    assert np.isfinite(F.output).all()
    assert [name for name, g in parts.items() if not np.any(g)] == []


def test_time_and_masks_are_rows_below_the_image():
    network = UNet(GRID, 1, 4, (1, 2), groups=2, dropout=0.5)
    assert network.dropout_rows == 4 + 8 + 8 + 8 + 8 + 8 + 4 + 4
    assert network.map.rows_in == GRID.cells + 1 + network.dropout_rows
    plain = UNet(GRID, 1, 4, (1, 2), groups=2)
    theta = plain.map.layout.pack(plain.initial(0, "float64"))
    Y = np.random.default_rng(0).standard_normal((plain.map.rows_in, 2))
    kept = np.concatenate([Y, np.ones((network.dropout_rows, 2))])
    assert np.array_equal(network.map.apply(theta, kept), plain.map.apply(theta, Y))


@pytest.mark.parametrize(
    "make",
    [
        lambda: UNet(Grid((6, 8))),
        lambda: UNet(GRID, base=3),
        lambda: UNet(GRID, base=20),
        lambda: UNet(GRID, multipliers=()),
        lambda: UNet(GRID, dropout=1.0),
        lambda: ResidualImage(GRID, block="wide"),
        lambda: ResidualImage(GRID, convolution="graph"),
        lambda: ResidualImage(Grid((8,)), convolution="mesh-free"),
        lambda: ESPCN(GRID, widths=()),
        lambda: ESPCN(GRID, image_channels=0),
        lambda: ESPCN(GRID).on(Grid((8, 8)), {"conv0/stencil": (3, 3)}),
    ],
)
def test_what_does_not_fit_is_refused(make):
    with pytest.raises(InputError):
        make()


@pytest.mark.parametrize(("width", "options", "divisor"), [(6, {}, 4), (8, {"block": "bottleneck"}, 16)])
def test_widths_of_residual_networks_divide_into_the_features_of_the_time(width, options, divisor):
    with pytest.raises(InputError, match=f"multiple of {divisor}"):
        ResidualImage(GRID, width=width, **options)
    ResidualImage(GRID, width=width, time=False, **options)


def test_a_residual_network_may_see_single_cells_alone():
    network = ResidualImage(GRID, 1, 4, stencil=1)
    assert network.arrays.shapes["block0/conv1/stencil"] == (4, 4, 1, 1)


DEEP = [*NETWORKS, ResNet(GRID, 1, 4, (2, 2), groups=2)]


@pytest.mark.parametrize("network", DEEP, ids=lambda network: type(network).__name__)
def test_blocks_that_keep_their_output_alone_change_no_bit(network):
    plain, sparing = network.map, frugal(network.map)
    theta, Y = random_point(network)
    rng = np.random.default_rng(1)
    dtheta, dY, G = (rng.standard_normal(shape) for shape in (theta.size, Y.shape, (plain.rows_out, 2)))
    results = []
    for F in (plain, sparing):
        point = F.at(theta, Y)
        along, gY = second_of(point)(G)
        results.append(
            [F.apply(theta, Y), point.jvp(dtheta, dY), *point.vjp(G), gY, *along(dtheta, dY).vjp(G)]
        )
    for found, expected in zip(*results, strict=True):
        np.testing.assert_array_equal(found, expected)
    kept = [held(F.linearize(theta, Y)) for F in (plain, sparing)]
    assert kept[1] < 0.75 * kept[0]


def held(point):
    """Return the bytes of all arrays that a point holds, through its closures."""
    seen, found, waiting = set(), {}, [point]
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, np.ndarray):
            base = one if one.base is None else one.base
            found[id(base)] = getattr(base, "nbytes", 0)
        elif isinstance(one, (list, tuple)):
            waiting += one
        elif isinstance(one, At):
            waiting += [one.output, one.jvp, one.vjp, one.second]
        elif isinstance(one, partial):
            waiting += [one.func, *one.args, *one.keywords.values()]
        else:
            waiting += [cell.cell_contents for cell in getattr(one, "__closure__", None) or ()]
    return sum(found.values())
