"""What a result depends on besides its input: versions and the machine, recorded beside every figure."""

from __future__ import annotations

import os
import platform
import re
import sys
from pathlib import Path

from refms import __version__

_PACKAGES = ("numpy", "scipy", "h5py")


def versions() -> dict[str, str]:
    """Return the versions of Python, refms and its dependencies.

    >>> sorted(versions())
    ['h5py', 'numpy', 'python', 'refms', 'scipy']
    """
    import importlib.metadata  # here, for it takes longer than all that the command line imports

    found = {package: importlib.metadata.version(package) for package in _PACKAGES}
    return {"refms": __version__, "python": platform.python_version(), **found}


def peak_memory() -> int | None:
    """Return the largest resident memory of this process in bytes, None where the system does not tell.

    Linux counts it as VmHWM; its ``ru_maxrss`` starts with what the parent process had when it made this one.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        found = re.search(r"^VmHWM:\s+(\d+) kB$", status.read_text(encoding="ascii"), re.MULTILINE)
        if found:
            return 1024 * int(found[1])
    try:
        import resource  # Unix only
    except ImportError:
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def machine() -> str:
    """Return processor, usable cores and system, such as ``"AMD EPYC, 2 cores, Linux x86_64"``."""
    model = platform.processor()
    information = Path("/proc/cpuinfo")
    if information.is_file():
        lines = information.read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
        model = names[0] if names else model
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # systems without processor affinity
        cores = os.cpu_count() or 1
    return f"{model or 'unknown processor'}, {cores} cores, {platform.system()} {platform.machine()}"


def made() -> dict[str, str]:
    """Return the date and the machine, which stand at the head of what is measured.

    >>> list(made())
    ['date', 'machine']
    """
    import datetime  # here, for no help page needs it

    return {"date": datetime.date.today().isoformat(), "machine": machine()}
