"""The page validation/conformance/KILLS.md from what ``refms conform mutants --json`` writes."""

import json
from pathlib import Path

from writing import table, words

from refms.conformance.properties import PROPERTIES
from results.wording import origin

SOURCE = Path(__file__).resolve().parents[2] / "validation" / "conformance" / "results" / "kills.json"


def text() -> str:
    """Return the page."""
    found = json.loads(SOURCE.read_text(encoding="utf-8"))
    kills, alone, needed = found["kills"], found["alone"], found["needed"]
    rows = [
        [item.id, item.title, item.catches, *(str(numbers[item.id]) for numbers in (kills, alone, needed))]
        for item in PROPERTIES
    ]
    return words(
        __file__,
        origin=origin(found),
        tier=found["tier"],
        mutants=len(found["mutants"]),
        count=len(PROPERTIES),
        alone=sum(map(bool, alone.values())),
        needed=sum(number > 0 for name, number in needed.items() if not alone[name]),
        others=sum(not (alone[name] or needed[name]) for name in kills),
        properties=table(["", "property", "is there for", "finds", "alone", "needed"], rows),
    )
