"""A run as one HTML page: outcome, final numbers, pictures, configuration, versions and machine."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from refms.model import Model
from refms.plots.pages import escaped, page, table
from refms.plots.results import Run, numbers, part, runs_of
from refms.plots.saving import figure_bytes
from refms.plots.study import value_text

STYLE = """
figure { margin: 1.5rem 0; }
img { display: block; max-width: 100%; height: auto; background: white; }
td { overflow-wrap: anywhere; }
"""

FINAL = {
    "iteration": "iterations",
    "work_units": "work",
    "seconds": "seconds",
    "objective": "objective",
    "gradient_norm": "‖g‖",
    "validation_accuracy": "validation accuracy",
    "validation_loss": "validation loss",
}
"""Column to its heading in the table of final numbers."""


def model_page(models: Mapping[str, Model], figures: Mapping[str, Figure]) -> str:
    """Return the page of some models.

    Parameters
    ----------
    models : mapping of str to Model
        Name to model.
    figures : mapping of str to matplotlib.figure.Figure
        Their pictures by name.

    Returns
    -------
    str
        HTML that loads nothing from elsewhere; texts from files are escaped.
    """
    rows = [
        [key, "×".join(map(str, one.grid.shape)), str(getattr(one.architecture, "layers", "")), *_ends(one)]
        for key, one in models.items()
    ]
    head = ["model", "mesh", "layers", *FINAL.values()]
    body = [*_final(head, rows, models), *_pictures(figures)]
    for key, model in models.items():
        record = dict(model.record)
        body += [f"<h2>{escaped(key)}</h2>", *_facts({"network": _network(model), **record})]
    return page(", ".join(models), body, STYLE, pictures=True)


def result_page(title: str, result: Mapping[str, Any], figures: Mapping[str, Figure]) -> str:
    """Return the page of a result of ``refms compare``, ``study`` or ``inspect``.

    Parameters
    ----------
    title : str
        Heading, such as the name of the file.
    result : mapping
        The result.
    figures : mapping of str to matplotlib.figure.Figure
        Its pictures by name.

    Returns
    -------
    str
        HTML that loads nothing from elsewhere; texts from files are escaped.

    Raises
    ------
    InputError
        If the result holds what is no number where one belongs.
    """
    body = _spectra_table(result) if result.get("kind") == "inspect" else _runs_table(result)
    measured = ("kind", "runs", "spectra", "cg", "model_quality", "blocks", "layers")
    facts = {key: value for key, value in result.items() if key not in measured}
    body += [*_pictures(figures), "<h2>Configuration, versions, machine</h2>", *_facts(facts)]
    return page(title, body, STYLE, pictures=True)


def _runs_table(result: Mapping[str, Any]) -> list[str]:
    runs = runs_of(result)
    study = result.get("kind") == "study"
    first = ["value", "seed"] if study else ["method"]
    rows = []
    for key, run in runs.items():
        named = [value_text(run.value), value_text(run.seed)] if study else [key]
        rows.append([*named, run.status.replace("_", " "), *(_number(run.last(column)) for column in FINAL)])
    lines = table([*first, "outcome", *FINAL.values()], rows, list(FINAL.values()))
    return ["<h2>Outcome</h2>", *lines, *_sentences((key, _said(run)) for key, run in runs.items())]


def _said(run: Run) -> list[str]:
    return [sentence for sentence in (run.message, *run.notes) if sentence]


def _spectra_table(result: Mapping[str, Any]) -> list[str]:
    rows = []
    blocks = part(result, "blocks")
    for block in (spectra := part(result, "spectra")):
        size = str(part(blocks, block, "blocks").get("size", ""))
        for matrix in (matrices := part(spectra, block, "spectra")):
            where = f"spectra.{block}"
            found = part(matrices, matrix, where)
            smallest, largest = (numbers(found, key, f"{where}.{matrix}") for key in ("smallest", "largest"))
            shown = [
                _number(np.nanmin(smallest, initial=np.inf)),
                _number(np.nanmax(largest, initial=-np.inf)),
            ]
            rows.append([block, size, matrix.replace("_", "–"), *shown])
    head = ["block", "rows", "matrix", "smallest eigenvalue", "largest eigenvalue"]
    return ["<h2>Outcome</h2>", *table(head, rows, ["rows", *head[3:]])]


def _final(head: list[str], rows: list[list[str]], models: Mapping[str, Model]) -> list[str]:
    outcomes = (
        (key, [str(part(model.record, "outcome").get("message", ""))]) for key, model in models.items()
    )
    return ["<h2>Outcome</h2>", *table(head, rows, head[1:]), *_sentences(outcomes)]


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


def _sentences(said: Iterable[tuple[str, list[str]]]) -> list[str]:
    """Return what was said of each run as a list, nothing if nothing was."""
    items = [
        f"<li>{escaped(key)}: {escaped(sentence)}</li>"
        for key, sentences in said
        for sentence in sentences
        if sentence
    ]
    return ["<ul>", *items, "</ul>"] if items else []


def _pictures(figures: Mapping[str, Figure]) -> list[str]:
    """Return the figures as pictures that the page holds itself; nothing in them can run or load."""
    lines = ["<h2>Pictures</h2>"] if figures else []
    for name, figure in figures.items():
        data = base64.b64encode(figure_bytes(figure, "svg")).decode("ascii")
        title = escaped(name.replace("_", " ").replace("-", " "))
        lines += [
            "<figure>",
            f'<img alt="{title}" src="data:image/svg+xml;base64,{data}">',
            f"<figcaption>{title}</figcaption>",
            "</figure>",
        ]
    return lines


def _facts(facts: Mapping[str, Any]) -> list[str]:
    return table(["what", "is"], ([key, _text(value)] for key, value in _flat(facts)))


def _flat(facts: Mapping[str, Any], before: str = "") -> Iterable[tuple[str, Any]]:
    """Return nested mappings as pairs of ``outer.inner`` and value."""
    for key, value in facts.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _number(value: float) -> str:
    return f"{value:.6g}" if np.isfinite(value) else ""
