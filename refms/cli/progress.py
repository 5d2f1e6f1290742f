"""How far a long run is: the time that is left, and on a terminal a line that is written over."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

RECENT = 10
"""Iterations whose times tell those to come."""


class Clock:
    """When a run began and its iterations ended, and a status line on what is running.

    ``done`` of ``total`` iterations were made before; ``name`` stands before what the line says.
    """

    def __init__(self, total: int, done: int = 0, name: str = "") -> None:
        self.total, self.done, self.name = total, done, name
        self.begun = self.last = time.perf_counter()
        self.paces: list[float] = []
        show_status(f"{name}iteration {done + 1}/{total} is running")

    def tick(self, iteration: int) -> None:
        """Note the end of an iteration, or of several, and clear the line so that a row can be printed."""
        now = time.perf_counter()
        self.paces.append((now - self.last) / max(iteration - self.done, 1))
        self.last, self.done = now, iteration
        self.left = time_left(self.paces, self.total - iteration)
        show_status()

    def announce(self, iteration: int) -> None:
        """Say below the row of an iteration that the next one is running."""
        if iteration < self.total:
            left = f"about {duration(self.left)} left"
            show_status(f"{self.name}iteration {iteration + 1}/{self.total} is running, {left}")

    @property
    def seconds(self) -> float:
        """Seconds from the beginning to the last tick."""
        return self.last - self.begun


def time_left(seconds: Sequence[float], iterations: int) -> float:
    """Return how long iterations to come will take, by the median of recent ones.

    The first one, which also sets up and compiles, is left out as soon as there are others.

    >>> time_left([30.0, 2.0, 4.0, 3.0], 10)
    30.0
    """
    from statistics import median  # slow to import

    return median(seconds[1:][-RECENT:] or seconds) * iterations


def duration(seconds: float) -> str:
    """Return a time in its two largest units.

    >>> duration(41.7), duration(190), duration(7500), duration(200_000)
    ('42 s', '3 min 10 s', '2 h 5 min', '2 d 7 h')
    """
    whole = round(seconds)
    for name, inner, unit, part in (("d", "h", 86400, 3600), ("h", "min", 3600, 60), ("min", "s", 60, 1)):
        if whole >= unit:
            return f"{whole // unit} {name} {whole % unit // part} {inner}"
    return f"{whole} s"


@contextmanager
def status_line() -> Iterator[None]:
    """Clear the line of :func:`show_status` in the end, however that comes."""
    try:
        yield
    finally:
        show_status()


def show_status(text: str = "") -> None:
    """Write a line over the last one on a terminal, an empty one to clear it; where it is piped, nothing."""
    if sys.stderr.isatty():
        width = min(shutil.get_terminal_size().columns - 1, 100)
        end = "\r" if not text else ""
        print(f"\r{text[:width]:{width}}", end=end, file=sys.stderr, flush=True)
