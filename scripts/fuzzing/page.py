"""The page validation/conformance/FUZZING.md from what ``scripts/fuzz.py --record`` recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "validation" / "conformance" / "results" / "fuzz.json"

DOORS = {
    "idx": "IDX images and labels, plain and gzip (`load_mnist`)",
    "results-hdf5": "results in HDF5 (`refms conform verify`)",
    "results-npz": "results in `.npz` (`refms conform verify`)",
    "results-mat": "results in `.mat` (`refms conform verify`)",
    "model-hdf5": "models (`refms show`, `refms evaluate`)",
}

HEAD = """# Fuzzing the front doors

Written by `scripts/make_pages.py fuzzing` from `results/fuzz.json`, which `scripts/fuzz.py --record` wrote;
do not edit by hand. Fuzzing needs the extra `fuzz` (Atheris, which carries libFuzzer):

    python scripts/fuzz.py --target idx --runs 500000 --seed 0

What must hold of every input: it is read, or it is refused in a sentence that can be shown on a terminal and
names the file. Anything else is a finding, and so is an input that takes more than {seconds} s or
{mebibytes} MiB. Besides branches of refms, refusals guide the fuzzer: an input of which HDF5 says something
new is kept. Files in HDF5's format are changed with its structure in mind, and most get right checksums
afterwards; models are also changed in what they hold, and then get the right digest.
"""

CONTAINED = """
HDF5 is written in C, and some small files make the library itself crash, run for ever or ask for gigabytes;
no check on what a file declares can come before HDF5 has parsed the declaration. The command line therefore
lets a child process read HDF5 files, with limits on memory and time. The fuzzer calls the same function
without the child, so what ends HDF5 ends the fuzzer's process, and is counted here; each such input was then
given to the command line.
"""

COLUMNS = (
    "front door",
    "executions",
    "seconds",
    "corpus",
    "peak memory",
    "findings",
    "of which not contained",
)


def text() -> str:
    """Return the whole file."""
    record: dict[str, dict[str, Any]] = json.loads(RECORD.read_text(encoding="utf-8"))
    limits = next(iter(record.values()))["limits"]
    head = HEAD.format(seconds=limits["seconds"], mebibytes=limits["bytes"] // 2**20)
    rows = [_row(name, record[name]) for name in DOORS if name in record]
    total = sum(entry["executions"] for entry in record.values())
    table = "\n".join(["| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|", *rows])
    made = "\n".join(f"* `{name}`: {_made_with(record[name])}." for name in DOORS if name in record)
    findings = [_finding(name, found) for name in DOORS for found in record.get(name, {}).get("findings", [])]
    listed = "\n".join(
        [
            "| front door | what ended the process | times | bytes | command line |",
            "|---|---|---|---|---|",
            *findings,
        ]
    )
    body = f"\n{table}\n\n{total:,} executions in all.\n\n{made}\n"
    tail = f"\n## What was found in this record\n{CONTAINED}\n{listed}\n" if findings else ""
    return head + body + tail + KEPT


KEPT = """
Inputs of findings, also of those that were mended before this record, and small inputs that are refused for
different reasons are kept in `tests/fuzzing/corpus` and are read again by `tests/fuzzing/test_corpus.py`.
"""


def _row(name: str, entry: dict[str, Any]) -> str:
    bad = sum(not _contained(found) for found in entry["findings"])
    return (
        f"| {DOORS[name]} | {entry['executions']:,} | {entry['seconds']:,} | {entry['corpus']:,} | "
        f"{entry['peak_bytes'] / 2**20:.0f} MiB | {len(entry['findings'])} | {bad} |"
    )


def _made_with(entry: dict[str, Any]) -> str:
    made_with = ", ".join(f"{package} {version}" for package, version in entry["versions"].items())
    return f"{entry['date']}, seed {entry['seed']}, one process, {entry['machine']}, {made_with}"


def _finding(name: str, found: dict[str, Any]) -> str:
    said = found["front_door"].replace("|", "\\|")
    return f"| `{name}` | {found['kind']}: {found['where']} | {found['count']} | {found['bytes']} | {said} |"


def _contained(found: dict[str, Any]) -> bool:
    return found["kind"] != "exception" and found["front_door"].startswith("exit 2: refms: ")
