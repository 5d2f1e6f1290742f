"""How much memory a test may take."""

from __future__ import annotations

import contextlib
import tracemalloc


@contextlib.contextmanager
def memory_below(limit):
    """Fail if more memory than this was allocated at any moment."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()
