"""One measurement in a process of its own: threads, processors and allocator are chosen before it starts.

``python -m benchmarks.child``, run in the folder ``scripts``, reads a specification from standard input and
writes the result to standard output, both as JSON.
"""

import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

SCRIPTS = Path(__file__).resolve().parents[1]

ALLOCATORS: dict[str, dict[str, str]] = {
    "default": {},
    # Nothing is mapped and unmapped for a single array, and the heap never shrinks: no page is cleared twice.
    "tuned": {
        "MALLOC_MMAP_MAX_": "0",
        "MALLOC_TRIM_THRESHOLD_": str(2**40),
        "MALLOC_TOP_PAD_": str(2**28),
    },
}
"""Environment variables of glibc's allocator; all engines of one process have the same."""

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
"""For PyTorch. NumPy's matrix product keeps one thread: refms has threads of its own, around it."""


class MeasurementError(RuntimeError):
    """A measurement ended without a result."""


def environment_of(threads: int, allocator: str) -> dict[str, str]:
    """Return the environment of a process with so many threads and an allocator of ``ALLOCATORS``."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MALLOC_")}
    own = {**dict.fromkeys(THREAD_VARIABLES, str(threads)), "OPENBLAS_NUM_THREADS": "1"}
    return {**inherited, **ALLOCATORS[allocator], **own}


def measured(
    table: str,
    arguments: dict[str, Any],
    threads: int = 1,
    allocator: str = "default",
    timeout: float = 7200.0,
) -> Any:
    """Run ``measure(**arguments)`` of a table in a new process with so many threads and processors.

    Raises MeasurementError where it fails, or has no result within ``timeout`` seconds.
    """
    specification = json.dumps({"table": table, "arguments": arguments, "threads": threads})
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.child"]
    try:
        done = subprocess.run(
            command,
            input=specification,
            capture_output=True,
            text=True,
            cwd=SCRIPTS,
            env=environment_of(threads, allocator),
            timeout=timeout,
        )
    except subprocess.TimeoutExpired as error:
        raise MeasurementError(f"{table} {arguments}: no result within {timeout:.0f} s") from error
    if done.returncode:
        raise MeasurementError(f"{table} {arguments}: exit status {done.returncode}\n{done.stderr[-4000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure what standard input asks for."""
    specification = json.load(sys.stdin)
    if hasattr(os, "sched_setaffinity"):  # before any library looks how many processors there are
        allowed = sorted(os.sched_getaffinity(0), reverse=True)
        os.sched_setaffinity(0, allowed[: specification["threads"]])
    module = importlib.import_module(f"benchmarks.tables.{specification['table']}")
    print(json.dumps(module.measure(**specification["arguments"])))


if __name__ == "__main__":
    main()
