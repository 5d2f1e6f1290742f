"""refms in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def process(*words, **options):
    """Run refms to its end; what it prints is caught unless ``stdout`` or ``stderr`` is given."""
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "OPENBLAS_NUM_THREADS": "1"}
    environment.pop("PYTHONUNBUFFERED", None)
    environment["PYTHONDONTWRITEBYTECODE"] = "1"  # a limit on files would cut compiled modules short
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run([sys.executable, "-m", "refms", *words], env=environment, text=True, **options)
