"""The page validation/conformance/FALSE_ALARMS.md from the result of the study of false alarms."""

import itertools
import json
import math
from pathlib import Path
from typing import Any

from refms.names import DTYPES

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "validation" / "conformance" / "results" / "false_alarms.json"
WIDTH = 40
"""Characters of the longest bar."""

WORST = 10
"""How many of the largest ρ are told with their instance."""


def text() -> str:
    """Return the page."""
    result = json.loads(SOURCE.read_text(encoding="utf-8"))
    asked, spread, verdicts = result["command"], result["spread"], result["verdicts"]
    words = " ".join(f"--{name} {value}" for name, value in asked.items())
    made_with = ", ".join(f"{package} {version}" for package, version in result["versions"].items())
    n, failed = result["instances"], verdicts.get("FAIL", 0)
    decades, within = spread["decades"], spread["within"]
    alarms = [f"* {line}" for line in result["alarms"]] or ["Nothing."]
    return f"""# False alarms of the conformance kit

Written by `scripts/make_pages.py false-alarms` from `results/false_alarms.json`; do not edit by hand.

`python validation/conformance/false_alarms.py {words}`,
{result["date"]}, {result["machine"]}, {made_with}, BLAS threads a process: {result["blas_threads"]}.

The catalogue was run on **{n:,} random instances** of implementations that are right:
**{failed} FAIL**, {verdicts.get("MARGINAL", 0)} MARGINAL.
{_bound(failed, n)}

## What was drawn

Stencils and images, and whatever else a statement is linear in, are scaled by 10^u, each with its own u,
uniform in [−{decades:g}, {decades:g}]; in half of the instances entries are spread over {within:g} decades.
Shapes: {", ".join(spread["shapes"])}. Half of the instances are in single precision.
Dear properties get fewer instances, in proportion to their cost.

{_groups(result["groups"])}

{_kinds(result["kinds"])}

## ρ over all instances

{result["judged_by_rho"]:,} instances are judged by ρ = error / (eps · scale): PASS to 30, MARGINAL to 300.
The others are judged by a slope, a bound, or a statement that holds or does not.

```text
{_histogram(result["edges"], result["histogram"])}
```

## ρ of each property

n instances, of which 50, 99 and 99.9 % have no larger ρ than is shown, and the largest of all; – where the
criterion is another one. What a peer does not implement is not counted.

{_table(result["properties"])}

## The largest ρ

{_worst(result["properties"])}

## What did not pass

{chr(10).join(alarms)}
"""


def _bound(failed: int, n: int) -> str:
    """Return what no failure in n tells of the probability of one."""
    if failed:
        return "Each failure is a mistake of the kit or of the implementation."
    return f"So with 95 % confidence less than {-math.log(0.05) / n:.1e} of such instances fail."


def _groups(groups: dict[str, dict[str, int]]) -> str:
    rows = [
        f"| {name} | {counts.get('PASS', 0):,} | {counts.get('MARGINAL', 0)} | {counts.get('FAIL', 0)} |"
        for name, counts in groups.items()
    ]
    return "\n".join(["| implementation | PASS | MARGINAL | FAIL |", "|---|---|---|---|", *rows])


def _kinds(kinds: dict[str, int]) -> str:
    """Return how many instances have which dimension, boundary, …, one line each."""
    found: dict[str, list[str]] = {}
    for kind, count in kinds.items():
        name, value = kind.split(": ")
        found.setdefault("dimension" if name == "d" else name, []).append(f"{value} {count:,}")
    return "\n".join(f"* {name}: {', '.join(values)}" for name, values in found.items())


def _histogram(edges: list[float], counts: list[int]) -> str:
    names = [f"ρ <= {edges[0]:g}", *(f"{a:g} < ρ <= {b:g}" for a, b in itertools.pairwise(edges))]
    most, lines = max(counts), []
    for name, count in zip((*names, f"{edges[-1]:g} < ρ"), counts, strict=True):
        lines.append(f"{name:>16} {count:>8,}  {'#' * math.ceil(WIDTH * count / most)}".rstrip())
    return "\n".join(lines)


def _table(properties: dict[str, dict[str, Any]]) -> str:
    shown = ("n", "50 %", "99 %", "99.9 %", "max")
    rows = [
        f"| | property | float64: {' | '.join(shown)} | float32: {' | '.join(shown)} |",
        "|---" * (2 + 2 * len(shown)) + "|",
    ]
    for name, found in properties.items():
        cells = []
        for one in (found.get(dtype, {}) for dtype in DTYPES):
            rho = one.get("rho")
            count = sum(one.get(verdict, 0) for verdict in ("PASS", "MARGINAL", "FAIL"))
            cells += [f"{count:,}", *([f"{rho[k]:.2g}" for k in (0, 2, 3, 4)] if rho else "––––")]
        rows.append(f"| {name} | {found['title']} | {' | '.join(cells)} |")
    return "\n".join(rows)


def _worst(properties: dict[str, dict[str, Any]]) -> str:
    found = [
        (one["rho"][-1], name, one["worst"])
        for name, by_dtype in properties.items()
        for one in (by_dtype.get(dtype, {}) for dtype in DTYPES)
        if "rho" in one
    ]
    largest = sorted(found, key=lambda one: -one[0])[:WORST]
    return "\n".join(f"* {rho:.3g}, {name}: {where}" for rho, name, where in largest)
