"""Interleaved timing: every way is run once in each round, so that a machine that slows down slows all."""

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
    """How long to measure all ways together, within the fewest and most rounds."""

    seconds: float = 30.0
    least: int = 3
    most: int = 15


def interleaved(
    ways: Mapping[str, Callable[[], Any]],
    limits: Limits,
    check: Callable[[str, Any], float],
    clock: Clock | None = None,
) -> dict[str, dict[str, Any]]:
    """Time calls alternately, after ``check(name, result)`` gave the distance of each result, or raised.

    Each is called once beforehand, without being counted. Of every way returns ``wall`` and ``cpu``, each the
    [first quartile, median, third quartile] in seconds of one call, ``rounds``, and ``rho``, the distance.
    ``clock`` returns wall and processor time, by default of this process with all its threads.
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


def until_done(call: Callable[[], Any], wait: Callable[[], Any]) -> Callable[[], Any]:
    """Return a call that ends when the card has done what it was given."""

    def timed() -> Any:
        result = call()
        wait()
        return result

    return timed


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
