"""Run the whole test suite on a real GPU and record date, card, versions and counts.

    python scripts/check_gpu.py [-o FILE]

Needs a CUDA GPU and CuPy: pip install -e '.[test,gpu]', or gpu-cuda13 in place of gpu for CUDA 13. Tests with
the `device` fixture run on CuPy, all others as they always do. Ends with 0 if all tests pass, with 1 if one
fails, and with 2 if there is no usable GPU.
"""

import argparse
import datetime
import json
import platform
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from benchmarks.record import revision

from refms import __version__
from refms.backend import backend_named
from refms.cli.streams import end_with
from refms.errors import InputError
from refms.io.files import atomic_write

ROOT = Path(__file__).resolve().parents[1]


def gpu_facts(cupy: Any) -> dict[str, Any]:
    """Return what identifies the card and the software that drives it."""
    runtime = cupy.cuda.runtime
    properties = runtime.getDeviceProperties(runtime.getDevice())
    name = properties["name"]
    return {
        "card": {
            "name": name.decode() if isinstance(name, bytes) else name,
            "memory_bytes": int(properties["totalGlobalMem"]),
            "compute_capability": f"{properties['major']}.{properties['minor']}",
        },
        "versions": {
            "refms": __version__,
            "python": platform.python_version(),
            "numpy": metadata.version("numpy"),
            "scipy": metadata.version("scipy"),
            "cupy": cupy.__version__,
            "cuda_runtime": dotted(runtime.runtimeGetVersion()),
            "cuda_of_driver": dotted(runtime.driverGetVersion()),
        },
    }


def dotted(version: int) -> str:
    """Return CUDA's integer version with a dot.

    Examples
    --------
    >>> dotted(12040)
    '12.4'
    """
    return f"{version // 1000}.{version % 1000 // 10}"


def counts(junit: Path) -> dict[str, int]:
    """Return how many tests passed, failed, broke and were skipped."""
    suites = list(ElementTree.parse(junit).getroot().iter("testsuite"))
    total, failed, errors, skipped = (
        sum(int(suite.get(name, 0)) for suite in suites)
        for name in ("tests", "failures", "errors", "skipped")
    )
    return {
        "passed": total - failed - errors - skipped,
        "failed": failed,
        "errors": errors,
        "skipped": skipped,
    }


def run_suite(arguments: Sequence[str]) -> tuple[int, dict[str, int]]:
    """Run pytest on CuPy."""
    with tempfile.TemporaryDirectory() as folder:
        junit = Path(folder) / "junit.xml"
        command = [sys.executable, "-m", "pytest", "-q", "--backend", "cupy", f"--junitxml={junit}"]
        status = subprocess.run([*command, *arguments], cwd=ROOT, check=False).returncode
        return status, counts(junit) if junit.exists() else {}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the suite and write the record."""
    parser = argparse.ArgumentParser(
        description="Run the whole test suite on a real GPU and record the result."
    )
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        default=ROOT / "validation" / "gpu_check.json",
        help="where to write the record",
    )
    parser.add_argument("arguments", nargs="*", help="further arguments for pytest, after --")
    options = parser.parse_args(argv)
    try:
        cupy = backend_named("cupy").xp
    except InputError as error:
        print(f"no GPU check: {error}", file=sys.stderr)
        return 2
    date = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    start = time.perf_counter()
    status, found = run_suite(options.arguments)
    record = {
        "date": date,
        "revision": revision(),
        **gpu_facts(cupy),
        "tests": found,
        "seconds": round(time.perf_counter() - start, 1),
        "passed": status == 0 and found.get("passed", 0) > 0,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(options.output, overwrite=True) as target:
        target.write_text(json.dumps(record, indent=2) + "\n")
    print(json.dumps(record, indent=2))
    return 0 if record["passed"] else 1


if __name__ == "__main__":
    end_with(main)
