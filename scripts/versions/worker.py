"""A process of one version: makes operations by the benchmarks of its own checkout and runs them when asked.

Started with the version first in PYTHONPATH. Of both versions only the names that are imported here are used.
"""

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

OPERATIONS = ("forward", "gradient", "product", "hessian", "bcd")


def operation(name: str, size: list[int], dtype: str, engine: str) -> Callable[[], Any] | None:
    """Return an operation without arguments; None where this version lacks the engine."""
    from benchmarks.cases import Case, Problem
    from benchmarks.engines import engines
    from benchmarks.operations import call, objective
    from benchmarks.tables import bcd

    problem = Problem(Case(*size, dtype))
    usable = engines(("refms",))[0]
    if engine not in usable:
        return None
    built = usable[engine](problem)
    if name == "bcd":
        return lambda: bcd.iteration(built, problem)
    if name == "hessian":
        name, built = "product", replace(built, second_order=True)
    return call(name, objective(built, problem), problem)


def numbers(result: Any) -> Any:
    """Return what an operation computed as one vector."""
    import numpy as np

    parts = result if isinstance(result, tuple) else (result,)
    return np.concatenate([np.atleast_1d(np.asarray(part)).ravel() for part in parts])


def sample(work: Callable[[], Any], repeats: int) -> float:
    """Return the processor time of one call in seconds, a mean, garbage collector off."""
    gc.collect()
    gc.disable()
    start = time.process_time()
    for _ in range(repeats):
        work()
    spent = time.process_time() - start
    gc.enable()
    return spent / repeats


def main() -> None:
    """Answer until standard input ends: ``make`` an operation and save its result, or ``run`` it."""
    import numpy as np

    answers, sys.stdout = sys.stdout, sys.stderr
    if hasattr(os, "sched_setaffinity"):  # both versions on the same core, for they never run at once
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    work: Callable[[], Any] | None = None
    for line in sys.stdin:
        question = json.loads(line)
        if "make" in question:
            work = operation(**question["make"])
            if work is not None:
                np.save(question["save"], numbers(work()))
            answer: Any = None if work is None else sample(work, 1)
        else:
            assert work is not None
            answer = sample(work, question["run"])
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    sys.path.pop(0)  # the folder of this file
    main()
