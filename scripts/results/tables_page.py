"""The page validation/multiscale_training/TABLES.md from the results of ``cases.py`` and ``table_1.py``."""

import json
import math
import statistics
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from scipy.stats import t as student
from writing import table, words

from results.wording import MULTISCALE_TRAINING, command, number, origin, over_runs

RESULTS = Path(__file__).resolve().parents[2] / MULTISCALE_TRAINING / "results"

SECTIONS = (
    "table_2",
    "table_2_variance",
    "table_2_espcn",
    "table_2_espcn_full",
    "table_3",
    "table_4",
    "table_5",
    "table_6",
    "mesh_free",
    "departures",
    "dropout",
)
"""Results, and the places of their tables in the words."""

PRINTED_CASES = (
    "single, equal images",
    "MGE",
    "Full-Multiscale, coarsened",
    "Full-Multiscale, crops",
    "Full-Multiscale, both",
)
ESPCN = (0.8629, 0.8326, 0.8274, 0.7590, 0.7663)
PRINTED: dict[str, dict[str, dict[str, float]]] = {
    name: {group: dict(zip(PRINTED_CASES, values, strict=False)) for group, values in groups.items()}
    for name, groups in {
        "table_2": {
            "denoise, UNet": (0.1918, 0.1975, 0.1567, 0.3497, 0.3489),
            "denoise, residual net": (0.1629, 0.1653, 0.1658, 0.2552, 0.2233),
            "deblur, UNet": (0.1510, 0.1458, 0.1561, 0.3671, 0.3527),
            "deblur, residual net": (0.1189, 0.1211, 0.1557, 0.1901, 0.1899),
            "inpaint, UNet": (0.8840, 0.8627, 0.8599, 0.5891, 0.6014),
            "inpaint, residual net": (0.8820, 0.8463, 0.8643, 0.7690, 0.7692),
            "super-resolve, residual net": (0.8672, 0.8327, 0.8231, 0.7504, 0.7617),
        },
        "table_2_espcn": {"": ESPCN},
        "table_2_espcn_full": {"": ESPCN},
        "table_3": {"UNet": (0.0663, 0.0721, 0.0484), "residual net": (0.0553, 0.0589, 0.0556)},
        "table_4": {
            "18 layers": (0.1623, 0.1622, 0.1588),
            "50 layers": (0.1614, 0.1611, 0.1598),
            "UNet, 5 meshes": (0.1610, 0.1604, 0.1597),
        },
    }.items()
} | {
    "table_6": {
        "": {
            "MGE, 4 meshes": 0.1653,
            "MGE, 3 meshes": 0.1741,
            "MGE, 2 meshes": 0.2081,
            "Full-Multiscale, 4 meshes": 0.1658,
            "Full-Multiscale, 3 meshes": 0.1703,
            "Full-Multiscale, 2 meshes": 0.1730,
        }
    }
}
"""MSE or SSIM in [MST], by result, group and case; Table 6 by the residual net."""


SECONDS = ((1709.06, 769.02, 489.47, 338.94, 234.50), (527.58, 345.98, 274.24, 245.09, 234.50))
"""Wall time of single scale and of MGE in Table 1 of [MST], finest mesh first."""


def text() -> str:
    """Return the page."""
    found = {name: read(name) for name in SECTIONS}
    seconds = read("table_1")
    return words(
        __file__,
        origin=origin(seconds, *found.values()),
        seconds=_seconds(seconds["rows"]),
        images=seconds["configuration"]["experiment"]["images"],
        width=seconds["configuration"]["network"]["options"]["width"],
        seconds_command=_command(seconds),
        **{name: tables(result) for name, result in found.items()},
        **{f"{name}_command": _command(result) for name, result in found.items()},
    )


def read(name: str) -> dict[str, Any]:
    """Return a result by its name."""
    result: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))
    return {**result, "name": name}


def _command(result: dict[str, Any]) -> str:
    return command(result, MULTISCALE_TRAINING, "--data-dir DIR")


