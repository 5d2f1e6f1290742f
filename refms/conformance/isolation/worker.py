"""The worker: a process that loads an implementation and checks one property after the other, as it is asked.

Questions come in and answers go out through pipes that the implementation knows nothing of: its standard
output is the run's standard error, its standard input is empty.
"""

from __future__ import annotations

import contextlib
import dataclasses
import faulthandler
import io
import os
import queue
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from refms.conformance.adapters.loading import load
from refms.conformance.adapters.position import Position
from refms.conformance.cases import Case
from refms.conformance.isolation.messages import fields, line, message
from refms.conformance.probing.probe import probe
from refms.conformance.properties import PROPERTIES
from refms.errors import InputError

Say = Callable[[dict[str, Any]], None]

_GRACE = 10.0
"""Seconds beyond the limit after which a worker ends itself, should the run be gone that would end it."""


def main() -> None:
    """Load what the first question names, and answer the others until there are no more."""
    asked, say = _connection()
    first = next(asked)
    try:
        with _no_longer_than(first["limit"]):
            adapters = {one.profile.dtype: one for one in load(first["adapter"]).adapters(first["dtype"])}
    except InputError as error:
        say({"refused": str(error)})
        return
    say({"profiles": [fields(one.profile) for one in adapters.values()]})
    for question in asked:
        with _no_longer_than(question["limit"]):
            answer = _answer(question, adapters[question["dtype"]], _Telling(say, question["limit"]))
        say(answer)


def _answer(question: dict[str, Any], adapter: Any, where: Position) -> dict[str, Any]:
    """Return the row of a property, or the probe."""
    if question["do"] == "probe":
        found = probe(adapter, where)
        profiles = {name: fields(getattr(found, name)) for name in ("profile", "right")}
        return {"probe": {**dataclasses.asdict(found), **profiles}}
    law = next(item for item in PROPERTIES if item.id == question["id"])
    row = Case(law, adapter, question["dimension"]).run(question["tier"], question["seed"], where=where)
    return {"row": dataclasses.asdict(row)}


class _Telling(Position):
    """Tells the run where the check is: what is said before a crash is known after it."""

    def __init__(self, say: Say, limit: float | None) -> None:
        super().__init__(limit=limit)
        self.say = say

    def begin(self, instance: str) -> None:
        """Say on which instance."""
        self.say({"begin": instance})

    def enter(self, operation: str) -> None:
        """Say in which operation."""
        self.say({"enter": operation})


def _connection() -> tuple[Iterator[dict[str, Any]], Say]:
    """Take the standard streams for questions and answers; give the implementation others."""
    questions, answers = os.dup(0), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    if isinstance(sys.stdout, io.TextIOWrapper):  # what an implementation prints is seen before it crashes
        sys.stdout.reconfigure(line_buffering=True, errors="backslashreplace")
    waiting: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(questions, waiting), daemon=True).start()

    def say(one: dict[str, Any]) -> None:
        answers.write(line(one))
        answers.flush()

    def asked() -> Iterator[dict[str, Any]]:
        while one := waiting.get():
            yield one

    return asked(), say


def _listen(descriptor: int, waiting: queue.SimpleQueue[dict[str, Any]]) -> None:
    """Queue the questions; an empty one is the last. If the run is gone, end this process at once."""
    kept = b""
    while chunk := os.read(descriptor, 65536):  # and no buffered file, which could not be closed at the end
        *lines, kept = (kept + chunk).split(b"\n")
        for one in lines:
            waiting.put(message(one))
    os._exit(1)


@contextlib.contextmanager
def _no_longer_than(limit: float | None) -> Iterator[None]:
    """End the process long after the limit, whatever code it hangs in, if the run has not done so before."""
    if limit is None:
        yield
        return
    with open(os.devnull, "w", encoding="utf-8") as nowhere:
        faulthandler.dump_traceback_later(limit + _GRACE, exit=True, file=nowhere)
        try:
            yield
        finally:
            faulthandler.cancel_dump_traceback_later()
