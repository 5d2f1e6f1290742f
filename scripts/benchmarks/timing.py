"""Interleaved timing: every way is run once in each round, so that a machine that slows down slows all."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Clock = Callable[[], tuple[float, float]]

SHORTEST = 0.01
"""Seconds that one sample takes at least; shorter calls are repeated within a sample."""


@dataclass(frozen=True)
class Limits:
    """How long to measure.

    Parameters
    ----------
    seconds : float
        Time to spend on all ways together, within the next two bounds.
    least, most : int
        Fewest and most rounds.
    """

    seconds: float = 30.0
    least: int = 3
    most: int = 15


def interleaved(
    ways: Mapping[str, Callable[[], Any]],
    limits: Limits,
    check: Callable[[str, Any], float],
    clock: Clock | None = None,
) -> dict[str, dict[str, Any]]:
    """Time calls alternately, after looking at what each returns.

    Parameters
    ----------
    ways : mapping of str to callable
        What to time. Each is called once beforehand, without being counted.
    limits : Limits
        How long.
    check : callable
        Gets the name of each way and what it returned; returns its distance from what was expected, or
        raises.
    clock : callable, optional
        Returns wall and processor time in seconds; by default those of the system, the latter summed over all
        threads of this process.

    Returns
    -------
    dict of str to dict
        For each way ``wall`` and ``cpu``, each the [first quartile, median, third quartile] in seconds of one
        call, ``rounds``, and ``rho``, the distance.
    """
    now = clock or _now
    distances, first = {}, {}
    for name, call in ways.items():
        begin = now()[0]
        result = call()
        first[name] = max(now()[0] - begin, 1e-9)
        distances[name] = check(name, result)
    repeats = {name: max(1, round(SHORTEST / wall)) for name, wall in first.items()}
    one_round = sum(first[name] * repeats[name] for name in ways)
    rounds = int(min(max(limits.seconds // one_round, limits.least), limits.most))
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    names = list(ways)
    for k in range(rounds):
        gc.collect()
        shift = k % len(names)  # so that nobody always comes after the same one
        for name in names[shift:] + names[:shift]:
            samples[name].append(_sample(ways[name], repeats[name], now))
    return {
        name: {
            "wall": _quartiles([wall for wall, _ in found]),
            "cpu": _quartiles([cpu for _, cpu in found]),
            "rounds": rounds,
            "rho": distances[name],
        }
        for name, found in samples.items()
    }


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _sample(call: Callable[[], Any], repeats: int, now: Clock) -> tuple[float, float]:
    """Return wall and processor time of one call, a mean over repeats, garbage collector off."""
    gc.disable()
    try:
        wall, cpu = now()
        for _ in range(repeats):
            call()
        wall_end, cpu_end = now()
    finally:
        gc.enable()
    return (wall_end - wall) / repeats, (cpu_end - cpu) / repeats


def _quartiles(values: list[float]) -> list[float]:
    """Return first quartile, median and third quartile, to 4 digits."""
    found = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3
    return [float(f"{value:.4g}") for value in found]
