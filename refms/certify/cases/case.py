"""What a case is, and how the formulas say a quantity."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from refms.certify.balls import Balls
from refms.certify.golden import Quantity
from refms.definition.arrays import Number
from refms.errors import Array

Setting = int | str | tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Case:
    """Inputs, and two answers to what follows from them that know nothing of each other.

    Parameters
    ----------
    name : str
        First word of the names of its quantities.
    inputs : mapping of str to numpy.ndarray
        float64, taken as exact.
    formulas : callable
        Inputs as balls -> quantities by name, from ``refms.definition`` alone.
    refms : callable
        Inputs as arrays of one precision -> results of the same names, from the rest of refms alone.
    setting : mapping of str to int or tuple of int or str
        What is not an input, such as the extents of the grid; for readers in other languages.
    """

    name: str
    inputs: Mapping[str, Array]
    formulas: Callable[[Mapping[str, Balls]], dict[str, Quantity]]
    refms: Callable[[Mapping[str, Array]], dict[str, Array]]
    setting: Mapping[str, Setting] = field(default_factory=dict)


def scalar(number: Number, scale: Number, recipe: str) -> Quantity:
    """Return the quantity of a bare number, shape ()."""
    value = np.empty((), dtype=object)
    value[()] = number
    return Quantity(value, scale, recipe)
