"""The goldens as a file: with the inputs, so that anyone can compare in any language."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

import numpy as np

from refms.certify.cases import CASES
from refms.certify.cases.case import Case
from refms.certify.enclosure import DIGITS
from refms.certify.golden import Golden
from refms.errors import Array, FileError
from refms.io import Artifact, attribute_differences, first_difference, read_artifact

VERSION = 2
"""Of the goldens: it grows with every change of their inputs, names or meaning."""

_READING = (
    "A table with one row for each number: 'digits' (ASCII), 'radius' and 'nearest' (the correctly rounded "
    "double); the true number is within radius of the digits. 'quantities' names the first row and the shape "
    "(C order) of each quantity, and its scale: distances are measured in eps times that. 'inputs' are the "
    "exact inputs, one after the other; 'given' names the first and the shape of each input of each case."
)


def to_artifact(goldens: Mapping[str, Golden], cases: Iterable[Case] = CASES) -> Artifact:
    """Return goldens and inputs as an artefact of kind ``golden``; equal goldens give equal bytes.

    Its attribute ``reading`` says how to read it.

    Parameters
    ----------
    goldens : mapping of str to Golden
        Of all cases.
    cases : iterable of Case
        By default all.
    """
    inputs = _inputs(cases)
    places = _places({name: golden.shape for name, golden in goldens.items()})
    quantities = {
        name: {**places[name], "scale": golden.scale, "recipe": golden.recipe}
        for name, golden in goldens.items()
    }
    attributes = {
        "version": VERSION,
        "significant_digits": DIGITS,
        "reading": _READING,
        "quantities": quantities,
        "given": _places({name: array.shape for name, array in inputs.items()}),
    }
    width = max(golden.digits.shape[-1] for golden in goldens.values())
    arrays = {
        "digits": np.concatenate([_pad(golden.digits, width) for golden in goldens.values()]),
        "radius": np.concatenate([golden.radius.reshape(-1) for golden in goldens.values()]),
        "nearest": np.concatenate([golden.nearest.reshape(-1) for golden in goldens.values()]),
        "inputs": _flatten(inputs),
    }
    return Artifact("golden", attributes, arrays)


def from_artifact(artifact: Artifact, cases: Iterable[Case] = CASES) -> dict[str, Golden]:
    """Return the goldens of an artefact.

    Parameters
    ----------
    artifact : Artifact
        Of :func:`to_artifact`.
    cases : iterable of Case
        By default all; goldens of other inputs than theirs are refused.

    Returns
    -------
    dict of str to Golden
        By name, in the order of the table.

    Raises
    ------
    FileError
        If it holds no goldens of this version, or of other inputs.
    """
    version = artifact.attributes.get("version")
    if artifact.kind != "golden" or version != VERSION:
        raise FileError(
            f"the artefact is of kind {artifact.kind!r} and version {version!r}; expected 'golden' and "
            f"{VERSION}. Write it anew with: refms certify --write FILE"
        )
    if not np.array_equal(artifact.arrays["inputs"], _flatten(_inputs(cases))):
        raise FileError(
            "the goldens belong to other inputs than those of this refms. Write them anew with: "
            "refms certify --write FILE"
        )
    quantities = artifact.attributes["quantities"]
    in_order = sorted(quantities, key=lambda name: int(quantities[name]["first"]))
    return {name: _golden(artifact.arrays, quantities[name]) for name in in_order}


def _inputs(cases: Iterable[Case]) -> dict[str, Array]:
    return {f"{case.name}/{name}": array for case in cases for name, array in case.inputs.items()}


def _flatten(arrays: Mapping[str, Array]) -> Array:
    return np.concatenate([array.reshape(-1) for array in arrays.values()])


def _golden(arrays: Mapping[str, Array], entry: Mapping[str, Any]) -> Golden:
    shape = tuple(entry["shape"])
    rows = slice(entry["first"], entry["first"] + math.prod(shape))
    return Golden(
        arrays["digits"][rows].reshape(*shape, -1),
        arrays["radius"][rows].reshape(shape),
        arrays["nearest"][rows].reshape(shape),
        float(entry["scale"]),
        str(entry["recipe"]),
    )


def _places(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, dict[str, Any]]:
    """Return where arrays of these shapes lie when they are put one after the other."""
    sizes = [math.prod(shape) for shape in shapes.values()]
    starts = [0, *itertools.accumulate(sizes)]
    return {
        name: {"first": start, "shape": list(shape)}
        for (name, shape), start in zip(shapes.items(), starts[:-1], strict=True)
    }


def _pad(digits: Array, width: int) -> Array:
    """Return the rows of text, each filled up with blanks."""
    rows = digits.reshape(-1, digits.shape[-1])
    return np.pad(rows, ((0, 0), (0, width - rows.shape[1])), constant_values=ord(" "))


def shipped() -> Artifact:
    """Return the goldens that came with this refms, after checking the file's sums.

    Returns
    -------
    Artifact
        Of kind ``golden``.

    Raises
    ------
    FileError
        If the file is missing or damaged.

    Examples
    --------
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
