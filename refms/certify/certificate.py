"""The certificate: every case computed with enough bits, and refms' results held against it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from refms.certify.balls import balls, working_precision
from refms.certify.cases import CASES
from refms.certify.cases.case import Case
from refms.certify.enclosure import TooWideError
from refms.certify.golden import Golden, prove
from refms.checks.report import Verdict, verdict
from refms.definition.search import UndecidedError

BITS = (256, 512, 1024, 2048, 4096)
"""Working precisions to try in turn, until every ball gives forty digits."""


def prove_all(cases: Iterable[Case] = CASES) -> tuple[dict[str, Golden], int]:
    """Return the goldens ``case/quantity`` by the formulas alone, and the most bits that a case needed.

    InputError is raised without python-flint, ArithmeticError if even 4096 bits are not enough.
    """
    proofs = [_prove(case) for case in cases]
    return {name: golden for found, _ in proofs for name, golden in found.items()}, max(n for _, n in proofs)


def _prove(case: Case) -> tuple[dict[str, Golden], int]:
    for bits in BITS:
        try:
            with working_precision(bits):
                said = case.formulas({name: balls(array) for name, array in case.inputs.items()})
                return {f"{case.name}/{name}": prove(quantity) for name, quantity in said.items()}, bits
        except (TooWideError, UndecidedError):
            continue
    raise ArithmeticError(f"{case.name}: {BITS[-1]} bits do not give forty digits of every number.")


@dataclass(frozen=True)
class Comparison:
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
) -> tuple[Comparison, ...]:
    """Compute the cases with refms, inputs in one precision, and measure the distance from their goldens.

    There is one comparison for each golden, and one for a result without a golden; a case that raises fails.
    """
    return tuple(one for case in cases for one in _compare(case, proved, dtype))


def _compare(case: Case, proved: Mapping[str, Golden], dtype: str) -> Iterator[Comparison]:
    error = "refms gave no such result"
    try:
        found = dict(case.refms({name: array.astype(dtype) for name, array in case.inputs.items()}))
    except Exception as raised:  # whatever refms raises on good inputs is a failure to report, not to pass on
        found, error = {}, repr(raised)
    for name, golden in proved.items():
        if name.startswith(f"{case.name}/"):
            got = found.pop(name.removeprefix(f"{case.name}/"), None)
            rho, said = (math.inf, error) if got is None else (golden.distance(got, dtype), "")
            size, scale, recipe = golden.nearest.size, golden.scale, golden.recipe
            yield Comparison(name, dtype, size, rho, scale, recipe, verdict(rho), said)
    for name in found:
        said = "there is no such golden"
        yield Comparison(f"{case.name}/{name}", dtype, 0, math.inf, 0.0, "", "FAIL", said)
