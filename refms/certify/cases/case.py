"""What a case is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from refms.certify.formulas.tensor import Tensor
from refms.certify.golden import Quantity
from refms.errors import Array


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
        Inputs as balls -> quantities by name, from ``refms.certify.formulas`` alone.
    refms : callable
        Inputs as arrays of one precision -> results of the same names, from the rest of refms alone.
    """

    name: str
    inputs: Mapping[str, Array]
    formulas: Callable[[Mapping[str, Tensor]], dict[str, Quantity]]
    refms: Callable[[Mapping[str, Array]], dict[str, Array]]
