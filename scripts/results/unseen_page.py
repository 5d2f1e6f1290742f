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

Bug = dict[str, Any]


def read_bugs() -> list[Bug]:
    """Return the table of bugs."""
    return list(tomllib.loads((FOLDER / "unseen" / "bugs.toml").read_text(encoding="utf-8"))["bug"])


def read_survivors() -> dict[str, dict[str, str]]:
    """Return reasons and witnesses of bugs that no tier finds."""
    return tomllib.loads((FOLDER / "unseen" / "survivors.toml").read_text(encoding="utf-8"))


def found_by(result: dict[str, Any], tier: str, bugs: list[Bug]) -> int:
    """Return how many bugs a tier of the first run and those before it find."""
    tiers = list(TIERS)[: list(TIERS).index(tier) + 1]
    return sum(result["first"]["bugs"][bug["id"]]["tier"] in tiers for bug in bugs)


def counts(result: dict[str, Any]) -> tuple[int, int, int, int]:
    """Return how many bugs there are, survived quick at first, were run again, and are found by it now."""
    first, now = result["first"]["bugs"], result["now"]["bugs"]
    alive = sum(found["tier"] != "quick" for found in first.values())
    return len(first), alive, len(now), sum(found["tier"] == "quick" for found in now.values())


def percent(part: int, whole: int) -> str:
    """Return a share."""
    return f"{100 * part / whole:.1f} %"


def text() -> str:
    """Return the page."""
    result, bugs = json.loads(SOURCE.read_text(encoding="utf-8")), read_bugs()
    number, alive, again, caught = counts(result)
    return words(
        __file__,
        folder="unseen",
        bugs=number,
        corners=sum(bool(bug["corner"]) for bug in bugs),
        threads=len({bug["source"] for bug in bugs}),
        rates=_rates(result, bugs),
        alive=alive,
        again="all" if again == alive else str(again),
        caught=caught,
        share=percent(number - alive + caught, number),
        command="python validation/conformance/unseen_bugs.py --as now --tiers quick --force",
        origin=origin(result["first"]),
        survivors=_survivors(result, bugs),
        all=_all(result, bugs),
    )


def _rates(result: dict[str, Any], bugs: list[Bug]) -> str:
    groups: dict[str, Callable[[Bug], bool]] = {
        "all": lambda bug: True,
        "in a corner only": lambda bug: bool(bug["corner"]),
        "anywhere": lambda bug: not bug["corner"],
        "others": lambda bug: bug["operation"] not in KNOWN,
    }
    rows = []
    for name, belongs in groups.items():
        chosen = [bug for bug in bugs if belongs(bug)]
        found = [found_by(result, tier, chosen) for tier in ("quick", "full")]
        shares = [f"{count} ({percent(count, len(chosen))})" for count in found]
        rows.append([name, str(len(chosen)), *shares])
    return table(["bugs", "number", "found in tier quick", "in full"], rows)


def _survivors(result: dict[str, Any], bugs: list[Bug]) -> str:
    reasons, now = read_survivors(), result["now"]["bugs"]
    alive = [bug for bug in bugs if not now.get(bug["id"], {"tier": "quick"})["tier"]]
    rows = [
        [f"`{bug['id']}`", bug["says"], bug["corner"] or "–", reasons[bug["id"]]["reason"]] for bug in alive
    ]
    return table(["bug", "what it does", "shows where", "why nothing finds it"], rows) if rows else "None."


def _all(result: dict[str, Any], bugs: list[Bug]) -> str:
    rows = []
    for bug in bugs:
        first = result["first"]["bugs"][bug["id"]]
        now = result["now"]["bugs"].get(bug["id"], first)
        where, by = bug["corner"] or "–", now.get("property", "") or first.get("property", "") or "–"
        source = _thread(bug["source"])
        rows.append(
            [f"`{bug['id']}`", bug["operation"], where, source, first["tier"] or "–", now["tier"] or "–", by]
        )
    return table(["bug", "operation", "shows where", "kind reported in", "first", "now", "by"], rows)


def _thread(source: str) -> str:
    repository, number = source.split("#")
    return f"[{source}](https://github.com/{repository}/issues/{number})"
