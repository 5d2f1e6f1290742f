"""refms by its public interface, once for each route of the convolution that is to be compared."""

from __future__ import annotations

import os
from dataclasses import replace

from benchmarks.cases import Problem
from refms.network.activation import activation
from refms.network.composition import Sequence
from refms.network.layers.convolution_layer import ConvolutionLayer
from refms.network.propagation import ForwardEuler
from refms.objective.optimal_control import OptimalControl
from refms.objective.shards import Team
from refms.stencils.convolution import Convolution
from refms.stencils.routes.table import COMPILED

ROUTES = {"refms, NumPy": "patches", **({"refms, fast": "compiled"} if COMPILED else {})}
"""Engine -> route; the second one needs the extra ``fast``."""


def convolution(problem: Problem, route: str) -> Convolution:
    """Return the convolution of a problem's layers with a route.

    Parameters
    ----------
    problem : Problem
        Gives the geometry.
    route : str
        Name of the route.

    Returns
    -------
    Convolution
        With as many channels out as in.
    """
    network = problem.network
    return Convolution(
        network.grid, network.channels, network.channels, network.stencil_shape, network.boundary, route=route
    )


def control(problem: Problem, route: str) -> OptimalControl:
    """Return problem (6) with all layers on one route; the opening, a 1×1 stencil, stays as it is.

    Parameters
    ----------
    problem : Problem
        The numbers.
    route : str
        Name of the route.

    Returns
    -------
    OptimalControl
        The problem.
    """
    network = problem.network
    layer = ConvolutionLayer(convolution(problem, route), activation(network.activation))
    steps = ForwardEuler(layer, network.layers, network.final_time)
    (opening, fixed), (name, _) = problem.model.map.maps
    whole = Sequence(((opening, fixed), (name, steps)))
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))  # as many as the peers have
    return replace(problem.control, network=whole, team=Team(threads=threads))


def numpy_alone(problem: Problem) -> OptimalControl:
    """Return problem (6) with NumPy and SciPy alone."""
    return control(problem, ROUTES["refms, NumPy"])


def with_extra(problem: Problem) -> OptimalControl:
    """Return problem (6) with the compiled kernels of the extra ``fast``."""
    return control(problem, ROUTES["refms, fast"])


ENGINES = {name: {"patches": numpy_alone, "compiled": with_extra}[route] for name, route in ROUTES.items()}
