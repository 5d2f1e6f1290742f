"""A version of refms: a checkout, and the Python that runs it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.child import environment_of

WORKER = Path(__file__).with_name("worker.py")


@dataclass(frozen=True)
class Checkout:
    """Where a version lies, and the interpreter that imports it from there."""

    folder: Path
    python: str = sys.executable

    def environment(self, allocator: str = "tuned") -> dict[str, str]:
        """Return the environment of a process on one thread, with this version before all others."""
        paths = os.pathsep.join([str(self.folder), str(self.folder / "scripts")])
        return {**environment_of(1, allocator), "PYTHONPATH": paths}

    def run(self, words: Sequence[str], allocator: str = "tuned", **options: Any) -> str:
        """Return what the interpreter prints that is started with these words."""
        options |= {"cwd": self.folder, "env": self.environment(allocator), "text": True, "check": True}
        said: str = subprocess.run([self.python, *words], stdout=subprocess.PIPE, **options).stdout
        return said

    def worker(self) -> Worker:
        """Start a process that computes when it is told to."""
        return Worker(self)


def checkout(place: str) -> Checkout:
    """Return the version in a folder, or the one that a Python has installed in place (pip install -e)."""
    path = Path(place)
    if path.is_dir():
        found = Checkout(path.resolve())
    else:
        where = subprocess.run(
            [place, "-P", "-c", "import refms; print(refms.__file__)"],
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        ).stdout
        found = Checkout(Path(where.strip()).parents[1], place)
    if not (found.folder / "scripts" / "benchmarks").is_dir():
        raise SystemExit(f"{found.folder} has no scripts/benchmarks; name a checkout or a Python with one.")
    return found


class Worker:
    """A process of one version that answers one line of JSON with another."""

    def __init__(self, version: Checkout) -> None:
        self.process = subprocess.Popen(
            [version.python, "-W", "ignore", str(WORKER)],
            cwd=version.folder,
            env=version.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **question: Any) -> Any:
        """Send a question and wait for the answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(question), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.process.args} ended at {question}")
        return json.loads(answer)

    def end(self) -> None:
        """Let the process end."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
