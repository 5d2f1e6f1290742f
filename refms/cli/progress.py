"""How far a long run is: the time that is left, and on a terminal a line that is written over."""

from __future__ import annotations

import shutil
import statistics
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

RECENT = 10
"""Iterations whose times tell those to come."""


def time_left(seconds: Sequence[float], iterations: int) -> float:
    """Return how long iterations to come will take, by the median of recent ones.

    Parameters
    ----------
    seconds : sequence of float
        Of the iterations done, at least one. The first one, which also sets up and compiles, is left out as
        soon as there are others.
    iterations : int
        So many are to come.

    Returns
    -------
    float
        Seconds.

    Examples
    --------
    >>> time_left([30.0, 2.0, 4.0, 3.0], 10)
    30.0
    """
    return statistics.median(seconds[1:][-RECENT:] or seconds) * iterations


def duration(seconds: float) -> str:
    """Return a time in words.

    Parameters
    ----------
    seconds : float
        0 or more.

    Returns
    -------
    str
        In the two largest units.

    Examples
    --------
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
    """Write a line over the last one on a terminal; where standard error is piped, nothing.

    Parameters
    ----------
    text : str
        It is cut to the width of the terminal; an empty one clears the line.
    """
    if sys.stderr.isatty():
        width = min(shutil.get_terminal_size().columns - 1, 100)
        end = "\r" if not text else ""
        print(f"\r{text[:width]:{width}}", end=end, file=sys.stderr, flush=True)
