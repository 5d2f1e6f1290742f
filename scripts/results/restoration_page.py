"""The page validation/multiscale_training/RESTORATION.md from the result of ``restoration.py``."""

import json
import statistics
from pathlib import Path
from typing import Any

from writing import words

from results.wording import origin

RESULT = Path(__file__).resolve().parents[2] / "validation/multiscale_training/results/restoration.json"


def text() -> str:
    """Return the page."""
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    asked, settings = result["configuration"], result["configuration"]["experiment"]
    return words(
        __file__,
        config=result["config"],
        origin=origin(result),
        dataset=asked["data"]["dataset"],
        cells=asked["data"]["size"],
        validation=asked["data"]["validation"],
        network=asked["network"]["architecture"],
        width=asked["network"]["options"]["width"],
        levels=asked["multiscale"]["levels"],
        work=settings["work"],
        seeds=", ".join(map(str, settings["seeds"])),
        rows="\n".join(_row(row) for row in result["rows"]),
    )


def _row(row: dict[str, Any]) -> str:
    units = row["units"]
    cells = [
        row["task"],
        row["estimator"],
        f"{units[0]['steps']:,}",
        f"{units[0]['paper_units']:,.0f}",
        _spread([unit["psnr_before"] for unit in units], ".2f"),
        _spread([unit["psnr"] for unit in units], ".2f"),
        _spread([unit["ssim"] for unit in units], ".3f"),
    ]
    return f"| {' | '.join(cells)} |"


def _spread(values: list[float], form: str) -> str:
    deviation = statistics.stdev(values) if len(values) > 1 else 0.0
    return f"{statistics.mean(values):{form}} ± {deviation:{form}}"
