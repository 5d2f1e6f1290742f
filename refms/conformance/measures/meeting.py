"""What happens between two lines of a call: another thread's whole call, wherever something was put down.

CPython lets no other thread on between statements such as ``self.kept = found`` and ``return self.kept``,
however short its interval is; a free-threaded one, or another release, may.
"""

from __future__ import annotations

import dis
import sys
import threading
from collections.abc import Callable
from functools import cache
from types import CodeType, FrameType
from typing import Any

PATIENCE = 0.05
"""Seconds that a call waits for another one, which may itself wait for a lock."""

PUT_DOWN = frozenset({"STORE_ATTR", "STORE_GLOBAL", "STORE_SUBSCR", "STORE_DEREF"})
"""Instructions after which others may see what was computed."""

Line = tuple[CodeType, int]
Trace = Callable[[FrameType, str, Any], Any]


def between_lines(meet: Callable[[Line], None], operation: Callable[..., Any], *arguments: Any) -> Any:
    """Return what an operation returns, which tells ``meet`` each line that put something down, once.

    >>> kept, told = {}, []
    >>> def square(x):
    ...     kept["result"] = x * x
    ...     return kept["result"]
    >>> between_lines(lambda line: told.append(line[0].co_name), square, 3), told
    (9, ['square'])
    """
    done: set[Line] = set()

    def enter(frame: FrameType, event: str, argument: Any) -> Trace | None:
        lines, before = _putting(frame.f_code), 0
        if not lines:
            return None

        def follow(frame: FrameType, event: str, argument: Any) -> Trace:
            nonlocal before
            line = frame.f_code, before
            if before in lines and line not in done:
                done.add(line)
                meet(line)
            before = frame.f_lineno if event == "line" else 0
            return follow

        return follow

    usual = sys.gettrace()
    sys.settrace(enter)
    try:
        return operation(*arguments)
    finally:
        sys.settrace(usual)


def in_another_thread(call: Callable[[], Any], found: list[Any], errors: list[BaseException]) -> bool:
    """Make a call in a thread of its own, wait for it, and return whether it has ended."""

    def work() -> None:
        try:
            found.append(call())
        except BaseException as error:  # it must not end a thread unseen
            errors.append(error)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return not thread.is_alive()


@cache
def _putting(code: CodeType) -> frozenset[int]:
    """Return the lines of a function that put something down where other threads may find it."""
    found, line = set(), 0
    for one in dis.get_instructions(code):
        line = one.starts_line or line
        if one.opname in PUT_DOWN:
            found.add(line)
    return frozenset(found)
