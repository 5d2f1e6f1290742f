"""Results as JSON: one file a table, with everything a figure depends on besides the code."""

import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.child import ALLOCATORS, SCRIPTS
from refms.environment import machine, versions
from refms.io.files import atomic_write

ROOT = SCRIPTS.parent
PUBLISHED = ROOT / "validation" / "benchmarks"
PEERS = ("torch", "jax", "curvlinops-for-pytorch", "backpack-for-pytorch", "numba", "threadpoolctl")
_HUGE_PAGES = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def heading(table: str, command: str, quick: bool) -> dict[str, Any]:
    """Return what stands above the results of a table."""
    return {
        "table": table,
        "date": now(),
        "command": command,
        "quick": quick,
        "machine": machine(),
        "revision": revision(),
        "versions": {**versions(), **installed(PEERS), "BLAS of NumPy": blas()},
        "settings": {
            "allocator": {name: dict(variables) for name, variables in ALLOCATORS.items()},
            "C library": " ".join(platform.libc_ver()),
            "transparent huge pages": _HUGE_PAGES.read_text().strip() if _HUGE_PAGES.is_file() else "unknown",
        },
        "rows": [],
    }


def now() -> str:
    """Return the time in UTC, to the minute."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="minutes")


def load() -> float | None:
    """Return how many processes wanted to run in the last minute, this one included."""
    try:
        return round(os.getloadavg()[0], 2)
    except OSError:
        return None


def installed(packages: tuple[str, ...]) -> dict[str, str]:
    """Return the versions of those packages that are installed."""
    found = {}
    for package in packages:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def blas() -> str:
    """Return name and version of the library behind NumPy's matrix product."""
    about = np.show_config(mode="dicts")["Build Dependencies"]["blas"]  # type: ignore[index]
    return f"{about.get('name', 'unknown')} {about.get('version', '')}".strip()


def revision() -> str:
    """Return the commit that was measured; with a plus if files were changed."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--abbrev=12", "--dirty=+"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def write(path: Path, record: dict[str, Any]) -> None:
    """Write a record, whole or not at all; one row a line, so that changes can be read."""
    rows = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in record["rows"])
    rest = json.dumps({**record, "rows": []}, indent=1, ensure_ascii=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path, overwrite=True) as target:
        target.write_text(rest.replace('"rows": []', f'"rows": [\n{rows}\n ]') + "\n", encoding="utf-8")
