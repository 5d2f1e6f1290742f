"""Judging results against proved numbers: a verdict, ρ, the first entry that differs, and a diagnosis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np

from refms.certify.cases import CASES
from refms.certify.cases.case import Case
from refms.certify.golden import EPS, Golden
from refms.checks.report import PASS_LIMIT, verdict
from refms.errors import Array, InputError
from refms.exchange.diagnosis import diagnosis
from refms.exchange.layout import expectations


@dataclass(frozen=True)
class Judgement:
    """How one result does.

    Parameters
    ----------
    quantity : str
        ``case/quantity``.
    verdict : str
        ``"PASS"`` to 30, ``"MARGINAL"`` to 300, ``"FAIL"``, or ``"NOT IMPLEMENTED"`` without a result.
    rho : float or None
        Distance from the proved enclosure in eps times the scale; infinite for another shape and for NaN.
    scale : float
        That scale.
    recipe : str
        Its formula.
    index : tuple of int or None
        The first entry, in C order, that is too far away.
    sentence : str
        What was found there, and what the result looks like.
    """

    quantity: str
    verdict: str
    rho: float | None
    scale: float
    recipe: str
    index: tuple[int, ...] | None = None
    sentence: str = ""


def judge(
    results: Mapping[str, Array], dtype: str = "float64", only: str | None = None
) -> tuple[Judgement, ...]:
    """Hold results against the proved numbers.

    Parameters
    ----------
    results : mapping of str to numpy.ndarray
        float64 or float32, by name ``case/quantity``. Trailing extents of one count for nothing, and a
        vector may be a row: MATLAB knows no others.
    dtype : str
        Precision of the inputs; errors are measured in its eps.
    only : str or None
        Patterns with ``*``, separated by commas: the quantities to judge, by default all. A pattern also
        stands for everything below it, so ``convolution`` is ``convolution/*``.

    Returns
    -------
    tuple of Judgement
        One for each of them, in the order of the cases.

    Raises
    ------
    InputError
        If a pattern fits no quantity.

    Examples
    --------
    >>> row = judge({"loss/tame/value": np.array(2.5)}, only="loss/tame/value")[0]
    >>> row.verdict, row.index
    ('FAIL', ())
    """
    goldens = expectations()
    chosen = select(goldens, only)
    return tuple(
        _judgement(case, name, goldens[name], results.get(name), dtype)
        for case in CASES
        for name in chosen
        if name.startswith(case.name + "/")
    )


def select(goldens: Mapping[str, Golden], only: str | None) -> list[str]:
    """Return the names that fit patterns."""
    if only is None:
        return list(goldens)
    patterns = [pattern.strip() for pattern in only.split(",")]
    for pattern in patterns:
        if not any(_fits(name, pattern) for name in goldens):
            raise InputError(
                f"--only has the pattern {pattern!r}, which fits no quantity; expected such as convolution, "
                "'transfer/2d/*/restriction' or loss/tame/value."
            )
    return [name for name in goldens if any(_fits(name, pattern) for pattern in patterns)]


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) or fnmatchcase(name, pattern.rstrip("/") + "/*")


def _judgement(case: Case, name: str, golden: Golden, result: Array | None, dtype: str) -> Judgement:
    if result is None:
        return Judgement(name, "NOT IMPLEMENTED", None, golden.scale, golden.recipe)
    got = np.asarray(result, dtype="float64")
    if _same_in_matlab(got.shape, golden.shape):
        got = got.reshape(golden.shape)
    rho = golden.distance(got, dtype)
    found = verdict(rho)
    if found == "PASS":
        return Judgement(name, found, rho, golden.scale, golden.recipe)
    index, sentence = _where(got, golden, dtype)
    cause = diagnosis(case, name[len(case.name) + 1 :], golden, got, dtype)
    return Judgement(
        name, found, rho, golden.scale, golden.recipe, index, "; ".join(filter(None, (sentence, cause)))
    )


def _same_in_matlab(found: tuple[int, ...], expected: tuple[int, ...]) -> bool:
    """Whether shapes differ by trailing extents of one, or a vector is a row or column."""
    row = len(expected) == 1 and found == (1, *expected)
    return row or _trim(found) == _trim(expected)


def _trim(shape: tuple[int, ...]) -> tuple[int, ...]:
    while shape and shape[-1] == 1:
        shape = shape[:-1]
    return shape


def _where(got: Array, golden: Golden, dtype: str) -> tuple[tuple[int, ...] | None, str]:
    """Return the first entry that is too far away, and what stands there."""
    expected = golden.nearest
    if got.shape != expected.shape:
        return None, f"shape {got.shape} instead of {expected.shape}"
    with np.errstate(invalid="ignore", over="ignore"):
        near = np.abs(got - expected) <= PASS_LIMIT * float(EPS[dtype]) * golden.scale
    if near.all():  # on the edge of the enclosure
        return None, ""
    index = tuple(int(i) for i in np.unravel_index(int(np.argmin(near)), near.shape))
    return index, f"first differs at {index}: got {got[index]:.9g}, expected {expected[index]:.9g}"
