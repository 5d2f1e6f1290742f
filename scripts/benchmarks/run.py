"""The measurement of a table: each row in its own process, then the record."""

import argparse
import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.child import MeasurementError, measured
from benchmarks.record import PUBLISHED, ROOT, heading, load, now, write


def folder(options: argparse.Namespace) -> Path:
    """Return where the JSON files go; a quick run never takes the place of what is published."""
    default = ROOT / "out" / "benchmarks" if options.quick else PUBLISHED
    return options.output or default


def measure(table: str, options: argparse.Namespace) -> int:
    """Measure all rows of a table, writing the record after each; return 1 if a row could not be measured.

    The record then lacks it, and standard error says why.
    """
    module = importlib.import_module(f"benchmarks.tables.{table}")
    target = folder(options) / f"{table}.json"
    command = f"python scripts/bench.py {table}" + (" --quick" if options.quick else "")
    if options.seconds is not None:
        command += f" --seconds {options.seconds:g}"
    record = heading(table, command, options.quick)
    earlier = earlier_rows(target, record) if options.resume else {}
    specifications = [_with_options(one, options) for one in module.specifications(options.quick)]
    failures = 0
    for number, specification in enumerate(specifications, start=1):
        key = json.dumps(specification, sort_keys=True)
        if key in earlier:
            record["rows"].append(earlier.pop(key))
            continue
        start = time.perf_counter()
        before = load()
        try:
            result = measured(table, **specification)
        except MeasurementError as error:
            print(error, file=sys.stderr)
            failures += 1
            continue
        row = {
            "specification": specification,
            "date": now(),
            "revision": record["revision"],
            "load": [before, load()],
            "result": result,
        }
        record["rows"].append(row)
        write(target, {**record, "rows": [*record["rows"], *earlier.values()]})  # may be stopped here
        print(
            f"{table} {number}/{len(specifications)}, {time.perf_counter() - start:.0f} s: {key}", flush=True
        )
    write(target, record)
    return 1 if failures else 0


def earlier_rows(target: Path, heading: dict[str, Any]) -> dict[str, Any]:
    """Return the rows of a record by their specification, if machine and versions are still the same."""
    if not target.is_file():
        return {}
    record = json.loads(target.read_text(encoding="utf-8"))
    if any(record[name] != heading[name] for name in ("machine", "versions", "settings")):
        return {}
    return {json.dumps(row["specification"], sort_keys=True): row for row in record["rows"]}


def _with_options(specification: dict[str, Any], options: argparse.Namespace) -> dict[str, Any]:
    arguments = dict(specification["arguments"])
    if options.seconds is not None and "seconds" in arguments:
        arguments["seconds"] = options.seconds
    return {**specification, "arguments": arguments}
