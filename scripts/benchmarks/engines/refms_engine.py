"""refms by its public interface, once for each route of the convolution that is to be compared."""

import os
from dataclasses import replace

from benchmarks.cases import Problem
from refms.maps.activation import activation
from refms.maps.chain import chain
from refms.maps.layers.convolution import convolution_layer
from refms.maps.time.euler import forward_euler
from refms.objective.problem import TrainingProblem
from refms.objective.workers import Workers
from refms.stencils.convolution import Convolution
from refms.stencils.routes.table import COMPILED

ROUTES = {"refms, NumPy": "patches", **({"refms, fast": "compiled"} if COMPILED else {})}
"""Engine -> route; the second one needs the extra ``fast``."""


def convolution(problem: Problem, route: str) -> Convolution:
    """Return the convolution of a problem's layers with a route."""
    network = problem.network
    return Convolution(
        network.grid, network.channels, network.channels, network.stencil_shape, network.boundary, route=route
    )


def control(problem: Problem, route: str) -> TrainingProblem:
    """Return problem (6) with all layers on one route; the opening, a 1×1 stencil, stays as it is."""
    network = problem.network
    layer = convolution_layer(convolution(problem, route), activation(network.activation))
    steps = forward_euler(layer, network.layers, network.final_time)
    opening, (name, _) = problem.model.map.parts
    whole = chain(opening, (name, steps))
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))  # as many as the peers have
    blocks = problem.control.blocks
    blocks = {**blocks, "propagation": replace(blocks["propagation"], map=whole)}
    return replace(problem.control, blocks=blocks, workers=Workers(threads=threads))


def numpy_alone(problem: Problem) -> TrainingProblem:
    """Return problem (6) with NumPy and SciPy alone."""
    return control(problem, ROUTES["refms, NumPy"])


def with_extra(problem: Problem) -> TrainingProblem:
    """Return problem (6) with the compiled kernels of the extra ``fast``."""
    return control(problem, ROUTES["refms, fast"])


ENGINES = {name: {"patches": numpy_alone, "compiled": with_extra}[route] for name, route in ROUTES.items()}
