"""Where a check is: what to say of an implementation that never comes back from it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field

from refms.conformance.property import Property
from refms.conformance.reports.report import Row, row_of


@dataclass
class Position:
    """The instance that is checked and the operation that was called last; a gate keeps it up to date.

    ``instances`` and ``calls`` count what was begun; ``start`` and ``since``, by ``time.monotonic``, are when
    the check and the last call began; ``limit`` is how many seconds the check may take.
    """

    instance: str = ""
    instances: int = 0
    operation: str = ""
    calls: int = 0
    start: float = field(default_factory=time.monotonic)
    since: float = field(default_factory=time.monotonic)
    limit: float | None = None

    def begin(self, instance: str) -> None:
        """Note that the next instance is checked."""
        self.instance, self.instances = instance, self.instances + 1

    def enter(self, operation: str) -> None:
        """Note that an operation is called."""
        self.operation, self.calls, self.since = operation, self.calls + 1, time.monotonic()

    def left(self) -> float:
        """Return how many seconds there still are; infinity without a limit."""
        return math.inf if self.limit is None else self.limit - (time.monotonic() - self.start)

    def overdue(self, limit: float) -> str:
        """Return that the time was up, and whether one call took it or many did."""
        others = self.calls - 1
        returned = f", after {others} call{'s' * (others > 1)} that did" if others > 0 else ""
        slow = "" if self.stuck(limit) or not returned else "; if it is only slow, raise the time limit"
        return self.sentence(f"did not return within {limit:g} s", returned + slow)

    def stuck(self, limit: float) -> bool:
        """Return whether the last call alone took half of the time that there was."""
        return time.monotonic() - self.since >= limit / 2

    def sentence(self, text: str, after: str = "") -> str:
        """Return what happened, with the operation in which it did."""
        place = f" in {self.operation}" if self.operation else " before any operation was called"
        return f"{text}{place}{after}."

    def failure(self, item: Property, criterion: str, sentence: str) -> Row:
        """Return the row of a property whose check never ended: FAIL on the last instance."""
        return row_of(
            item,
            "FAIL",
            sentence,
            criterion=criterion,
            instances=self.instances,
            worst_instance=self.instance,
            seconds=time.monotonic() - self.start,
        )
