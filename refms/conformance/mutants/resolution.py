"""Mistakes in moving whole networks to another mesh or depth, and in the images that go with them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from refms.conformance.mutants.arrays import scale
from refms.conformance.mutants.mutant import Asked, Change, Table
from refms.conformance.operations import Parameters
from refms.errors import Array


def _scaled(rule: str, power: int) -> Change:
    """Return the mistake of W by a rule that is too large by (2^d)^power."""
    return lambda t: scale(t(), 2.0 ** (power * len(t.grid)), "W") if t.weights == rule else t()


def _kept(*names: str) -> Change:
    """Return the mistake of arrays that stay as they were."""
    return lambda t: {**t(), **{key: t.parameters[key].copy() for key in names}}


def _first_layer(t: Asked) -> Parameters:
    moved = t()
    S = t.parameters["stencils"].copy()
    S[:1] = moved["stencils"][:1]
    return {**moved, "stencils": S}


def _channel_fastest(t: Asked) -> Parameters:
    """Return a network of which the rows of W were read with the channel fastest."""
    c, W = t.parameters["biases"].shape[1], t.parameters["W"]
    dealt = W.reshape(-1, c, W.shape[1]).swapaxes(0, 1).reshape(W.shape).copy()
    moved = t(parameters={**t.parameters, "W": dealt})
    fine = moved["W"].reshape(c, -1, W.shape[1]).swapaxes(0, 1).reshape(moved["W"].shape)
    return {**moved, "W": fine.copy()}


def _other_rule(t: Asked) -> Any:
    return t(weights="adjoint" if t.weights == "pair" else "pair")


def _moved_opening(t: Asked) -> Any:
    """Return a network with an opening of one cell multiplied as a sum over cells would be."""
    L = t.parameters["opening"]
    return scale(t(), 2.0, "opening") if math.prod(L.shape[2:]) == 1 else t()


def _odd_accepted(t: Asked) -> Any:
    try:
        return t()
    except ValueError:
        return {key: array.copy() for key, array in t.parameters.items()}


_NETWORK: dict[str, Change] = {
    "opening left as it was": _kept("opening"),
    "stencils left as they were": _kept("stencils"),
    "first layer alone moved": _first_layer,
    "rules for W exchanged": _other_rule,
    "biases divided by 2^d on another mesh": lambda t: scale(t(), 0.5 ** len(t.grid), "biases"),
    "opening of one cell scaled": _moved_opening,
}


def _with(changed: Callable[[Parameters, int], Parameters]) -> Change:
    return lambda t: t(parameters={**t.parameters, **changed(t.parameters, t.layers)})


def _rows_of(p: Parameters, layers: int, *names: str) -> dict[str, Array]:
    """Return N' layers, each that of the old one before it."""
    rows = np.arange(layers) * len(p["biases"]) // layers
    return {key: p[key][rows].copy() for key in names}


def _repeated(p: Parameters, layers: int) -> Parameters:
    return _rows_of(p, layers, "stencils", "biases")


def _step_kept(t: Asked) -> Array:
    """Return features with the step T/N of the network before."""
    T = t.problem.final_time * t.layers / len(t.parameters["biases"])
    return np.asarray(t(problem=replace(t.problem, final_time=T)))


def _biases_repeated(t: Asked) -> Array:
    """Return features with interpolated stencils and repeated biases."""
    p = t.parameters
    S = p["stencils"].reshape(len(p["stencils"]), -1)
    deep = t.right.depth_prolong(S, t.layers).reshape(t.layers, *p["stencils"].shape[1:])
    return np.asarray(t(parameters={**p, "stencils": deep, **_rows_of(p, t.layers, "biases")}))


def _restricted_first(t: Asked) -> Array:
    """Return G R y, the same width in length."""
    coarse = tuple(n // 2 for n in t.grid)
    return np.asarray(t.right.blur(t(sigma=0.0), coarse, t.sigma / 2))


MISTAKES: Table = {
    "refine_network": {
        **{f"{name}, refined": change for name, change in _NETWORK.items()},
        "W by P divided by 2^d": _scaled("pair", -1),
        "W by P multiplied by 2^d": _scaled("pair", 1),
        "W by the adjoint without 2^d": _scaled("adjoint", -1),
        "W refined with the channel fastest": _channel_fastest,
        "stencils that have no finer ones kept": _odd_accepted,
    },
    "coarsen_network": {
        **{f"{name}, coarsened": change for name, change in _NETWORK.items()},
        "W by R summed over the cells": _scaled("pair", 1),
        "W by R divided by 2^d": _scaled("pair", -1),
        "W by the adjoint without 2^-d": _scaled("adjoint", 1),
        "odd grids accepted for a network": _odd_accepted,
    },
    "forward_at_depth": {
        "δt of the network before kept": _step_kept,
        "layers repeated in place of interpolated in the deeper network": _with(_repeated),
        "biases of the deeper network repeated": _biases_repeated,
        "T/(N′ + 1) in the deeper network": lambda t: t(
            problem=replace(t.problem, final_time=t.problem.final_time * t.layers / (t.layers + 1))
        ),
        "number of layers kept where it should grow": lambda t: t(layers=len(t.parameters["biases"])),
    },
    "coarse_input": {
        "images restricted before they are smoothed": _restricted_first,
        "σ in coarse cells": lambda t: t(sigma=2 * t.sigma),
        "smoothing before R left out": lambda t: t(sigma=0.0),
        "images smoothed twice": lambda t: t(sigma=math.sqrt(2) * t.sigma),
        "every second cell in place of R": lambda t: t(pair="nearest"),
    },
}
