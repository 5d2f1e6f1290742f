"""Memory of this process as the system counts it."""

import resource
from pathlib import Path

from refms.environment import peak_memory


def resident() -> int:
    """Return the bytes that are resident now; the peak where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * resource.getpagesize()
    except OSError:
        return peak()


def peak() -> int:
    """Return the largest resident memory since ``forget_peak``, or of the whole process, in bytes."""
    return peak_memory() or 0


def forget_peak() -> bool:
    """Start the peak anew from what is resident now; return False where the system does not allow it."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True
