"""refms in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[1]


def refms_after(statements):
    """Return the command of refms in a process that runs some statements before.

    Not ``preexec_fn``: it forks, which JAX, where some test has imported it, warns of.
    """
    return [sys.executable, "-c", f"{statements}\nfrom refms.cli.main import run\nrun()"]


def process(*words, first="", **options):
    """Run refms to its end; what it prints is caught unless ``stdout`` or ``stderr`` is given."""
    environment = {**os.environ, "PYTHONPATH": str(_ROOT), "OPENBLAS_NUM_THREADS": "1"}
    environment.pop("PYTHONUNBUFFERED", None)
    environment["PYTHONDONTWRITEBYTECODE"] = "1"  # a limit on files would cut compiled modules short
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    return subprocess.run([*refms_after(first), *words], env=environment, text=True, **options)
