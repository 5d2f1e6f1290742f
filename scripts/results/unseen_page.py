"""The page validation/conformance/UNSEEN.md from the runs of bugs that the kit had not seen."""

import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from writing import table, words

from refms.names import TIERS
from results.wording import origin

FOLDER = Path(__file__).resolve().parents[2] / "validation" / "conformance"
SOURCE = FOLDER / "results" / "unseen_bugs.json"

KNOWN = ("gradient_difference", "mge", "full_multiscale", "work_units", "learning_rate", "adam_step")
"""Operations whose properties' statements were known when the table was written."""

WHEN = {"first": "at first", "now": "now"}
"""The two runs."""

Bug = dict[str, Any]


def read_bugs() -> list[Bug]:
    """Return the table of bugs."""
    return list(tomllib.loads((FOLDER / "unseen" / "bugs.toml").read_text(encoding="utf-8"))["bug"])


def read_survivors() -> dict[str, dict[str, Any]]:
    """Return reasons and witnesses of bugs that no tier finds, and whether the contract allows them."""
    return tomllib.loads((FOLDER / "unseen" / "survivors.toml").read_text(encoding="utf-8"))


def found_by(run: dict[str, Any], tier: str, bugs: list[Bug]) -> int:
    """Return how many bugs a tier of a run and those before it find."""
    tiers = list(TIERS)[: list(TIERS).index(tier) + 1]
    return sum(run["bugs"][bug["id"]]["tier"] in tiers for bug in bugs)


def percent(part: int, whole: int) -> str:
    """Return a share."""
    return f"{100 * part / whole:.1f} %"


def text() -> str:
    """Return the page."""
    result, bugs = json.loads(SOURCE.read_text(encoding="utf-8")), read_bugs()
    tiers = ",".join(result["now"]["tiers"])
    return words(
        __file__,
        folder="unseen",
        bugs=len(bugs),
        corners=sum(bool(bug["corner"]) for bug in bugs),
        threads=len({bug["source"] for bug in bugs}),
        rates=_rates(result, bugs),
        command=f"python validation/conformance/unseen_bugs.py --as now --tiers {tiers} --force",
        origin=origin(result["now"]),
        survivors=_survivors(result, bugs),
        all=_all(result, bugs),
    )


def _rates(result: dict[str, Any], bugs: list[Bug]) -> str:
    allowed = read_survivors()
    groups: dict[str, Callable[[Bug], bool]] = {
        "all": lambda bug: True,
        "in a corner only": lambda bug: bool(bug["corner"]),
        "anywhere": lambda bug: not bug["corner"],
        "others": lambda bug: bug["operation"] not in KNOWN,
        "not allowed by the contract": lambda bug: not allowed.get(bug["id"], {}).get("allowed", False),
    }
    rows, columns = [], [(run, tier) for run in WHEN for tier in result[run]["tiers"]]
    for name, belongs in groups.items():
        chosen = [bug for bug in bugs if belongs(bug)]
        found = [found_by(result[run], tier, chosen) for run, tier in columns]
        shares = [f"{count} ({percent(count, len(chosen))})" for count in found]
        rows.append([name, str(len(chosen)), *shares])
    return table(["bugs", "number", *(f"{WHEN[run]} in {tier}" for run, tier in columns)], rows)


def _survivors(result: dict[str, Any], bugs: list[Bug]) -> str:
    reasons, now = read_survivors(), result["now"]["bugs"]
    alive = [bug for bug in bugs if not now[bug["id"]]["tier"]]
    rows = [
        [f"`{bug['id']}`", bug["says"], bug["corner"] or "–", reasons[bug["id"]]["reason"]] for bug in alive
    ]
    return table(["bug", "what it does", "shows where", "why nothing finds it"], rows) if rows else "None."


def _all(result: dict[str, Any], bugs: list[Bug]) -> str:
    rows = []
    for bug in bugs:
        first = result["first"]["bugs"][bug["id"]]
        now = result["now"]["bugs"][bug["id"]]
        where, by = bug["corner"] or "–", now.get("property", "") or "–"
        source = _thread(bug["source"])
        rows.append(
            [f"`{bug['id']}`", bug["operation"], where, source, first["tier"] or "–", now["tier"] or "–", by]
        )
    return table(["bug", "operation", "shows where", "kind reported in", "first", "now", "by"], rows)


def _thread(source: str) -> str:
    repository, number = source.split("#")
    return f"[{source}](https://github.com/{repository}/issues/{number})"
