"""A time limit in the process itself: by SIGALRM, where there is such a thing."""

from __future__ import annotations

import gc
import math
import signal
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from refms.errors import InputError

_AGAIN = 1.0
"""Seconds after which the limit is raised again, should an implementation have caught it."""


_SOON = 0.01
"""Seconds after which it is raised where it comes at a moment at which Python would drop the exception."""

_WEAK = frozenset((weakref.__file__, sys.modules["_weakrefset"].__file__))
"""Files of the callbacks of weak references, in which exceptions are dropped."""


def _drops(frame: FrameType | None) -> bool:
    """Return whether Python drops exceptions here: in a finaliser, or a callback of the collector."""
    collecting = {getattr(callback, "__code__", None) for callback in gc.callbacks}
    while frame is not None:
        code = frame.f_code
        if code.co_filename in _WEAK or code in collecting or code.co_name == "__del__":
            return True
        frame = frame.f_back
    return False


class TimeIsUp(BaseException):
    """The limit was reached; no Exception, so that `except Exception` lets it through."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Raise :class:`TimeIsUp` in the block when its time is up."""
    if seconds is not None and not seconds > 0:
        raise InputError(f"the time limit is {seconds}; expected more than 0 seconds, or None for no limit.")
    main = threading.current_thread() is threading.main_thread()
    if seconds is None or math.isinf(seconds) or not main or not hasattr(signal, "setitimer"):
        yield
        return

    over = False  # from then on the limit comes too late: raised while it is taken off, it would stay on

    def up(number: int, frame: FrameType | None) -> None:
        if over:
            return
        if _drops(frame):
            signal.setitimer(signal.ITIMER_REAL, _SOON, _AGAIN)
        else:
            raise TimeIsUp

    start = time.monotonic()
    earlier = signal.signal(signal.SIGALRM, up)
    left, interval = signal.getitimer(signal.ITIMER_REAL)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, _AGAIN)
        yield
    finally:
        over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL if earlier is None else earlier)
        if left:  # a limit around this one goes on; it may be due at once
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - start), 1e-3), interval)
