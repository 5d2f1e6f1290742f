"""The certificate: every case computed with enough bits, and refms' results held against it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from refms.certify.balls import balls, working_precision
from refms.certify.cases import CASES
from refms.certify.cases.case import Case
from refms.certify.enclosure import TooWideError
from refms.certify.golden import Golden, prove
from refms.checks.report import Verdict, verdict
from refms.definition.search import UndecidedError

BITS = (256, 512, 1024, 2048, 4096)
"""Working precisions to try in turn, until every ball gives forty digits."""


@dataclass(frozen=True, eq=False)
class Proof:
    """Goldens by name ``case/quantity``, fresh from the formulas, and the most bits that a case needed."""

    goldens: dict[str, Golden]
    bits: int


def prove_all(cases: Iterable[Case] = CASES) -> Proof:
    """Return the goldens of all cases, computed from the formulas alone.

    Parameters
    ----------
    cases : iterable of Case
        By default all.

    Returns
    -------
    Proof
        The goldens by name ``case/quantity``, and the most bits that a case needed.

    Raises
    ------
    InputError
        If python-flint is not installed.
    ArithmeticError
        If even 4096 bits are not enough.
    """
    goldens: dict[str, Golden] = {}
    most = 0
    for case in cases:
        found, bits = _prove(case)
        goldens.update(found)
        most = max(most, bits)
    return Proof(goldens, most)


@dataclass(frozen=True)
class Row:
    """How refms does on one quantity ``case/quantity`` in one precision.

    Of the ``entries`` compared, the worst is ``distance`` times eps times ``scale`` outside its enclosure;
    ``recipe`` is the formula of the scale. The verdict is PASS to 30 eps, MARGINAL to 300, else FAIL;
    ``error`` is what was raised where nothing came back.
    """

    quantity: str
    dtype: str
    entries: int
    distance: float
    scale: float
    recipe: str
    verdict: Verdict
    error: str = ""


def certify(
    proved: Mapping[str, Golden], dtype: str = "float64", cases: Iterable[Case] = CASES
) -> tuple[Row, ...]:
    """Compute every case with refms and measure the distance from the goldens.

    Parameters
    ----------
    proved : mapping of str to Golden
        Goldens of exactly these cases.
    dtype : str
        ``"float64"`` or ``"float32"``: the precision in which refms gets the inputs.
    cases : iterable of Case
        By default all.

    Returns
    -------
    tuple of Row
        One for each golden, and one for a result without a golden; a case that raises fails.
    """
    rows: list[Row] = []
    for case in cases:
        expected = {name: g for name, g in proved.items() if name.startswith(case.name + "/")}
        rows += _rows(case, expected, dtype)
    return tuple(rows)


def _prove(case: Case) -> tuple[dict[str, Golden], int]:
    for bits in BITS:
        try:
            with working_precision(bits):
                inputs = {name: balls(array) for name, array in case.inputs.items()}
                said = case.formulas(inputs)
                return {f"{case.name}/{name}": prove(quantity) for name, quantity in said.items()}, bits
        except (TooWideError, UndecidedError):
            continue
    raise ArithmeticError(f"{case.name}: {BITS[-1]} bits do not give forty digits of every number.")


def _rows(case: Case, expected: Mapping[str, Golden], dtype: str) -> list[Row]:
    try:
        found = case.refms({name: array.astype(dtype) for name, array in case.inputs.items()})
    except Exception as error:  # whatever refms raises on good inputs is a failure to report, not to pass on
        return [_failure(name, golden, dtype, repr(error)) for name, golden in expected.items()]
    results = {f"{case.name}/{name}": array for name, array in found.items()}
    rows = []
    for name, golden in expected.items():
        if name not in results:
            rows.append(_failure(name, golden, dtype, "refms gave no such result"))
            continue
        rho = golden.distance(results[name], dtype)
        count = int(np.prod(golden.shape))
        rows.append(Row(name, dtype, count, rho, golden.scale, golden.recipe, verdict(rho)))
    unknown = [name for name in results if name not in expected]
    return rows + [
        Row(name, dtype, 0, float("inf"), 0.0, "", "FAIL", "there is no such golden") for name in unknown
    ]


def _failure(name: str, golden: Golden, dtype: str, error: str) -> Row:
    count = int(np.prod(golden.shape))
    return Row(name, dtype, count, float("inf"), golden.scale, golden.recipe, "FAIL", error)
