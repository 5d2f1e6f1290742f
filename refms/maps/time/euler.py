"""Forward propagation in time, eq. (3): y_{k+1} = y_k + δt F(θ_k, y_k), k = 0 … N-1, T = N δt."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial

from refms.errors import Array
from refms.maps.chain import chain
from refms.maps.map import Map
from refms.maps.parameters import recomputed
from refms.maps.step import step
from refms.maps.time.steps import TimeSteps


def forward_euler(layer: Map, layers: int, final_time: float) -> Map:
    """Return N forward Euler steps with identical layers F and a parameter vector θ_k for each.

    Parameters
    ----------
    layer : Map
        F, with as many rows out as in.
    layers : int
        Number of layers N, which is the number of steps.
    final_time : float
        T ≥ 0; the step is δt = T / N. With T = 0 the propagation is the identity.

    Returns
    -------
    Map
        From y_0 to y_N, its parameters named ``layerk/…``. Where less memory is wanted, its ``frugal`` form
        keeps the states at the ends of segments of ⌈√N⌉ layers and runs one segment anew in every product:
        memory falls from N layers to about 2√N, the results are the same bits.

    Raises
    ------
    InputError
        If N < 1, T is negative or not finite, or F changes the number of rows.

    Notes
    -----
    [LAS] eq. (3), with N steps (the paper's k = 0 … N is the same with its N one smaller): a chain of steps,

        dY_{k+1} = dY_k + δt (F_θ dθ_k + F_Y dY_k),
        G_k = G_{k+1} + δt F_Yᵀ G_{k+1},   gradient of θ_k: δt F_θᵀ G_{k+1}.

    Examples
    --------
    >>> from refms.grid import Grid
    >>> from refms.maps.activation import TANH
    >>> from refms.maps.layers.convolution import convolution_layer
    >>> from refms.stencils.convolution import Convolution
    >>> steps = forward_euler(convolution_layer(Convolution(Grid((8, 8))), TANH), layers=2, final_time=1.0)
    >>> steps.time.time_step, steps.layout.size
    (0.5, 20)
    """
    steps = TimeSteps(layer, layers, final_time)
    one = step(layer, steps.time_step)
    named = [(f"layer{k}", one) for k in range(layers)]
    whole = replace(chain(*named), times=((0, steps),), record=partial(_record, steps))
    length = math.isqrt(layers - 1) + 1
    segments = [recomputed(chain(*named[start : start + length])) for start in range(0, layers, length)]
    kept = replace(chain(*[("", segment) for segment in segments]), times=((0, steps),), record=whole.record)
    return replace(whole, frugal=lambda: kept) if kept.stored < whole.stored else whole


def _record(steps: TimeSteps, theta: Array, Y: Array) -> dict[str, Array]:
    """Return the trace: ``layerk/…`` intermediates of F and the states ``y0`` … ``yN``, ``output`` last."""
    named: dict[str, Array] = {"y0": Y}
    for k, theta_k in enumerate(steps.by_layer(theta)):
        inner = steps.layer.recorded(theta_k, Y)
        named.update({f"layer{k}/{key}": value for key, value in inner.items()})
        Y = Y + steps.time_step * inner["output"]
        named[f"y{k + 1}"] = Y
    return {**named, "output": Y}
