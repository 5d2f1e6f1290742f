"""``refms conform self-test``: whether the kit finds in this installation what it must find."""

from __future__ import annotations

import argparse
import sys

from refms.cli.conform.codes import KIT_AT_FAULT
from refms.cli.files import write_json
from refms.cli.options import Commands, add_command


def register(actions: Commands) -> None:
    """Add ``self-test`` to the actions."""
    add_command(
        actions,
        "self-test",
        "refms conform self-test",
        run,
        "Judge adapters that misbehave, each in one way, and refms with a few mistakes: what is wrong must "
        "fail, and refms must pass; exit 0 if so, 4 if not. A quick part of it comes before every "
        "`refms conform run`.",
    )


def run(options: argparse.Namespace) -> int:
    """Print a line for each kind of adapter; return 0, or 4 if the kit is broken."""
    import dataclasses

    from refms.conformance.self_test import self_test

    found = []
    for finding in self_test(long=True):
        print(finding.line, flush=True)
        found.append(finding)
    broken = sum(not finding.good for finding in found)
    verdict = "BROKEN" if broken else "PASS"
    print(f"{verdict}: {len(found)} kinds of adapters, {broken} of them judged wrongly")
    findings = [dataclasses.asdict(finding) for finding in found]
    write_json(options.json, {"passed": not broken, "findings": findings})
    return KIT_AT_FAULT if broken else 0


def kit_works() -> bool:
    """Return whether the quick self-test passes; if not, say on standard error what is wrong."""
    from refms.conformance.self_test import complaints

    wrong = complaints()
    for line in wrong:
        print(f"refms: {line}", file=sys.stderr)
    return not wrong
