"""Memory of this process as the system counts it."""

import re
from pathlib import Path

from refms.environment import peak_memory

_STATUS = Path("/proc/self/status")
_CLEAR = Path("/proc/self/clear_refs")


def resident() -> int:
    """Return the bytes that are resident now; the peak where the system does not tell."""
    return _from_status("VmRSS") or peak_memory() or 0


def peak() -> int:
    """Return the largest resident memory since ``forget_peak``, or of the whole process, in bytes.

    Linux counts it as VmHWM; ``ru_maxrss`` is the same counter, but starts with what the parent process had
    when it made this one.
    """
    return _from_status("VmHWM") or peak_memory() or 0


def forget_peak() -> bool:
    """Start the peak anew from what is resident now; return False where the system does not allow it."""
    try:
        _CLEAR.write_text("5")
    except OSError:
        return False
    return True


def _from_status(name: str) -> int | None:
    try:
        found = re.search(rf"^{name}:\s+(\d+) kB$", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
    except OSError:
        return None
    return 1024 * int(found[1]) if found else None
