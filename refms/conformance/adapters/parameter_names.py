"""A network in the words of its implementation: its extents, and where it keeps refms' five arrays.

A place is a name and, in brackets, the order of the axes where it is not the usual one of the library:
``layers.{k}.weight`` is one array a layer, k = 0 … N−1 (``{k+1}`` counts from one), and
``head.weight[class out*grid]`` is Wᵀ with the channel slowest.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from refms.conformance.adapters.profile import Problem
from refms.conformance.operations import PARAMETERS, Parameters, parameter_shapes
from refms.display import short_repr
from refms.errors import Array, InputError

OWN = {
    "opening": "out in stencil",
    "stencils": "layer out in stencil",
    "biases": "layer out",
    "W": "out*grid class",
    "mu": "class",
}
"""The axes of refms' arrays."""

TORCH = OWN | {"W": "class out*grid"}
"""Those of torch.nn.Conv1d to Conv3d and Linear."""

FLAX = OWN | {"opening": "stencil in out", "stencils": "layer stencil in out", "W": "grid*out class"}
"""Those of flax.linen.Conv and Dense."""

Rename = Callable[[Parameters, "NetworkSpec"], dict[str, Any]]
"""(refms' arrays, the network) -> the implementation's, by their names."""


@dataclass(frozen=True)
class NetworkSpec:
    """The network that the kit asks for: extents of its arrays, and what is not learned.

    Parameters
    ----------
    image_channels, channels, layers, classes : int
        c_image, c, N and ℓ.
    stencil, grid : tuple of int
        Odd sizes of all stencils, and cells along each axis.
    final_time : float
        T; the step is δt = T/N.
    boundary, activation : str
        Names as in the profile.

    Examples
    --------
    >>> NetworkSpec(1, 4, 3, 10, (3, 3), (8, 8), final_time=1.5).step
    0.5
    """

    image_channels: int
    channels: int
    layers: int
    classes: int
    stencil: tuple[int, ...]
    grid: tuple[int, ...]
    final_time: float = 1.0
    boundary: str = "periodic"
    activation: str = "tanh"

    __repr__ = short_repr

    @property
    def step(self) -> float:
        """δt = T/N."""
        return self.final_time / self.layers


def spec_of(parameters: Parameters, problem: Problem) -> NetworkSpec:
    """Return the network whose parameters, in refms' shapes, these are."""
    channels, image_channels, *stencil = parameters["opening"].shape
    extents = image_channels, channels, len(parameters["stencils"]), len(parameters["mu"])
    return NetworkSpec(
        *extents, tuple(stencil), problem.grid, problem.final_time, problem.boundary, problem.activation
    )


def zero_parameters(spec: NetworkSpec) -> dict[str, Array]:
    """Return refms' arrays of a network, all zero."""
    extents = {"O": spec.channels, "B": spec.image_channels, "l": spec.layers, "y": spec.classes}
    shapes = parameter_shapes(spec.stencil, D=spec.channels * math.prod(spec.grid), **extents)
    return {key: np.zeros(shape) for key, shape in shapes.items()}


def renaming(names: Mapping[str, str], usual: Mapping[str, str], permute: Callable[..., Any]) -> Rename:
    """Return the function that gives refms' arrays their names and axes in an implementation.

    >>> import numpy as np
    >>> p = {"opening": "L", "stencils": "layers.{k}", "biases": "b", "W": "W", "mu": "mu"}
    >>> spec = NetworkSpec(1, 2, 3, 4, (3,), (5,))
    >>> theirs = renaming(p, TORCH, np.transpose)(zero_parameters(spec), spec)
    >>> theirs["layers.2"].shape, theirs["W"].shape
    ((2, 2, 3), (4, 10))
    """
    if set(names) != set(PARAMETERS):
        raise InputError(f"names are of {', '.join(names)}; expected one each for {', '.join(PARAMETERS)}.")
    places = {key: _place(key, names[key], usual[key]) for key in PARAMETERS}

    def rename(parameters: Parameters, spec: NetworkSpec) -> dict[str, Any]:
        found, several = {}, {"stencil": spec.stencil, "grid": spec.grid}
        for key, (name, axes) in places.items():
            inside = spec.image_channels if key == "opening" else spec.channels
            scalars = {"in": inside, "out": spec.channels, "layer": spec.layers, "class": spec.classes}
            extents = {**{axis: (n,) for axis, n in scalars.items()}, **several}
            for one, array, own in _parts(name, parameters[key], OWN[key]):
                found[one] = rearrange(array, own, axes, extents, permute)
        return found

    return rename


def rearrange(
    array: Any, have: str, want: str, extents: Mapping[str, tuple[int, ...]], permute: Callable[..., Any]
) -> Any:
    """Return an array with its axes in another order, taken apart and joined where a * stands.

    >>> import numpy as np
    >>> rearrange(np.arange(6), "a*b", "b a", {"a": (2,), "b": (3,)}, np.transpose).tolist()
    [[0, 3], [1, 4], [2, 5]]
    """
    old, new = (
        [(one, j) for one in _factors(text) for j in range(len(extents[one]))] for text in (have, want)
    )
    shape = list[int]()
    for axis in want.split():
        sizes = [n for one in axis.split("*") for n in extents[one]]
        shape += [math.prod(sizes)] if "*" in axis else sizes
    apart = array.reshape([extents[one][j] for one, j in old])
    return permute(apart, [old.index(factor) for factor in new]).reshape(shape)


def _place(key: str, text: str, usual: str) -> tuple[str, str]:
    """Return name and axes of a place."""
    parsed = re.fullmatch(r"([^\[\]]+?)\s*(?:\[(.*)\])?", text)
    if parsed is None:
        raise InputError(f"{key} is {text!r}; expected a name, perhaps with axes: name[{usual}].")
    name, axes = parsed[1], parsed[2] or usual
    each = name != _of_layer(name, 0)
    if each and "layer" not in OWN[key]:
        raise InputError(
            f"{key} is {text!r}, but there is one for all layers; expected a name without {{k}}."
        )
    own, axes = ((one.replace("layer ", "", 1) if each else one) for one in (OWN[key], axes))
    if sorted(_factors(axes)) != sorted(_factors(own)):
        raise InputError(f"{key} is {text!r}; expected the axes {own} in any order.")
    return name, axes


def _parts(name: str, array: Any, own: str) -> list[tuple[str, Any, str]]:
    """Return name, array and axes of each of the arrays that one of refms' becomes."""
    if name == _of_layer(name, 0):
        return [(name, array, own)]
    return [(_of_layer(name, k), array[k], own.replace("layer ", "", 1)) for k in range(len(array))]


def _of_layer(name: str, k: int) -> str:
    return re.sub(r"\{k(?:\+(\d+))?\}", lambda found: str(k + int(found[1] or 0)), name)


def _factors(axes: str) -> list[str]:
    return axes.replace("*", " ").split()
