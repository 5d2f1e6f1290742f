"""The goldens as a file: with the inputs, so that anyone can compare in any language."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

import numpy as np

from refms.certify.cases import CASES
from refms.certify.enclosure import DIGITS
from refms.certify.golden import Golden
from refms.errors import Array, FileError
from refms.io import Artifact, attribute_differences, first_difference, read_artifact

VERSION = 4
"""Of the goldens: it grows with every change of their inputs, names or meaning."""

_READING = (
    "A table with one row for each number: 'digits' (ASCII), 'radius' and 'nearest' (the correctly rounded "
    "double); the true number is within radius of the digits. 'quantities' names the first row and the shape "
    "(C order) of each quantity, and its scale: distances are measured in eps times that. 'inputs' are the "
    "exact inputs, one after the other; 'given' names the first and the shape of each input of each case."
)


def to_artifact(goldens: Mapping[str, Golden]) -> Artifact:
    """Return goldens and inputs as an artefact of kind ``golden``; equal goldens give equal bytes.

    Its attribute ``reading`` says how to read it.
    """
    places = _places({name: golden.shape for name, golden in goldens.items()})
    width = max(golden.digits.shape[-1] for golden in goldens.values())

    def rows(golden: Golden) -> Array:
        digits = golden.digits.reshape(-1, golden.digits.shape[-1])
        return np.pad(digits, ((0, 0), (0, width - digits.shape[1])), constant_values=ord(" "))

    attributes = {
        "version": VERSION,
        "significant_digits": DIGITS,
        "reading": _READING,
        "quantities": {
            name: {**places[name], "scale": golden.scale, "recipe": golden.recipe}
            for name, golden in goldens.items()
        },
        "given": _places({name: array.shape for name, array in _INPUTS.items()}),
    }
    arrays = {
        "digits": np.concatenate([rows(golden) for golden in goldens.values()]),
        "radius": _flat(golden.radius for golden in goldens.values()),
        "nearest": _flat(golden.nearest for golden in goldens.values()),
        "inputs": _flat(_INPUTS.values()),
    }
    return Artifact("golden", attributes, arrays)


def from_artifact(artifact: Artifact) -> dict[str, Golden]:
    """Return the goldens of an artefact by name, in the order of the table.

    FileError is raised if it holds no goldens of this version, or of other inputs than those of the cases.
    """
    version = artifact.attributes.get("version")
    if artifact.kind != "golden" or version != VERSION:
        raise FileError(
            f"the artefact is of kind {artifact.kind!r} and version {version!r}; expected 'golden' and "
            f"{VERSION}. Write it anew with: refms certify --write FILE"
        )
    if not np.array_equal(artifact.arrays["inputs"], _flat(_INPUTS.values())):
        raise FileError(
            "the goldens belong to other inputs than those of this refms. Write them anew with: "
            "refms certify --write FILE"
        )
    quantities = artifact.attributes["quantities"]
    in_order = sorted(quantities, key=lambda name: int(quantities[name]["first"]))
    return {name: _golden(artifact.arrays, quantities[name]) for name in in_order}


def shipped() -> Artifact:
    """Return the goldens that came with this refms; FileError if the file is missing or its sums are wrong.

    >>> from_artifact(shipped())["stencils/example1/down"].texts()[4][:20]
    '-0.80499999999999985'
    """
    with resources.as_file(resources.files("refms.certify") / "goldens.h5") as path:
        return read_artifact(path)


def difference(first: Artifact, second: Artifact) -> str:
    """Return in a sentence where two artefacts of goldens part; empty if they are equal bit for bit."""
    if first.digest == second.digest:
        return ""
    in_arrays = first_difference(first, second)
    if in_arrays is not None:
        return in_arrays.sentence
    return "; ".join(attribute_differences(first, second)) or "zeros or NaNs differ in their bits."


_INPUTS = {f"{case.name}/{name}": array for case in CASES for name, array in case.inputs.items()}


def _flat(arrays: Iterable[Array]) -> Array:
    return np.concatenate([array.reshape(-1) for array in arrays])


def _places(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, dict[str, Any]]:
    """Return where arrays of these shapes lie when they are put one after the other."""
    starts = [0, *itertools.accumulate(map(math.prod, shapes.values()))]
    return {
        name: {"first": start, "shape": list(shape)}
        for (name, shape), start in zip(shapes.items(), starts[:-1], strict=True)
    }


def _golden(arrays: Mapping[str, Array], entry: Mapping[str, Any]) -> Golden:
    shape = tuple(entry["shape"])
    rows = slice(entry["first"], entry["first"] + math.prod(shape))
    digits, radius, nearest = (arrays[name][rows] for name in ("digits", "radius", "nearest"))
    numbers = digits.reshape(*shape, -1), radius.reshape(shape), nearest.reshape(shape)
    return Golden(*numbers, float(entry["scale"]), str(entry["recipe"]))
