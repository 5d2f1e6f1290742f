"""``refms conform self-test``: whether the kit finds in this installation what it must find."""

from __future__ import annotations

import argparse
import dataclasses
import sys

from refms.cli.files import write_json
from refms.cli.mutants import INCOMPLETE
from refms.conformance.self_test import complaints, self_test


def run_self_test(options: argparse.Namespace) -> int:
    """Print a line for each kind of adapter; return 0, or 4 if the kit is broken."""
    found = []
    for finding in self_test(long=True):
        print(finding.line, flush=True)
        found.append(finding)
    broken = sum(not finding.good for finding in found)
    verdict = "BROKEN" if broken else "PASS"
    print(f"{verdict}: {len(found)} kinds of adapters, {broken} of them judged wrongly")
    write_json(
        options.json, {"passed": not broken, "findings": [dataclasses.asdict(finding) for finding in found]}
    )
    return INCOMPLETE if broken else 0


def kit_works() -> bool:
    """Return whether the quick self-test passes; if not, say on standard error what is wrong."""
    wrong = complaints()
    for line in wrong:
        print(f"refms: {line}", file=sys.stderr)
    return not wrong
