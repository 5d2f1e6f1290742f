"""Ctrl-C as a wish: the first one ends a run after the current iteration, the second one at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def interruption(*, quiet: bool) -> Iterator[Callable[[], bool]]:
    """Yield what tells whether Ctrl-C was pressed; outside the main thread none arrives."""
    import signal
    import threading

    pressed = threading.Event()

    def press(signum: int, frame: Any) -> None:
        pressed.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if not quiet:
            below = "\n" if sys.stderr.isatty() else ""  # a line that is written over may stand there
            sys.stderr.write(f"{below}refms: stopping after this iteration; Ctrl-C again stops at once.\n")

    if threading.current_thread() is not threading.main_thread():
        yield pressed.is_set
        return
    before = signal.signal(signal.SIGINT, press)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)
