"""BENCHMARKS.md from the records: one section a table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.report import network, others
from benchmarks.report.markdown import provenance
from benchmarks.tables import NAMES

HEAD = """# Benchmarks

Written by `scripts/make_benchmarks.py` from the JSON files in `validation/benchmarks/`, each of which one
command made; do not edit by hand. `scripts/bench_environment.sh` makes the environment with all peers, and
`.venv-bench/bin/python scripts/bench_all.py` all the files.

How it is measured: all engines get the same numbers and run in turn, round after round, in one process for
each comparison; what they compute is compared before anything is timed (ρ ≤ 30 round-off units of
double-precision results). A figure is the median over the rounds. On one thread it is processor time, which
other work on the machine disturbs least, on two threads wall time; both are in the JSON files, with
quartiles. *tuned* means that glibc's allocator keeps all memory ({allocator}), in favour of engines that
allocate a great deal; *default* is what a user has. One optimiser drives all engines.
"""

SECTIONS: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "network": ("The network: forward, gradient, Gauss–Newton product, Gauss–Newton step", network.section),
    "bcd": ("One iteration of block-coordinate descent", others.bcd),
    "convolution": ("One convolution", others.convolution),
    "assembly": ("Assembly of the explicit K(s)", others.assembly),
    "transfer": ("Stencils across meshes", others.transfer),
    "scaling": ("Growth of time", others.scaling),
    "memory": ("A deep network on many images", others.memory),
    "startup": ("Start", others.startup),
}
"""Table -> title and text."""


def text(folder: Path) -> str:
    """Return the whole file.

    Parameters
    ----------
    folder : Path
        With a JSON file for each table that was measured.

    Returns
    -------
    str
        Markdown; a table without a file is said to be not measured.
    """
    from benchmarks.child import ALLOCATORS

    variables = ", ".join(f"`{name}={value}`" for name, value in ALLOCATORS["tuned"].items())
    parts = [HEAD.format(allocator=variables)]
    for name in NAMES:
        title, write = SECTIONS[name]
        path = folder / f"{name}.json"
        if not path.is_file():
            parts.append(f"## {title}\n\nNot measured: `python scripts/bench_{name}.py` measures it.\n")
            continue
        record = json.loads(path.read_text(encoding="utf-8"))
        parts.append(f"## {title}\n\n{provenance(record)}\n\n{write(record)}")
    return "\n".join(parts)
