"""What every check hands back: the scaled residual, the verdict and one sentence."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from refms.display import fields_as_html

Verdict = Literal["PASS", "MARGINAL", "FAIL"]
"""The three outcomes; MARGINAL does not count as passed."""

PASS_LIMIT = 30.0
"""Largest scaled residual ρ, in units of the machine epsilon, that passes."""

MARGINAL_LIMIT = 300.0
"""Largest scaled residual ρ that is worth a second look instead of a failure."""

_ORDER: tuple[Verdict, ...] = ("PASS", "MARGINAL", "FAIL")


def verdict(rho: float) -> Verdict:
    """Return the verdict on a scaled residual: PASS to 30, MARGINAL to 300, FAIL beyond, below 0 and for NaN.

    Parameters
    ----------
    rho : float
        ρ, in units of the machine epsilon.

    Returns
    -------
    str
        ``"PASS"``, ``"MARGINAL"`` or ``"FAIL"``.

    Examples
    --------
    >>> verdict(0.5), verdict(100.0), verdict(float("nan")), verdict(-1.0)
    ('PASS', 'MARGINAL', 'FAIL', 'FAIL')
    """
    if 0.0 <= rho <= PASS_LIMIT:
        return "PASS"
    return "MARGINAL" if PASS_LIMIT < rho <= MARGINAL_LIMIT else "FAIL"


def worst_verdict(verdicts: Iterable[Verdict]) -> Verdict:
    """Return the worst of several verdicts; none at all is a FAIL, because nothing was checked.

    Parameters
    ----------
    verdicts : iterable of str
        Any number of ``"PASS"``, ``"MARGINAL"`` and ``"FAIL"``.

    Returns
    -------
    str
        The worst of them.

    Examples
    --------
    >>> worst_verdict(["PASS", "MARGINAL"]), worst_verdict([])
    ('MARGINAL', 'FAIL')
    """
    return max(verdicts, key=_ORDER.index, default="FAIL")


def worst_rho(values: Iterable[float]) -> float:
    """Return the largest scaled residual, NaN if any is NaN, infinity if there is none."""
    found = list(values)
    if any(value != value for value in found):
        return float("nan")
    return max(found, default=float("inf"))


@dataclass(frozen=True)
class Report:
    """The outcome of one check.

    Examples
    --------
    >>> print(Report("adjoint_test", 0.25, "PASS", "the adjoint is the transpose to 0.25 eps."))
    PASS adjoint_test: the adjoint is the transpose to 0.25 eps.
    """

    check: str
    """Name of the check."""
    rho: float
    """Worst scaled residual, in units of the machine epsilon of the dtype under test."""
    verdict: Verdict
    """``"PASS"``, ``"MARGINAL"`` or ``"FAIL"``."""
    sentence: str
    """What was found, and where it failed what that usually means."""

    @property
    def passed(self) -> bool:
        """Whether the verdict is PASS."""
        return self.verdict == "PASS"

    def __bool__(self) -> bool:
        """Whether the verdict is PASS, so that ``assert adjoint_test(...)`` says what it seems to say."""
        return self.passed

    def as_dict(self) -> dict[str, Any]:
        """Return all fields and ``passed`` as plain Python values; nested dataclasses become dictionaries."""
        return {**dataclasses.asdict(self), "passed": self.passed}

    _repr_html_ = fields_as_html

    def __str__(self) -> str:
        return f"{self.verdict} {self.check}: {self.sentence}"
