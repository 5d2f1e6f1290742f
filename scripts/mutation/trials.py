"""Run chosen tests in a process forked off this one, which has imported everything but refms.

A mutant then costs the import of refms, the collection of the few test files that matter and the tests up to
the first that fails, but never the import of NumPy, SciPy, pytest and hypothesis.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PASSED, FAILED, TIMED_OUT = "passed", "failed", "timed out"

NOTHING_LEFT = 5
"""pytest's word for no tests: the mutant changed the names of all that were chosen; others will judge it."""

MEMORY = 8 * 2**30
"""Bytes of address space that a trial may take: a changed size must not bring the machine down."""
TIME_FACTOR = 10.0
"""A test is stopped after this many times its usual processor time …"""
TIME_FLOOR = 3.0
"""… and not before so many seconds."""
START = 30.0
"""Seconds of processor time for imports and collection, and between tests."""

_PYTEST = (
    *("-x", "-q", "--tb=no", "--assert=plain"),
    *("-p", "no:cacheprovider", "-p", "no:unraisableexception", "-p", "no:threadexception"),
)
"""Only what decides whether a test passes: everything else would cost more than most tests."""


def import_what_tests_import() -> None:
    """Import what tests need and mutants do not change, and make hypothesis quick and repeatable."""
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = "1"  # before NumPy comes in: its arrays are tiny here
    import h5py
    import hypothesis
    import hypothesis.extra.numpy
    import pytest
    import scipy.fft
    import scipy.ndimage
    import scipy.optimize
    import scipy.signal
    import scipy.sparse.linalg

    del h5py, pytest, scipy
    hypothesis.settings.register_profile(
        "mutation",
        derandomize=True,
        database=None,
        deadline=None,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],  # a failure need not be made small
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    hypothesis.settings.load_profile("mutation")
    gc.freeze()


def measure(files: Sequence[str], modules: Collection[str], folder: Path) -> dict[str, dict[str, Any]]:
    """Run all tests once, unchanged; return of each ``seconds`` and ``lines`` (module to line numbers)."""
    record = folder / "measured.json"

    def work() -> int:
        import coverage
        import pytest

        tracer = coverage.Coverage(data_file=None, include=[str(folder / module) for module in modules])
        tracer.start()
        probe = _Probe(tracer)
        code = int(pytest.main([*_PYTEST, *files], plugins=[probe]))
        tracer.stop()
        tests: dict[str, dict[str, Any]] = {
            test: {"seconds": seconds, "lines": {}} for test, seconds in probe.seconds.items()
        }
        data = tracer.get_data()
        for module in modules:
            for line, names in data.contexts_by_lineno(str(folder / module)).items():
                for name in filter(None, names):
                    tests[name]["lines"].setdefault(module, []).append(line)
        record.write_text(json.dumps(tests), encoding="utf-8")
        return code

    if _forked(work, folder, wall=3600, quiet=False) != PASSED:
        raise RuntimeError("The tests do not pass without a mutant; mend them first.")
    found: dict[str, dict[str, Any]] = json.loads(record.read_text(encoding="utf-8"))
    return found


def run_tests(tests: Sequence[str], seconds: Mapping[str, float], folder: Path) -> str:
    """Run tests in this order until one fails: ``passed``, ``failed`` or ``timed out``."""
    files = sorted({test.partition("::")[0] for test in tests})

    def work() -> int:
        import pytest

        return int(pytest.main([*_PYTEST, *files], plugins=[_Choice(tests, seconds)]))

    wall = 10 * (START + TIME_FLOOR * len(files) + TIME_FACTOR * sum(seconds[test] for test in tests))
    return _forked(work, folder, wall)


def run_verify(folder: Path) -> str:
    """Run ``refms verify``, the catalogue of properties on the adapter of refms."""

    def work() -> int:
        from refms.cli.main import main

        signal.setitimer(signal.ITIMER_PROF, TIME_FACTOR * 5)
        return main(["verify"])

    return _forked(work, folder, wall=1000)


class _Probe:
    """A pytest plugin that gives each test its own coverage context and its time."""

    def __init__(self, tracer: Any) -> None:
        self.tracer = tracer
        self.seconds: dict[str, float] = {}

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        self.tracer.switch_context(nodeid)
        self.seconds[nodeid] = -time.process_time()

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        self.seconds[nodeid] += time.process_time()
        self.tracer.switch_context("")


class _Choice:
    """A pytest plugin that keeps chosen tests in the order given and stops those that take too long."""

    def __init__(self, tests: Sequence[str], seconds: Mapping[str, float]) -> None:
        self.order = {test: place for place, test in enumerate(tests)}
        self.seconds = seconds

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        items[:] = sorted(
            (item for item in items if item.nodeid in self.order), key=lambda item: self.order[item.nodeid]
        )

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        limit = max(TIME_FLOOR, TIME_FACTOR * self.seconds[nodeid])
        signal.setitimer(signal.ITIMER_PROF, limit)

    def pytest_runtest_logfinish(self, nodeid: str) -> None:
        signal.setitimer(signal.ITIMER_PROF, START)


def _forked(work: Callable[[], int], folder: Path, wall: float, quiet: bool = True) -> str:
    """Run ``work`` in a child of its own session inside the copy; its processor-time alarm ends it."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            os.setsid()
            os.chdir(folder)
            sys.path.insert(0, str(folder))
            os.environ |= {"PYTHONPATH": str(folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
            if quiet:
                sys.dont_write_bytecode = True
                resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
                signal.setitimer(signal.ITIMER_PROF, START)
                null = os.open(os.devnull, os.O_RDWR)
                for stream in (0, 1, 2):
                    os.dup2(null, stream)
            code = work()
        finally:
            os._exit(code)
    return _awaited(child, wall)


def _awaited(child: int, wall: float) -> str:
    deadline = time.monotonic() + wall
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() > deadline:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return TIMED_OUT
        time.sleep(0.002)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF:
        return TIMED_OUT
    return PASSED if os.waitstatus_to_exitcode(status) in (0, NOTHING_LEFT) else FAILED


@contextmanager
def replaced(path: Path, text: str) -> Iterator[None]:
    """Hold another text in a file; its compiled form, which may look as new, is put aside."""
    original = path.read_text(encoding="utf-8")
    for compiled in path.parent.glob(f"__pycache__/{path.stem}.*.pyc"):
        compiled.unlink()
    path.write_text(text, encoding="utf-8")
    try:
        yield
    finally:
        path.write_text(original, encoding="utf-8")
