"""The page validation/multiscale_training/JOINED.md from the result of ``joined.py``."""

import json
import statistics
from pathlib import Path
from typing import Any

from writing import table, words

from refms.multiscale.work import UNITS
from results.wording import MULTISCALE_TRAINING, command, number, origin, over_runs

RESULT = Path(__file__).resolve().parents[2] / MULTISCALE_TRAINING / "results" / "joined.json"
PLAIN = "single, W"
"""What the others are compared with, seed by seed."""


def text() -> str:
    """Return the page."""
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    asked = result["configuration"]
    settings, rows = asked["experiment"], result["rows"]
    (plain,) = (row for row in rows if row["rival"] == PLAIN)
    full = ["--full"] if result["full"] else []
    return words(
        __file__,
        command=command(result, MULTISCALE_TRAINING, "--data-dir DIR", *full),
        origin=origin(result),
        task=asked["task"]["name"],
        dataset=asked["data"]["dataset"],
        cells=asked["data"]["size"],
        width=asked["network"]["options"]["width"],
        levels=asked["multiscale"]["levels"],
        work=settings["work"],
        seeds=len(settings["seeds"]),
        W=plain["batch"],
        losses=table(LOSSES, [_loss(row, plain) for row in rows]),
        efficiencies=table(
            ["η, at a loss of about", *(f"{loss:.3f}" for loss in _losses(plain))],
            [_efficiency(row, _losses(plain)) for row in rows if not row["rival"].startswith("single")],
        ),
    )


LOSSES = (
    "estimate",
    "steps",
    "#WU of steps",
    "of pilots",
    "loss",
    f"less than {PLAIN}, seed by seed",
    "better in",
    "PSNR, dB",
)


def _last(row: dict[str, Any], name: str) -> list[float]:
    return [unit["rows"][-1][name] for unit in row["units"]]


def _loss(row: dict[str, Any], plain: dict[str, Any]) -> list[str]:
    """Return the last row of a rival, its losses paired by seed with those of plain single scale."""
    losses = _last(row, "validation_loss")
    gains = [a - b for a, b in zip(_last(plain, "validation_loss"), losses, strict=True)]
    paired = ["–", "–"]
    if row is not plain:
        paired = [over_runs(gains, ".4f", 1.0), f"{sum(gain > 0 for gain in gains)} of {len(gains)}"]
    return [
        row["rival"],
        f"{statistics.fmean(unit['steps'] for unit in row['units']):,.0f}",
        f"{statistics.fmean(_last(row, 'paper_units')):,.0f}",
        f"{statistics.fmean(_last(row, 'pilot_units')) / UNITS:,.0f}",
        over_runs(losses, ".4f", 1.0),
        *paired,
        over_runs(_last(row, "psnr"), ".2f", 1.0),
    ]


def _losses(plain: dict[str, Any]) -> list[float]:
    """Return the mean losses of plain single scale along its training, at which η is told."""
    rows = [unit["rows"] for unit in plain["units"]]
    return [statistics.fmean(unit[i]["validation_loss"] for unit in rows) for i in range(len(rows[0]))]


def _efficiency(row: dict[str, Any], losses: list[float]) -> list[str]:
    """Return the median η of the measurements nearest to each loss, one of each seed."""
    cells = []
    for loss in losses:
        nearest = [
            min(unit["rows"], key=lambda one: abs(one["validation_loss"] - loss)) for unit in row["units"]
        ]
        cells.append(number(statistics.median(one["eta"] for one in nearest), ".2f"))
    return [row["rival"], *cells]
