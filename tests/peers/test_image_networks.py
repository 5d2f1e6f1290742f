"""The networks of [MST], and ResNet, against PyTorch and JAX: output, gradient and Hessian product."""

from __future__ import annotations

import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from refms.grid import Grid, columns_from_nchw, nchw_from_columns
from refms.maps.architectures.architecture import output_grid_of
from refms.maps.architectures.espcn import ESPCN
from refms.maps.architectures.residual_image import ResidualImage
from refms.maps.architectures.resnet import ResNet
from refms.maps.architectures.unet import UNet
from refms.objective.examples import Examples
from refms.objective.losses.mean_squares import MeanSquares
from refms.objective.losses.ssim import StructuralSimilarity
from refms.objective.regularizers import tikhonov_regularizer
from refms.objective.risk import EmpiricalRisk

GRID, EXAMPLES = Grid((16, 16)), 2
RHO = 30 * np.finfo(float).eps
FILE = Path(__file__).parents[2] / "validation" / "peers" / "image_networks.py"

NETWORKS = {
    "residual": ResidualImage(GRID, 3, 16, closing_scale=1.0),
    "residual of the paper": ResidualImage(GRID),
    "bottleneck": ResidualImage(GRID, 2, 16, block="bottleneck"),
    "super-resolution": ResidualImage(GRID, 3, 10, 3, time=False, add_input=True),
    "ESPCN": ESPCN(GRID, 3, (8, 4)),
    "ESPCN of the paper": ESPCN(GRID),
    "U-net": UNet(GRID, 3, 8, (1, 2, 4), groups=4),
    "U-net, two blocks a mesh": UNet(GRID, 1, 4, (1, 1), blocks=2, groups=2),
    "small U-net": UNet(GRID, 1, 2, (1, 1), groups=1),
    "U-net of the paper": UNet(GRID),
    "ResNet": ResNet(GRID, 3, 4, (2, 1, 1), 2),
}


@cache
def peer():
    specification = importlib.util.spec_from_file_location("image_networks", FILE)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@cache
def operations(library):
    pytest.importorskip(library, reason=f"{library} is not installed: pip install refms[peers]")
    return peer().OPERATIONS[library]()


def error(found, expected, scale):
    """‖found − expected‖ in units of eps times a scale."""
    return np.linalg.norm(found - expected) / (np.finfo(float).eps * scale)


def losses_of(name):
    """Features that are no images have no SSIM."""
    return ("mean_squares",) if name == "ResNet" else ("mean_squares", "ssim")


# PyTorch's own forward derivatives still load a part of it that it has deprecated.
@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
@pytest.mark.parametrize(
    ("library", "name", "loss"),
    [
        *(("torch", name, loss) for name in NETWORKS for loss in losses_of(name)),
        # JAX compiles every operation of the larger ones for minutes.
        *(
            ("jax", name, "mean_squares")
            for name in ("residual", "super-resolution", "ESPCN", "small U-net", "ResNet")
        ),
        ("jax", "bottleneck", "ssim"),
    ],
)
def test_output_gradient_and_hessian_product(library, name, loss):
    o, net, rng = operations(library), NETWORKS[name], np.random.default_rng(0)
    theta = net.map.layout.pack(net.initial(1, "float64"))
    v = rng.standard_normal(theta.size) * np.abs(theta).mean()
    images = rng.uniform(-1, 1, (EXAMPLES, net.image_channels, *GRID.shape))
    targets = rng.uniform(-1, 1, (EXAMPLES, net.channels, *output_grid_of(net).shape))
    times = rng.uniform(size=EXAMPLES)
    timed = getattr(net, "time", True) and not isinstance(net, ESPCN | ResNet)
    X = columns_from_nchw(images)
    X = np.concatenate([X, times[None]]) if timed else X
    own_loss = MeanSquares() if loss == "mean_squares" else StructuralSimilarity(GRID)
    f = EmpiricalRisk(
        net.map,
        Examples(X, columns_from_nchw(targets)),
        tikhonov_regularizer(theta.size, 0.0),
        loss=own_loss,
        second_order=True,
    )
    value, gradient = f.value_and_gradient(theta)
    product = f.curvature(theta)(v)

    forward = peer().NETWORKS[type(net).__name__]
    x, y = o.array(images), o.array(targets)
    t = o.array(times) if timed else None

    def named(vector):
        return {key: o.array(part) for key, part in net.map.layout.unpack(vector).items()}

    def their_loss(p):
        z = forward(o, net, p, x, t)
        return getattr(peer(), loss)(o, z, y)

    def flat(parts):
        return net.map.layout.pack({key: o.host(part) for key, part in parts.items()})

    output = o.host(forward(o, net, named(theta), x, t))
    mine = nchw_from_columns(net.map.apply(theta, X), output_grid_of(net))
    assert error(mine, output, np.linalg.norm(output)) < 30
    sign = 1 if loss == "mean_squares" else -1
    expected = float(their_loss(named(theta)))
    assert abs(value - (expected if sign == 1 else 1 - expected)) < RHO
    theirs, theirs_product = (flat(one) for one in o.gradient_and_product(their_loss, named(theta), named(v)))
    # Gradients of parameters that differ by eps differ by eps ‖∇² θ‖.
    conditioned = np.linalg.norm(theirs) + np.linalg.norm(f.curvature(theta)(theta))
    assert error(gradient, sign * theirs, conditioned) < 30
    turned = np.linalg.norm(f.curvature(theta * (1 + 1e-6))(v) - product) / 1e-6  # likewise, ‖D³f[θ, v]‖
    assert error(product, sign * theirs_product, np.linalg.norm(theirs_product) + turned) < 30
