"""The page validation/conformance/FUZZING.md from what ``scripts/fuzz.py --record`` recorded."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.report.markdown import table

from fuzzing.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "validation" / "conformance" / "results" / "fuzz.json"

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
    done = {name: record[name] for name in TARGETS if name in record}
    total = sum(entry["executions"] for entry in done.values())
    rows = table(COLUMNS, [_row(name, entry) for name, entry in done.items()])
    made = "\n".join(f"* `{name}`: {_made_with(entry)}." for name, entry in done.items())
    findings = [_finding(name, found) for name, entry in done.items() for found in entry["findings"]]
    body = f"\n{rows}\n{total:,} executions in all.\n\n{made}\n"
    head_of_findings = ("front door", "what ended the process", "times", "bytes", "command line")
    listed = table(head_of_findings, findings)
    tail = f"\n## What was found in this record\n{CONTAINED}\n{listed}" if findings else ""
    return head + body + tail + KEPT


KEPT = """
Inputs of findings, also of those that were mended before this record, and small inputs that are refused for
different reasons are kept in `tests/fuzzing/corpus` and are read again by `tests/fuzzing/test_corpus.py`.
"""


def _row(name: str, entry: dict[str, Any]) -> list[str]:
    counts = [f"{entry[key]:,}" for key in ("executions", "seconds", "corpus")]
    bad = sum(not contained(found) for found in entry["findings"])
    peak = f"{entry['peak_bytes'] / 2**20:.0f} MiB"
    return [TARGETS[name].door, *counts, peak, str(len(entry["findings"])), str(bad)]


def _made_with(entry: dict[str, Any]) -> str:
    made_with = ", ".join(f"{package} {version}" for package, version in entry["versions"].items())
    return f"{entry['date']}, seed {entry['seed']}, one process, {entry['machine']}, {made_with}"


def _finding(name: str, found: dict[str, Any]) -> list[str]:
    said = found["front_door"].replace("|", "\\|")
    where = f"{found['kind']}: {found['where']}"
    return [f"`{name}`", where, str(found["count"]), str(found["bytes"]), said]


def contained(found: Mapping[str, Any]) -> bool:
    """Whether the command line made a sentence of what ended the fuzzer's own process."""
    return found["kind"] != "exception" and found["front_door"].startswith("exit 2: refms: ")
