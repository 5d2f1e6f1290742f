"""The worker as the run sees it: a process that is asked, may die, and can be killed."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from typing import Any

from refms.conformance.isolation.messages import line, message
from refms.errors import InputError

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv.pop()); "
    "from refms.conformance.isolation.worker import main; main()"
)
"""The worker finds modules where the run does: ``-m`` would look into the current folder first."""

_LOOK = 0.1
"""Seconds between two looks at whether the process lives, where its end is not heard at once."""

_PATIENCE = 5.0
"""Seconds that a worker which is no longer needed has for its own end, and a killed one for dying."""


class Died(Exception):  # noqa: N818 - it is the implementation that errs
    """The process ended instead of answering; the message says how."""


class Process:
    """A worker, in a process group of its own."""

    def __init__(self) -> None:
        warnings = [f"-W{option}" for option in sys.warnoptions]
        command = [sys.executable, *warnings, "-P", "-c", _START, json.dumps(sys.path)]
        try:
            self._popen = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=None if sys.stderr is not None else subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C reaches the run alone; what the worker starts ends with it
            )
        except OSError as error:
            raise InputError(f"no process can be started for the adapter: {error.strerror}.") from error
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def say(self, question: dict[str, Any]) -> None:
        """Send a question; that the process has died is found by :meth:`hear`."""
        assert self._popen.stdin is not None  # for mypy: it is a pipe
        with contextlib.suppress(OSError):
            self._popen.stdin.write(line(question))
            self._popen.stdin.flush()

    def hear(self, until: float | None) -> dict[str, Any] | None:
        """Return the next message."""
        while True:
            alive = self._popen.poll() is None
            left = _LOOK if until is None else min(until - time.monotonic(), _LOOK)
            try:
                heard = self._lines.get(timeout=max(left, 0.0) if alive else _LOOK)
            except queue.Empty:
                if not alive:  # and something that it started holds the pipe open
                    self._died()
                if until is not None and time.monotonic() >= until:
                    return None
                continue
            if not heard:
                self._died()
            if found := message(heard):
                return found

    def end(self) -> None:
        """Let the process end by itself, or kill it if it does not."""
        self.say({})
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(_PATIENCE)
        self.kill()

    def kill(self) -> None:
        """Kill the process and whatever it has started."""
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._popen.pid, signal.SIGKILL)
        else:
            self._popen.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):  # one that a device holds dies when it lets go
            self._popen.wait(_PATIENCE)
        self._reader.join(_LOOK)
        with contextlib.suppress(OSError):  # what was never sent to it
            self._popen.stdin.close()  # type: ignore[union-attr]  # it is a pipe
        if not self._reader.is_alive():
            self._popen.stdout.close()  # type: ignore[union-attr]  # likewise

    def _read(self) -> None:
        for one in self._popen.stdout:  # type: ignore[union-attr]  # likewise
            self._lines.put(one)
        self._lines.put(b"")

    def _died(self) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._popen.wait(_LOOK * 10)
        code = self._popen.poll()
        self.kill()
        raise Died("the process closed its connection" if code is None else how_it_ended(code))


def how_it_ended(code: int) -> str:
    """Return in words how a process has ended."""
    if code >= 0:
        return f"the process ended itself with exit code {code}"
    name = next((one.name for one in signal.Signals if one == -code), "unknown")
    lack = ", perhaps for lack of memory" if name == "SIGKILL" else ""
    return f"the process died with signal {-code} ({name}{lack})"
