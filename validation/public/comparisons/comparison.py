"""A function of a public library against refms' on random inputs; the smallest input where they differ."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from refms.checks.report import verdict, worst_rho
from refms.checks.residual import machine_epsilon, ratio

Inputs = dict[str, Any]
"""Arguments by name: arrays, and what is no array, such as a stride."""

DTYPES = ("float64", "float32")
INSTANCES = 36
"""Random inputs of each precision, their sizes in turn."""


@dataclass(frozen=True)
class Comparison:
    """One row: what the library computes, what refms has for it, and whether they are to agree."""

    library: str  # its name in the package index
    function: str
    refms: str
    draw: Callable[[np.random.Generator, int], Inputs]  # float64 inputs of a size
    theirs: Callable[..., Any]
    ours: Callable[..., Any]
    scale: Callable[..., float]  # of what errors count against
    sizes: tuple[int, ...]  # ascending
    why: str = ""  # they differ; without it they are to agree
    differs_in: tuple[str, ...] = DTYPES

    def differs(self, dtype: str) -> bool:
        """Say whether they are known to differ in this precision."""
        return bool(self.why) and dtype in self.differs_in


def rounded(inputs: Inputs, dtype: str) -> Inputs:
    """Return the inputs with floating arrays in this precision."""
    floating = {name: a for name, a in inputs.items() if isinstance(a, np.ndarray) and a.dtype.kind == "f"}
    return inputs | {name: a.astype(dtype) for name, a in floating.items()}


def both(row: Comparison, inputs: Inputs, dtype: str) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the library's result, refms' in double precision at the same rounded inputs, and the scale."""
    given = rounded(inputs, dtype)
    exact = rounded(given, "float64")
    theirs, ours = (
        np.asarray(a, dtype="float64") for a in (row.theirs(**rounded(given, dtype)), row.ours(**exact))
    )
    return theirs, ours, float(row.scale(**exact))


def rho(row: Comparison, inputs: Inputs, dtype: str) -> float:
    """Return ρ = max |theirs − ours|/(eps · scale), infinite where the shapes differ."""
    theirs, ours, scale = both(row, inputs, dtype)
    if theirs.shape != ours.shape:
        return float("inf")
    return ratio(float(abs(theirs - ours).max(initial=0.0)), scale, machine_epsilon(dtype))


def drawn(row: Comparison, seed: int, size: int) -> Inputs:
    """Return the inputs of a seed and size."""
    return row.draw(np.random.default_rng([seed, size]), size)


def largest_rho(row: Comparison, dtype: str, instances: int = INSTANCES) -> float:
    """Return the largest ρ over random instances."""
    sizes = (row.sizes[k % len(row.sizes)] for k in range(instances))
    return worst_rho(rho(row, drawn(row, k, size), dtype) for k, size in enumerate(sizes))


def smallest_input(row: Comparison, dtype: str, tries: int = INSTANCES) -> tuple[int, Inputs] | None:
    """Return the smallest size at which they differ, and the simplest of its inputs that shows it."""

    def fails(inputs: Inputs) -> bool:
        return verdict(rho(row, inputs, dtype)) == "FAIL"

    for size in row.sizes:
        found = [inputs for seed in range(tries) if fails(inputs := drawn(row, seed, size))]
        if found:
            return size, simplify(min(found, key=numbers), fails)
    return None


def numbers(inputs: Inputs) -> int:
    """Return how many numbers the arrays have, plus whole numbers such as extents and strides."""
    counted = (a for a in inputs.values() if not isinstance(a, str))
    return sum(a.size if isinstance(a, np.ndarray) else int(np.sum(a)) for a in counted)


def simplify(inputs: Inputs, fails: Callable[[Inputs], bool]) -> Inputs:
    """Return the inputs with entry after entry 0, or 1, or one digit long, as far as that still fails."""
    for name, array in inputs.items():
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f":
            continue
        for place in np.ndindex(array.shape):
            for value in (0.0, 1.0, float(f"{array[place]:.1g}")):
                trial = inputs[name].copy()
                trial[place] = value
                if fails(inputs | {name: trial}):
                    inputs = inputs | {name: trial}
                    break
    return inputs
