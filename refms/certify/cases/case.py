"""What a case is: inputs, and two answers to what follows from them that know nothing of each other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from refms.certify.balls import Balls
from refms.certify.golden import Quantity
from refms.errors import Array

Setting = int | str | tuple[int, ...]
Given = Mapping[str, Balls]
Said = dict[str, Quantity]
"""Inputs as balls, and what the formulas say of them."""

Arrays = Mapping[str, Array]
Found = dict[str, Array | float]
"""Inputs in one precision, and what refms computes from them."""


@dataclass(frozen=True, eq=False)
class Case:
    """Inputs in float64, taken as exact; ``formulas`` are those of refms.definition, ``refms`` is the rest.

    ``name`` is the first word of the names of its quantities; ``setting`` is what is no input, such as the
    extents of the grid, for readers in other languages.
    """

    name: str
    inputs: Arrays
    formulas: Callable[[Given], Said]
    refms: Callable[[Arrays], Found]
    setting: Mapping[str, Setting] = field(default_factory=dict)
