"""Time limits as they are typed; a module of its own, for it must import nothing that takes time."""

from __future__ import annotations

import argparse
import math


def time_limit_of(text: str) -> float:
    """Return seconds, more than 0; infinity for the words ``"0"`` and ``"none"``, that is, for no limit.

    >>> time_limit_of("1.5"), time_limit_of("none")
    (1.5, inf)
    """
    try:
        seconds = math.inf if text.strip().lower() == "none" else float(text)
    except ValueError:
        seconds = math.nan
    if not seconds >= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no time; expected seconds, or 0 or none for no limit")
    return seconds or math.inf
