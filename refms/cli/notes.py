"""Notes of the library, which are Python warnings, as sentences on the standard error of a command."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from typing import TextIO

from refms.errors import InputWarning


@contextlib.contextmanager
def notes_as_sentences() -> Iterator[None]:
    """Show every InputWarning as a sentence, each time; other warnings as before."""
    with warnings.catch_warnings():
        usual = warnings.showwarning

        def show(
            message: Warning | str,
            category: type[Warning],
            filename: str,
            lineno: int,
            file: TextIO | None = None,
            line: str | None = None,
        ) -> None:
            if issubclass(category, InputWarning):
                print(f"refms: note: {message}", file=sys.stderr)
            else:
                usual(message, category, filename, lineno, file, line)

        warnings.simplefilter("always", InputWarning)
        warnings.showwarning = show
        yield
