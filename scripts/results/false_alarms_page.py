"""The page validation/conformance/FALSE_ALARMS.md from the result of the study of false alarms."""

import itertools
import json
import math
from pathlib import Path
from typing import Any

from writing import table, words

from refms.names import DTYPES
from results.wording import origin

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "validation" / "conformance" / "results" / "false_alarms.json"
WIDTH = 40
"""Characters of the longest bar."""

WORST = 10
"""How many of the largest ρ are told with their instance."""


def text() -> str:
    """Return the page."""
    result = json.loads(SOURCE.read_text(encoding="utf-8"))
    verdicts, n = result["verdicts"], result["instances"]
    failed = verdicts.get("FAIL", 0)
    return words(
        __file__,
        result=result,
        command=" ".join(f"--{name} {value}" for name, value in result["command"].items()),
        origin=origin(result),
        failed=failed,
        marginal=verdicts.get("MARGINAL", 0),
        bound=_bound(failed, n),
        drawn=_drawn(result["spread"]),
        groups=_groups(result["groups"]),
        kinds=_kinds(result["kinds"]),
        histogram=_histogram(result["edges"], result["histogram"]),
        properties=_properties(result["properties"]),
        worst=_worst(result["properties"]),
        alarms="\n".join([f"* {line}" for line in result["alarms"]] or ["Nothing."]),
    )


def _drawn(spread: dict[str, Any]) -> str:
    """Return how instances are drawn: by shapes with names, or by a design that covers all pairs."""
    scaled = "Stencils and images, and whatever else a statement is linear in, are scaled by"
    decades, within = f"{spread['decades']:g}", f"{spread['within']:g}"
    if "shapes" in spread:
        return (
            f"{scaled} 10^u, each with its own u,\nuniform in [−{decades}, {decades}]; "
            f"in half of the instances entries are spread over {within} decades.\n"
            f"Shapes: {', '.join(spread['shapes'])}."
        )
    return (
        "Instances are rows of a covering design: every two levels of every two axes come up together,\n"
        f"as in every tier of the kit. {scaled} 1,\nor by 10^u with |u| up to {decades}, each by its own; "
        f"in half of the instances entries are spread over {within} decades."
    )


def _bound(failed: int, n: int) -> str:
    """Return what no failure in n tells of the probability of one."""
    if failed:
        return "Each failure is a mistake of the kit or of the implementation."
    return f"So with 95 % confidence less than {-math.log(0.05) / n:.1e} of such instances fail."


def _groups(groups: dict[str, dict[str, int]]) -> str:
    lines = [
        [name, f"{counts.get('PASS', 0):,}", str(counts.get("MARGINAL", 0)), str(counts.get("FAIL", 0))]
        for name, counts in groups.items()
    ]
    return table(["implementation", "PASS", "MARGINAL", "FAIL"], lines)


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


def _properties(properties: dict[str, dict[str, Any]]) -> str:
    shown = ("n", "50 %", "99 %", "99.9 %", "max")
    head = ["", "property", f"float64: {shown[0]}", *shown[1:], f"float32: {shown[0]}", *shown[1:]]
    lines = []
    for name, found in properties.items():
        cells = [name, found["title"]]
        for one in (found.get(dtype, {}) for dtype in DTYPES):
            rho = one.get("rho")
            count = sum(one.get(verdict, 0) for verdict in ("PASS", "MARGINAL", "FAIL"))
            cells += [f"{count:,}", *([f"{rho[k]:.2g}" for k in (0, 2, 3, 4)] if rho else "––––")]
        lines.append(cells)
    return table(head, lines)


def _worst(properties: dict[str, dict[str, Any]]) -> str:
    found = [
        (one["rho"][-1], name, one["worst"])
        for name, by_dtype in properties.items()
        for one in (by_dtype.get(dtype, {}) for dtype in DTYPES)
        if "rho" in one
    ]
    largest = sorted(found, key=lambda one: -one[0])[:WORST]
    return "\n".join(f"* {rho:.3g}, {name}: {where}" for rho, name, where in largest)
