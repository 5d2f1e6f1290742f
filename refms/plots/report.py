"""A run as one HTML page: outcome, final numbers, pictures, configuration, versions and machine."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from refms.model import Model
from refms.pages import render
from refms.plots.captions import sentence_of
from refms.plots.results import numbers, part, runs_of
from refms.plots.saving import figure_bytes
from refms.plots.study import value_text

FINAL = {
    "iteration": "iterations",
    "work_units": "work",
    "seconds": "seconds",
    "objective": "objective",
    "gradient_norm": "‖g‖",
    "validation_accuracy": "validation accuracy",
    "validation_loss": "validation loss",
    "psnr": "PSNR",
    "ssim": "SSIM",
}
"""Column to its heading in the table of final numbers."""


def model_page(models: Mapping[str, Model], figures: Mapping[str, Figure]) -> str:
    """Return the page of some models by name with their pictures: HTML that loads nothing from elsewhere."""
    outcomes = {key: part(model.record, "outcome").get("message") for key, model in models.items()}
    head = ["model", "mesh", "layers", *FINAL.values()]
    return render(
        "run.html",
        title=", ".join(models),
        head=head,
        numbers=head[1:],
        rows=[
            [
                key,
                "×".join(map(str, one.grid.shape)),
                str(getattr(one.architecture, "layers", "")),
                *_ends(one),
            ]
            for key, one in models.items()
        ],
        sentences=[(key, str(message)) for key, message in outcomes.items() if message],
        pictures=_pictures(figures),
        facts={key: _facts({"network": _network(one), **one.record}) for key, one in models.items()},
    )


def result_page(title: str, result: Mapping[str, Any], figures: Mapping[str, Figure]) -> str:
    """Return the page of a result of a command with its pictures.

    HTML that loads nothing from elsewhere. Raises InputError where the result holds what is no number.
    """
    measured = ("kind", "runs", "spectra", "cg", "model_quality", "blocks", "layers", "levels", "efficiency")
    tables = {"inspect": _spectra_table, "variance": _levels_table}
    facts = {key: value for key, value in result.items() if key not in measured}
    return render(
        "run.html",
        title=title,
        **tables.get(str(result.get("kind")), _runs_table)(result),
        pictures=_pictures(figures),
        facts={"Configuration, versions, machine": _facts(facts)},
    )


def operator_page(title: str, figures: Mapping[str, Figure], captions: Mapping[str, str]) -> str:
    """Return the page of pictures of operators with their captions; it loads nothing from elsewhere."""
    return render(
        "run.html",
        title=title,
        head=["picture"],
        numbers=[],
        rows=[[key] for key in figures],
        sentences=[],
        pictures=_pictures(figures, captions),
        facts={},
    )


def _runs_table(result: Mapping[str, Any]) -> dict[str, Any]:
    runs = runs_of(result)
    study = result.get("kind") == "study"
    rows = []
    for key, run in runs.items():
        named = [value_text(run.value), value_text(run.seed)] if study else [key]
        rows.append([*named, run.status.replace("_", " "), *(_number(run.last(column)) for column in FINAL)])
    return {
        "head": [*(["value", "seed"] if study else ["method"]), "outcome", *FINAL.values()],
        "numbers": list(FINAL.values()),
        "rows": rows,
        "sentences": [(key, said) for key, run in runs.items() for said in (run.message, *run.notes) if said],
    }


def _spectra_table(result: Mapping[str, Any]) -> dict[str, Any]:
    rows = []
    blocks = part(result, "blocks")
    for block in (spectra := part(result, "spectra")):
        size = str(part(blocks, block, "blocks").get("size", ""))
        for matrix in (matrices := part(spectra, block, "spectra")):
            where = f"spectra.{block}"
            found = part(matrices, matrix, where)
            smallest, largest = (numbers(found, key, f"{where}.{matrix}") for key in ("smallest", "largest"))
            ends = np.nanmin(smallest, initial=np.inf), np.nanmax(largest, initial=-np.inf)
            rows.append([block, size, matrix.replace("_", "–"), *map(_number, ends)])
    head = ["block", "rows", "matrix", "smallest eigenvalue", "largest eigenvalue"]
    return {"head": head, "numbers": ["rows", *head[3:]], "rows": rows, "sentences": []}


def _levels_table(result: Mapping[str, Any]) -> dict[str, Any]:
    rows = []
    for i, row in enumerate(result["levels"]):
        measured = [numbers(row, name, f"levels.{i}") for name in ("V", "rho", "beta")]
        rows.append([str(row.get("level")), *(_number(found[0]) if found.size else "" for found in measured)])
    said = result.get("sentence")
    head = ["level", "V / v", "ρ", "β"]
    return {"head": head, "numbers": head, "rows": rows, "sentences": [("", str(said))] if said else []}


def _ends(model: Model) -> list[str]:
    """Return the final numbers of a training, in the order of :data:`FINAL`."""
    rows = model.history.rows
    if not rows:
        return [""] * len(FINAL)
    last = rows[-1]
    measured = {name: number for row in rows for name, number in row.extra.items()}
    found = {
        "iteration": last.iteration,
        "work_units": last.work_units,
        "seconds": sum(row.seconds for row in rows),
        "objective": last.objective,
        "gradient_norm": last.gradient_norm,
        **measured,
    }
    return [_number(found.get(column, np.nan)) for column in FINAL]


def _network(model: Model) -> dict[str, Any]:
    shapes = {name: "×".join(map(str, array.shape)) for name, array in model.arrays.items()}
    architecture: Any = model.architecture
    told = {
        name: getattr(architecture, name)
        for name in ("activation", "final_time")
        if hasattr(architecture, name)
    }
    return {**told, **shapes}


def _pictures(figures: Mapping[str, Figure], captions: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return pictures that the page holds itself by their captions; nothing in them can run or load."""
    captions = captions or {}
    return {
        captions.get(name) or sentence_of(name): base64.b64encode(figure_bytes(figure, "svg")).decode("ascii")
        for name, figure in figures.items()
    }


def _facts(facts: Mapping[str, Any], before: str = "") -> list[tuple[str, str]]:
    """Return nested mappings as pairs of ``outer.inner`` and text."""
    found: list[tuple[str, str]] = []
    for key, value in facts.items():
        if isinstance(value, Mapping):
            found += _facts(value, f"{before}{key}.")
        else:
            found.append((f"{before}{key}", f"{value:g}" if isinstance(value, float) else str(value)))
    return found


def _number(value: float) -> str:
    return f"{value:.6g}" if np.isfinite(value) else ""
