"""The page validation/multiscale_training/JOINED.md: both papers joined, in estimates and in curvature."""

import json
import statistics
from pathlib import Path
from typing import Any

from writing import table, words

from refms.multiscale.work import UNITS
from results import tables_page
from results.wording import MULTISCALE_TRAINING, command, number, origin, over_runs

RESULTS = Path(__file__).resolve().parents[2] / MULTISCALE_TRAINING / "results"
PLAIN = "single, W"
"""What the others are compared with, seed by seed."""


def text() -> str:
    """Return the page."""
    trainings = [estimates(read(name)) for name in ("joined", "joined_96")]
    return words(
        __file__,
        trainings="\n\n".join(trainings),
        stages=stages(read("joined_full")),
        curvature=curvature(read("coarse_curvature")),
    )


def read(name: str) -> dict[str, Any]:
    """Return the result of a TOML file."""
    result: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return {**result, "name": name}


def _origin(result: dict[str, Any]) -> dict[str, str]:
    told = command(result, MULTISCALE_TRAINING, "--data-dir DIR")
    return {"command": told, "origin": origin(result)}


def estimates(result: dict[str, Any]) -> str:
    """Return the section of one training by rivals of equal work."""
    asked = result["configuration"]
    settings, rows = asked["experiment"], result["rows"]
    (plain,) = (row for row in rows if row["rival"] == PLAIN)
    return words(
        __file__,
        "joined_estimates",
        **_origin(result),
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
    ).strip()


def stages(result: dict[str, Any]) -> str:
    """Return the section of Full-Multiscale by cases of equal work."""
    asked = result["configuration"]
    return words(
        __file__,
        "joined_full",
        **_origin(result),
        dataset=asked["data"]["dataset"],
        width=asked["network"]["options"]["width"],
        batch=asked["multiscale"]["batch"],
        seeds=len(asked["experiment"]["seeds"]),
        tables=tables_page.tables(result),
    ).strip()


def curvature(result: dict[str, Any]) -> str:
    """Return the section of Gauss–Newton steps with curvature of coarser meshes."""
    asked, rows = result["configuration"], result["rows"]
    stages = [stage["stage"] for stage in rows[0]["stages"]]
    compared = [
        [
            f"{kind['share'] * 4.0 ** -kind['level']:.4f}",
            *_kind(kind),
            *(
                over_runs([row["stages"][k]["kinds"][i][name] for row in rows], ".2f", 1.0)
                for name in ("error", "cosine", "gain")
                for k in range(len(stages))
            ),
        ]
        for i, kind in enumerate(rows[0]["stages"][0]["kinds"])
    ]
    head = [f"{name}, {stage}" for name in ("error", "cosine", "decrease") for stage in stages]
    return words(
        __file__,
        "coarse_curvature",
        **_origin(result),
        dataset=asked["data"]["dataset"],
        images=asked["data"]["train"],
        smoothing=asked["data"]["smoothing"],
        layers=asked["network"]["layers"],
        channels=asked["network"]["channels"],
        seeds=len(rows),
        iterations=asked["experiment"]["iterations"],
        stages=", ".join(map(str, stages)),
        compared=table(["work", "curvature of", "images", *head], compared),
        trained=table(
            ["curvature of", "images", "objective", "work", "loss, validation", "accuracy, %"],
            [_training([row["trainings"][i] for row in rows]) for i in range(len(rows[0]["trainings"]))],
        ),
    ).strip()


def _kind(kind: dict[str, Any]) -> list[str]:
    """Return the mesh with its kernels, and the share of the images."""
    mesh = "the finest mesh" if kind["level"] == 0 else f"mesh {kind['level']}, {RULES[kind['rule']]}"
    return [mesh, "all" if kind["share"] == 1 else f"1/{1 / kind['share']:.0f}"]


RULES = {"keep": "kernels kept", "galerkin": "R K P"}


def _training(units: list[dict[str, Any]]) -> list[str]:
    """Return a line of the trainings with one curvature."""
    return [
        *_kind(units[0]),
        over_runs([unit["objective"] for unit in units], ".4f", 1.0),
        f"{statistics.fmean(unit['work'] for unit in units):,.0f}",
        over_runs([unit["loss"] for unit in units], ".4f", 1.0),
        over_runs([unit["accuracy"] for unit in units], ".2f"),
    ]


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
