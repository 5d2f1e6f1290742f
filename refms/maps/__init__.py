"""Maps with hand-derived Jacobians: layers, combinators, steps in time, architectures.

A map F is its parameter layout and ``at(θ, Y)``, which gives F at a point with all its derivatives (map.py).
"""

from refms.maps.activation import Activation, activation
from refms.maps.architectures.architecture import (
    Architecture,
    Arrays,
    Move,
    architecture_named,
    register_architecture,
    same_names,
)
from refms.maps.architectures.espcn import ESPCN
from refms.maps.architectures.residual import Residual
from refms.maps.architectures.residual_image import ResidualImage
from refms.maps.architectures.resnet import ResNet
from refms.maps.architectures.unet import UNet
from refms.maps.branches import add, beside, concatenate, identity, skip
from refms.maps.chain import chain
from refms.maps.layers.channels import channel_gate, channel_scale, channel_shift, take_rows
from refms.maps.layers.convolution import convolution_layer, convolution_map
from refms.maps.layers.entrywise import entrywise, multiple, time_features
from refms.maps.layers.linear import (
    average_pooling,
    every_second_cell,
    linear_map,
    matrix_map,
    operator_map,
)
from refms.maps.layers.mesh_free import mesh_free_map
from refms.maps.layers.norms import normalization
from refms.maps.layers.tied import antisymmetric_layer, symmetric_layer, transposed_layer
from refms.maps.layout import Layout, join_layouts
from refms.maps.map import At, Map, Tangent
from refms.maps.parameters import frozen, recomputed, reparametrize
from refms.maps.step import step
from refms.maps.time.coupling import leapfrog, verlet
from refms.maps.time.euler import forward_euler
from refms.maps.time.runge_kutta import runge_kutta
from refms.maps.time.steps import TimeSteps
from refms.maps.time.tableau import Tableau

__all__ = [
    "ESPCN",
    "Activation",
    "Architecture",
    "Arrays",
    "At",
    "Layout",
    "Map",
    "Move",
    "ResNet",
    "Residual",
    "ResidualImage",
    "Tableau",
    "Tangent",
    "TimeSteps",
    "UNet",
    "activation",
    "add",
    "antisymmetric_layer",
    "architecture_named",
    "average_pooling",
    "beside",
    "chain",
    "channel_gate",
    "channel_scale",
    "channel_shift",
    "concatenate",
    "convolution_layer",
    "convolution_map",
    "entrywise",
    "every_second_cell",
    "forward_euler",
    "frozen",
    "identity",
    "join_layouts",
    "leapfrog",
    "linear_map",
    "matrix_map",
    "mesh_free_map",
    "multiple",
    "normalization",
    "operator_map",
    "recomputed",
    "register_architecture",
    "reparametrize",
    "runge_kutta",
    "same_names",
    "skip",
    "step",
    "symmetric_layer",
    "take_rows",
    "time_features",
    "transposed_layer",
    "verlet",
]
