"""Standard output and error that end no work: what nobody reads is lost, the exit code is not."""

from __future__ import annotations

import contextlib
import errno
import io
import os
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from refms.errors import escaped

_NOBODY_READS = (errno.EPIPE, errno.EBADF, errno.ESHUTDOWN)
"""What the system says where a reader has gone or the stream is closed, which is no fault of a command."""


class Tolerant:
    """A text stream over any other, or over none, to which writing never fails.

    After a failure, ``lost``, it keeps silent. What a terminal would obey is written as an escape, but for a
    carriage return at the start.
    """

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.lost: Exception | None = ValueError("there is none") if stream is None else None

    def write(self, text: str) -> int:
        """Write what can be written."""
        start = "\r" if text.startswith("\r") else ""
        self._attempt(lambda: self.stream.write(start + escaped(text[len(start) :], kept="\n\t")))
        return len(text)

    def flush(self) -> None:
        """Hand on what is still in a buffer."""
        self._attempt(lambda: self.stream.flush())

    def isatty(self) -> bool:
        """Return whether a terminal is known to show it."""
        try:
            return self.lost is None and bool(self.stream.isatty())
        except (AttributeError, ValueError):
            return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def _attempt(self, use: Callable[[], object]) -> None:
        if self.lost is not None:
            return
        try:
            use()
        except RuntimeError:  # Ctrl-C says something while the same stream is being written: that is left out
            pass
        except Exception as error:  # whatever a stranger's object raises
            self.lost = error


def tolerate(work: Callable[[], int]) -> int:
    """Return the exit code of what prints; a 0 becomes 2 where a full disk took the output.

    A reader of standard output who has gone, or a stream that is closed or missing, changes nothing.
    """
    out: Any = Tolerant(sys.stdout)  # for contextlib, whose types know whole files alone
    err: Any = Tolerant(sys.stderr)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = work()
        out.flush()
        if isinstance(out.lost, OSError) and out.lost.errno not in _NOBODY_READS:
            print(f"refms: cannot write the output: {out.lost.strerror or out.lost}.", file=sys.stderr)
            code = code or 2
        err.flush()
    return code


def end_with(main: Callable[[], int]) -> NoReturn:
    """End the process with the exit code of ``main``, whatever becomes of standard output and error.

    Where these are closed they lead nowhere, lest a file that is opened gets their numbers.
    """
    with contextlib.suppress(OSError):
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            os.set_inheritable(descriptor, True)
        os.close(descriptor)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a character it cannot show must not end the program
            stream.reconfigure(errors="backslashreplace")
    code = tolerate(main)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):  # Python would try again, and complain, on its way out
            with contextlib.suppress(OSError, ValueError, AttributeError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)
