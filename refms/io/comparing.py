"""Where two artefacts part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from refms.errors import Array, InputError
from refms.io.artifact import Artifact, canonical_json
from refms.io.describing import flat_attributes, natural_order


@dataclass(frozen=True)
class Difference:
    """The first array in which two artefacts differ.

    Parameters
    ----------
    name : str
        Name of the array.
    reason : str
        ``"missing"``, ``"shape"``, ``"dtype"`` or ``"values"``.
    index : tuple of int or None
        Where the values differ first, in C order.
    deviation : float
        Largest |a - b| among the values that differ; infinite if they cannot be compared, NaN if one is NaN.
    count : int
        Number of values outside the tolerance.
    sentence : str
        The difference in words.
    """

    name: str
    reason: str
    index: tuple[int, ...] | None
    deviation: float
    count: int
    sentence: str


def first_difference(a: Artifact, b: Artifact, rtol: float = 0.0, atol: float = 0.0) -> Difference | None:
    """Return where the arrays of two artefacts part first, or None if they agree.

    Parameters
    ----------
    a, b : Artifact
        The two artefacts; arrays are gone through by name, numbers in names in numerical order.
    rtol, atol : float
        Values agree if they are equal, or both NaN, or |a - b| <= atol + rtol · max(|a|, |b|).

    Returns
    -------
    Difference or None
        The first array that is missing, has another shape or dtype, or other values.

    Raises
    ------
    InputError
        If a tolerance is negative or not finite.

    Examples
    --------
    >>> a = Artifact("golden", {}, {"layer/2": np.zeros(3), "layer/10": np.ones(3)})
    >>> b = Artifact("golden", {}, {"layer/2": np.array([0.0, 0.5, 0.0]), "layer/10": np.zeros(3)})
    >>> print(first_difference(a, b).sentence)
    array 'layer/2' differs first at (1,): 0.0 against 0.5; 1 of 3 values, at most 0.5 apart.
    """
    for name, tolerance in (("rtol", rtol), ("atol", atol)):
        if not (np.isfinite(tolerance) and tolerance >= 0):
            raise InputError(f"{name} is {tolerance}; expected a finite number of 0 or more.")
    for name in sorted({*a.arrays, *b.arrays}, key=natural_order):
        difference = _array_difference(name, a.arrays.get(name), b.arrays.get(name), rtol, atol)
        if difference is not None:
            return difference
    return None


def attribute_differences(a: Artifact, b: Artifact) -> tuple[str, ...]:
    """Return one line for every attribute (and the kind) in which two artefacts differ.

    Parameters
    ----------
    a, b : Artifact
        The two artefacts.

    Returns
    -------
    tuple of str
        Lines such as ``"solver.steps: 1 against 2"``; empty if all attributes agree.

    Examples
    --------
    >>> attribute_differences(Artifact("model", {"seed": 3}, {}), Artifact("model", {"seed": 4}, {}))
    ('seed: 3 against 4',)
    """
    kinds = () if a.kind == b.kind else (f"kind: {canonical_json(a.kind)} against {canonical_json(b.kind)}",)
    left, right = flat_attributes(a.attributes), flat_attributes(b.attributes)
    return kinds + tuple(
        f"{name}: {left.get(name, 'nothing')} against {right.get(name, 'nothing')}"
        for name in sorted({*left, *right}, key=natural_order)
        if left.get(name) != right.get(name)
    )


def _array_difference(name: str, a: Array, b: Array, rtol: float, atol: float) -> Difference | None:
    if a is None or b is None:
        where = "first" if a is None else "second"
        return Difference(
            name, "missing", None, np.inf, 0, f"array {name!r} is missing in the {where} artefact."
        )
    for reason, left, right in (("shape", a.shape, b.shape), ("dtype", a.dtype, b.dtype)):
        if left != right:
            text = f"array {name!r} has {reason} {left} in the first artefact and {right} in the second."
            return Difference(name, reason, None, np.inf, 0, text)
    differs, apart = _outside(a.reshape(-1), b.reshape(-1), rtol, atol)
    count = int(differs.sum())
    if not count:
        return None
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(differs)), a.shape))
    worst = float(apart[differs].max())
    text = (
        f"array {name!r} differs first at {index}: {a[index]} against {b[index]}; "
        f"{count} of {a.size} values, at most {worst:.3g} apart."
    )
    return Difference(name, "values", index, worst, count, text)


def _outside(a: Array, b: Array, rtol: float, atol: float) -> tuple[Array, Array]:
    """Return which values are outside the tolerance, and how far all of them are apart."""
    wide = np.complex128 if a.dtype.kind == "c" else np.float64
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(a.astype(wide) - b.astype(wide))
        tolerance = atol + rtol * np.maximum(np.abs(a.astype(wide)), np.abs(b.astype(wide)))
        # Large integers can differ and yet round to one float64: with tolerance 0 only equality counts.
        close = (a == b) | (np.isnan(a) & np.isnan(b)) | ((tolerance > 0) & (apart <= tolerance))
    return ~close, apart