def _seconds(rows: list[dict[str, Any]]) -> str:
    """Return seconds of a loss on each mesh, and the share of the mesh twice as fine, ours and printed."""
    head = ["cells", "single, s", "share", "MGE, s", "single / MGE", "by #WU"]
    head += ["[MST]: single, s", "share", "MGE, s", "single / MGE"]
    lines, before = [], (None, None)
    for row, *printed in zip(rows, *SECONDS, strict=True):
        ours = [row[name]["seconds"] for name in ("single", "mge")]
        line = [f"{row['cells']}×{row['cells']}"]
        for form, (single, mge), last in zip((".4f", ".2f"), (ours, printed), before, strict=True):
            share = None if last is None else single / last
            line += [f"{single:{form}}", number(share, ".2f"), f"{mge:{form}}", f"{single / mge:.2f}"]
            if single == ours[0]:
                line.append(f"{row['single']['work'] / row['mge']['work']:.2f}")
        before = (ours[0], printed[0])
        lines.append(line)
    return table(head, lines)


def measure_of(result: dict[str, Any], group: str) -> str:
    """Return what [MST] measures in a task: SSIM where images are inpainted or enlarged, else MSE."""
    asked = result["configuration"]
    task = asked["experiment"]["groups"][group].get("task", asked["task"])["name"]
    return "ssim" if task in ("inpaint", "super-resolve") else "validation_loss"


def gains(row: dict[str, Any], rival: dict[str, Any], measure: str) -> list[float]:
    """Return by how much a case is better than its rival, seed by seed."""
    sign = 1.0 if measure == "ssim" else -1.0
    pairs = zip(row["units"], rival["units"], strict=True)
    return [sign * (own[measure] - other[measure]) for own, other in pairs]


def interval(values: Sequence[float]) -> float:
    """Return half of the 95 % interval of a mean, by Student's t.

    >>> round(interval([0.0, 2.0]), 2)  # 12.706 standard errors, which are 1
    12.71
    """
    return float(student.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))


def tables(result: dict[str, Any]) -> str:
    """Return a table a group, with its name above where there are several."""
    groups = groupby(result["rows"], key=lambda row: row["group"])
    parts = [(name, _table(result, name, list(rows))) for name, rows in groups]
    return "\n\n".join(f"{name}:\n\n{found}" if name else found for name, found in parts)


def _table(result: dict[str, Any], group: str, rows: list[dict[str, Any]]) -> str:
    measure, by_name = measure_of(result, group), {row["case"]: row for row in rows}
    told = "SSIM" if measure == "ssim" else "MSE"
    printed = PRINTED.get(result["name"], {}).get(group, {})
    head = ["case", "steps", "#WU", told, "PSNR, dB", "η", "better than", "by", "in"]
    lines = []
    for row in rows:
        units = row["units"]
        etas = [unit["eta"] for unit in units if "eta" in unit]
        lines.append(
            [
                row["case"],
                f"{units[0]['steps']:,}",
                f"{units[0]['paper_units']:,.0f}",
                over_runs([unit[measure] for unit in units], ".4f", 1.0),
                over_runs([unit["psnr"] for unit in units], ".2f", 1.0),
                over_runs(etas, ".2f", 1.0),
                *_compared(row, by_name.get(row["rival"]), measure),
                *([number(printed.get(row["case"]), ".4f")] if printed else []),
            ]
        )
    return table([*head, *([f"{told} in [MST]"] if printed else [])], lines)


def _compared(row: dict[str, Any], rival: dict[str, Any] | None, measure: str) -> list[str]:
    """Return the rival's name, the mean gain with its interval, and in how many seeds there is a gain."""
    if rival is None:
        return ["–", "–", "–"]
    found = gains(row, rival, measure)
    half = f" ± {interval(found):.4f}" if len(found) > 1 else ""
    told = f"{statistics.fmean(found):+.4f}{half}"
    return [rival["case"], told, f"{sum(gain > 0 for gain in found)} of {len(found)}"]
