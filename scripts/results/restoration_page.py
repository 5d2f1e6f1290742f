"""The page validation/multiscale_training/RESTORATION.md from the result of ``restoration.py``."""

import json
from pathlib import Path
from typing import Any

from writing import table, words

from results.wording import MULTISCALE_TRAINING, command, origin, over_runs

RESULT = Path(__file__).resolve().parents[2] / MULTISCALE_TRAINING / "results" / "restoration.json"
COLUMNS = ("task", "estimator", "steps", "#WU", "PSNR at the start", "PSNR, dB", "SSIM", "η at the end")


def text() -> str:
    """Return the page."""
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    asked, settings = result["configuration"], result["configuration"]["experiment"]
    return words(
        __file__,
        command=command(result, MULTISCALE_TRAINING, "--data-dir DIR"),
        origin=origin(result),
        dataset=asked["data"]["dataset"],
        cells=asked["data"]["size"],
        validation=asked["data"]["validation"],
        network=asked["network"]["architecture"],
        width=asked["network"]["options"]["width"],
        levels=asked["multiscale"]["levels"],
        pilot=asked["multiscale"]["pilot"],
        work=settings["work"],
        seeds=", ".join(map(str, settings["seeds"])),
        rows=table(COLUMNS, [_row(row) for row in result["rows"]]),
    )


def _row(row: dict[str, Any]) -> list[str]:
    units = row["units"]
    spread = (("psnr_before", ".2f"), ("psnr", ".2f"), ("ssim", ".3f"), ("eta", ".2f"))
    return [
        row["task"],
        row["estimator"],
        f"{units[0]['steps']:,}",
        f"{units[0]['paper_units']:,.0f}",
        *(over_runs([unit[name] for unit in units if name in unit], form, 1.0) for name, form in spread),
    ]
