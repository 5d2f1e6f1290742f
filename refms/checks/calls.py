"""How checks call the functions under test: on copies, so that one that changes its argument is found out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from refms.checks.report import Report, worst_verdict
from refms.errors import Array
from refms.linear.vectors import differ

R = TypeVar("R", bound=Report)


class Calls:
    """Calls functions under test, and remembers which of them changed what they were given."""

    def __init__(self) -> None:
        self.changed = list[str]()

    def __call__(self, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return a copy of what the function of that name makes of copies of its arguments."""
        given = [_copy(one) for one in arguments]
        found = _copy(function(*given))
        if name not in self.changed and not all(map(_equal, given, arguments)):
            self.changed.append(name)
        return found

    def judge(self, report: R) -> R:
        """Return the report if nothing was changed; otherwise one that says what was, and does not pass."""
        if not self.changed:
            return report
        said = "; ".join(f"{name} modified its argument" for name in self.changed)
        text = f"{said}: it must return new arrays. Called on copies, {report.sentence}"
        return replace(report, verdict=worst_verdict(["MARGINAL", report.verdict]), sentence=text)


def _copy(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return tuple(map(_copy, value))
    return value.copy() if hasattr(value, "copy") else value


def _equal(a: Array, b: Array) -> bool:
    """Whether two arrays, or tuples of them, are equal; NaN equals NaN."""
    if isinstance(a, tuple):
        return all(map(_equal, a, b))
    if not hasattr(a, "shape"):  # a function's result that is no array, given to the next
        return bool(a == b)
    return tuple(a.shape) == tuple(b.shape) and not bool(differ(a, b))
