"""``refms conform diff``: which properties changed their verdict between two reports."""

from __future__ import annotations

import argparse

from refms.cli.files import write_json
from refms.cli.options import Commands, add_command


def register(actions: Commands) -> None:
    """Add ``diff`` to the actions."""
    command = add_command(
        actions,
        "diff",
        "refms conform diff before.json after.json",
        run,
        "Compare two reports that `refms conform run --json` wrote: which properties changed their verdict, "
        "and where ρ grew or shrank by a factor of two or more; exit 0 if none is worse, 1 if one is, 2 if a "
        "file is no report. What is no longer tested is worse; what failed and no longer applies is not.",
    )
    command.add_argument("a", metavar="A.json", help="the report before")
    command.add_argument("b", metavar="B.json", help="the report after")


def run(options: argparse.Namespace) -> int:
    """Print the changes; return 0, or 1 if a property is worse."""
    from refms.conformance.reports.comparison import compare, notable
    from refms.conformance.reports.saved import read_reports

    before, after = read_reports(options.a), read_reports(options.b)
    settings = [sorted({(report.tier, report.seed) for report in reports}) for reports in (before, after)]
    if settings[0] != settings[1]:
        print("The reports are of different tiers or seeds; ρ of other instances differs anyhow.")
    changes = compare(before, after)
    changed = [change for change in changes if change.changed]
    worse, better = ([one for one in changes if getattr(one, name)] for name in ("worse", "better"))
    for change in changed:
        label = "worse" if change.worse else "better" if change.better else "other"
        print(f"{label:6} {change.sentence}")
    for change in filter(notable, changes):
        print(f"       {change.sentence}")
    for remark in [remark for change in changes for remark in change.remarks]:
        print(f"       {remark}")
    print(
        f"{len(changes)} compared: {len(worse)} worse, {len(better)} better, "
        f"{len(changes) - len(changed)} with the same verdict"
    )
    write_json(
        options.json,
        {
            "a": options.a,
            "b": options.b,
            "worse": len(worse),
            "better": len(better),
            "compared": [change.to_dict() for change in changes],
        },
    )
    return 1 if worse else 0
