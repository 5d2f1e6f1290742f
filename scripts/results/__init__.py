"""The sections of validation/RESULTS.md: one module an experiment, each with ``section(result) -> str``."""

import importlib
import json
from pathlib import Path
from typing import Any

from results import crossing, summary
from results.wording import FOLDER as FOLDER

RESULTS = Path(__file__).resolve().parents[2] / FOLDER / "results"

EXPERIMENTS = (
    "example_1",
    "across_resolutions",
    "resolution_front",
    "coarse_to_fine",
    "imagenet10",
    "shallow_to_deep",
    "stability",
    "classifiers",
    "study",
)
"""What a result may call its experiment (one of ``refms study``: its kind), in the order of the sections.

Each is a module of this package.
"""

HEAD = """# Results

Written by `scripts/make_pages.py results` from the JSON files in `validation/*/results/`, each of which one
command made; do not edit by hand.
"""


def text(results: Path = RESULTS) -> str:
    """Return the whole page, one section a result; a result that names no known experiment is refused."""
    found = sorted((read(path) for path in results.glob("*.json")), key=_place)
    named = {result["name"]: result for result in found}
    tables = [table for over_all in (summary, crossing) if (table := over_all.section(named))]
    return "\n".join([HEAD, *tables, *(section(result) for result in found)])


def read(path: Path) -> dict[str, Any]:
    """Return a result, with the name of its file (without the ending) under ``"name"``."""
    result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    experiment = result.get("experiment", result.get("kind"))
    if experiment not in EXPERIMENTS:
        raise ValueError(
            f"{path}: the experiment is {experiment!r}; expected one of {EXPERIMENTS}. "
            "Make the result again with the script beside it."
        )
    return {**result, "experiment": experiment, "name": path.stem}


def section(result: dict[str, Any]) -> str:
    """Return the section of one result, made by the module of its experiment."""
    made: str = importlib.import_module(f"{__name__}.{result['experiment']}").section(result)
    return made


def _place(result: dict[str, Any]) -> tuple[int, str]:
    return EXPERIMENTS.index(result["experiment"]), result["name"]
