"""The page validation/conformance/FUZZING.md from what ``scripts/fuzz.py --record`` recorded."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from writing import table, words

from fuzzing.targets import TARGETS

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / "validation" / "conformance" / "results" / "fuzz.json"

COLUMNS = (
    "front door",
    "executions",
    "seconds",
    "corpus",
    "peak memory",
    "findings",
    "of which not contained",
)


FINDING = ("front door", "what ended the process", "times", "bytes", "command line")


def text() -> str:
    """Return the whole file."""
    record: dict[str, dict[str, Any]] = json.loads(RECORD.read_text(encoding="utf-8"))
    done = {name: record[name] for name in TARGETS if name in record}
    limits = next(iter(done.values()))["limits"]
    findings = [_finding(name, found) for name, entry in done.items() for found in entry["findings"]]
    return words(
        __file__,
        seconds=limits["seconds"],
        mebibytes=limits["bytes"] // 2**20,
        rows=table(COLUMNS, [_row(name, entry) for name, entry in done.items()]),
        total=sum(entry["executions"] for entry in done.values()),
        made="\n".join(f"* `{name}`: {_made_with(entry)}." for name, entry in done.items()),
        findings=table(FINDING, findings) if findings else "Nothing.",
    )


def _row(name: str, entry: dict[str, Any]) -> list[str]:
    counts = [f"{entry[key]:,}" for key in ("executions", "seconds", "corpus")]
    bad = sum(not contained(found) for found in entry["findings"])
    peak = f"{entry['peak_bytes'] / 2**20:.0f} MiB"
    return [TARGETS[name].door, *counts, peak, str(len(entry["findings"])), str(bad)]


def _made_with(entry: dict[str, Any]) -> str:
    made_with = ", ".join(f"{package} {version}" for package, version in entry["versions"].items())
    jobs = entry.get("jobs", 1)
    processes = "one process" if jobs == 1 else f"{jobs} processes"
    return f"{entry['date']}, seed {entry['seed']}, {processes}, {entry['machine']}, {made_with}"


def _finding(name: str, found: dict[str, Any]) -> list[str]:
    said = found["front_door"].replace("|", "\\|")
    where = f"{found['kind']}: {found['where']}"
    return [f"`{name}`", where, str(found["count"]), str(found["bytes"]), said]


def contained(found: Mapping[str, Any]) -> bool:
    """Whether the command line made a sentence of what ended the fuzzer's own process."""
    return found["kind"] != "exception" and found["front_door"].startswith("exit 2: refms: ")
