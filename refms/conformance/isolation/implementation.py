"""An implementation in a worker, which is killed when it hangs and started again when it has died."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from types import TracebackType
from typing import Any

from refms.conformance.adapters.adapter import Adapter
from refms.conformance.adapters.position import Position
from refms.conformance.adapters.profile import Profile
from refms.conformance.cases import Case
from refms.conformance.isolation.process import Died, Process
from refms.conformance.probing.probe import Probe, Trait
from refms.conformance.properties import PROPERTIES
from refms.conformance.property import Property
from refms.conformance.reports.report import Report, Row, row_of
from refms.conformance.runner import Progress, make_report
from refms.errors import InputError

LEAST_TO_LOAD = 60.0
"""Seconds that an implementation has at least to be imported and made: frameworks take their time."""

MOST_HANGS = 3
"""How often an operation may hang before properties that need it are no longer tried."""


class Isolated:
    """An implementation in a process of its own, to be used in a ``with`` statement.

    Its adapters are in the worker: here they have a profile only.
    """

    def __init__(self, spec: str, dtype: str = "both", limit: float | None = None) -> None:
        self.spec, self.dtype = spec, dtype
        self.limit = None if limit is None or math.isinf(limit) else limit
        self._process: Process | None = None
        self._hung: dict[str, list[str]] = defaultdict(list)

    def __enter__(self) -> Isolated:
        """Start the worker; it imports while the run does something else."""
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the worker; at once if something was raised, be it by Ctrl-C."""
        if self._process is not None:
            self._process.end() if kind is None else self._process.kill()
        self._process = None

    @cached_property
    def adapters(self) -> tuple[Adapter, ...]:
        """One for each precision."""
        return self._load()

    def run(
        self,
        adapter: Adapter,
        tier: str = "quick",
        seed: int = 0,
        *,
        properties: Sequence[Property] = PROPERTIES,
        progress: Progress | None = None,
    ) -> Report:
        """Check it as :func:`refms.conformance.runner.run` does."""

        def check(item: Property) -> Row:
            return self.check(Case(item, adapter, None), tier, seed)

        return make_report(adapter.profile, check, tier, seed, properties, progress)

    def check(self, case: Case, tier: str = "quick", seed: int = 0) -> Row:
        """Check one property, in one dimension or in all."""
        for operation in case.law.operations:
            before = self._hung.get(operation, [])
            if len(before) >= MOST_HANGS:
                ids = ", ".join(before)
                return row_of(case.law, sentence=f"it needs {operation}, which did not return in {ids}.")
        where = Position()
        dtype = case.adapter.profile.dtype
        question = {"do": "check", "id": case.law.id, "dimension": case.dimension, "tier": tier, "seed": seed}
        try:
            answer = self._ask({**question, "dtype": dtype}, where)
        except InputError as error:
            return row_of(case.law, sentence=f"after the process had died: {error}")
        except Died as error:
            return where.failure(case.law, "does not end its process", where.sentence(str(error)))
        if answer is None:
            if where.stuck(self.limit or 0.0):
                self._hung[where.operation].append(case.id)
            return where.failure(case.law, "returns in time", where.overdue(self.limit or 0.0))
        return Row(**answer["row"])

    def probe(self, adapter: Adapter) -> Probe:
        """Infer its conventions as :func:`refms.conformance.probing.probe.probe` does."""
        if any(len(ids) >= MOST_HANGS for ids in self._hung.values()):
            return _untold(adapter, "it hung before.")
        where = Position()
        try:
            answer = self._ask({"do": "probe", "dtype": adapter.profile.dtype}, where)
        except (InputError, Died) as error:
            return _untold(adapter, where.sentence(str(error)) if isinstance(error, Died) else str(error))
        if answer is None:
            return _untold(adapter, f"it {where.overdue(self.limit or 0.0)}")
        declared, right = (Profile(**answer["probe"][name]) for name in ("profile", "right"))
        return Probe(declared, tuple(Trait(**one) for one in answer["probe"]["traits"]), right)

    def _ask(self, question: dict[str, Any], where: Position) -> dict[str, Any] | None:
        """Return the answer, or None where the worker was killed because it gave none in time."""
        if self._process is None:
            self._start()
            self._load()
        process = self._running()
        until = None if self.limit is None else time.monotonic() + self.limit
        process.say({**question, "limit": self.limit})
        try:
            while (heard := process.hear(until)) is not None:
                if "begin" in heard:
                    where.begin(heard["begin"])
                elif "enter" in heard:
                    where.enter(heard["enter"])
                else:
                    return heard
        except Died:
            self._process = None
            raise
        process.kill()
        self._process = None
        return None

    def _start(self) -> None:
        self._process = Process()
        limit = None if self.limit is None else max(self.limit, LEAST_TO_LOAD)
        self._until = None if limit is None else time.monotonic() + limit
        self._process.say({"adapter": self.spec, "dtype": self.dtype, "limit": limit})

    def _load(self) -> tuple[Adapter, ...]:
        """Return the adapters as soon as the worker has made them."""
        process = self._running()
        limit = max(self.limit or 0.0, LEAST_TO_LOAD)
        try:
            heard = process.hear(self._until)
        except Died as error:
            self._process = None
            raise InputError(f"{self.spec!r} cannot be loaded: {error} while it was.") from error
        if heard is None or "refused" in heard:
            process.kill()
            self._process = None
            late = f"{self.spec!r} cannot be loaded: it was not imported and made within {limit:g} s."
            raise InputError(heard["refused"] if heard else late)
        return tuple(Adapter(Profile(**fields)) for fields in heard["profiles"])

    def _running(self) -> Process:
        if self._process is None:
            raise InputError("the worker has ended; use Isolated in a with statement.")
        return self._process


def _untold(adapter: Adapter, reason: str) -> Probe:
    untold = Trait("conventions", "as declared", (), reason.removesuffix("."))
    return Probe(adapter.profile, (untold,), adapter.profile)
