"""How long it takes to ask refms for help."""

import resource
import subprocess
import sys
import time
from typing import Any

from benchmarks.tables import process
from benchmarks.timing import Limits, interleaved


def specifications(quick: bool) -> list[dict[str, Any]]:
    """Return what to measure."""
    return [process(seconds=1.0 if quick else 10.0)]


def measure(seconds: float = 10.0, least: int = 5) -> dict[str, Any]:
    """Time commands as whole processes."""
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "python -c 'import refms'": [sys.executable, "-c", "import refms"],
        "refms --help": [sys.executable, "-m", "refms", "--help"],
    }
    ways = {
        name: (lambda command=command: subprocess.run(command, check=True, capture_output=True))
        for name, command in commands.items()
    }
    return {"ways": interleaved(ways, Limits(seconds, least, 31), lambda name, result: 0.0, of_children)}


def of_children() -> tuple[float, float]:
    """Return the time now, and the processor time of all processes started here that ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter(), spent.ru_utime + spent.ru_stime
