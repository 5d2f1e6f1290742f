"""A study of one parameter: where the runs end against its value, and how they get there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from refms.errors import Array
from refms.plots.axes import finish, legend, name, panels
from refms.plots.comparison import OVER
from refms.plots.results import RecordedRun, require_kind, runs_of
from refms.plots.style import SEQUENTIAL, colour, use_style

MEASURED = {"objective": "objective", "validation_accuracy": "validation accuracy"}
"""Column to the label of its axis."""


def study_figures(result: Mapping[str, Any]) -> dict[str, Figure]:
    """Return the figures of a study of one parameter.

    Parameters
    ----------
    result : mapping
        ``kind`` is ``"study"``, ``parameter`` its name, ``runs`` maps to runs as those of a comparison, each
        with the ``value`` of the parameter and a ``seed``.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``final``: last objective and accuracy against the value, a point for each seed and a line through
        their means; ``curves``: both over iterations and over work, coloured by value.

    Raises
    ------
    InputError
        If the result is of another kind or holds what is no number.

    Examples
    --------
    >>> run = {"value": 0.1, "seed": 0, "columns": {"iteration": [1, 2], "objective": [2.0, 1.0]}}
    >>> found = study_figures({"kind": "study", "parameter": "optimization.damping", "runs": {"a": run}})
    >>> found["final"].axes[0].get_xlabel()
    'optimization.damping'
    """
    require_kind(result, "study")
    parameter = name(result.get("parameter", "parameter"))
    grouped: dict[str, list[RecordedRun]] = {}
    runs = list(runs_of(result).values())
    for run in sorted(runs, key=_order):
        grouped.setdefault(value_text(run.value), []).append(run)
    return {"final": _final(grouped, parameter), "curves": _curves(grouped, parameter)}


def value_text(value: Any) -> str:
    """Return the value of a parameter as a label.

    Examples
    --------
    >>> value_text(0.005), value_text("joint"), value_text(None)
    ('0.005', 'joint', 'none')
    """
    if value is None:
        return "none"
    return f"{value:g}" if _is_number(value) and abs(value) < 1e15 else name(value)


@use_style()
def _final(grouped: Mapping[str, list[RecordedRun]], parameter: str) -> Figure:
    figure, axes = panels(1, len(MEASURED), 3.4, 2.8)
    places = _places(grouped)
    for i, (one, (column, label)) in enumerate(zip(axes[0], MEASURED.items(), strict=True)):
        ends = [np.array([run.last(column) for run in runs]) for runs in grouped.values()]
        means = [float(np.mean(end[~np.isnan(end)])) if (~np.isnan(end)).any() else np.nan for end in ends]
        one.plot(places, means, color=colour(i), zorder=1)
        for place, end in zip(places, ends, strict=True):
            one.plot(np.full(len(end), place), end, color=colour(i), marker="o", linestyle="none")
        finish(one, parameter, f"last {label}", log_x=_are_numbers(grouped), log_y=column == "objective")
        if not _are_numbers(grouped):
            one.set_xticks(places, list(grouped))
    return figure


@use_style()
def _curves(grouped: Mapping[str, list[RecordedRun]], parameter: str) -> Figure:
    over = ("iteration", "work_units")
    figure, axes = panels(len(MEASURED), len(over), 3.4, 2.5)
    shades = matplotlib.colormaps[SEQUENTIAL](np.linspace(0.0, 0.9, len(grouped)))
    for row, (column, label) in zip(axes, MEASURED.items(), strict=True):
        for one, horizontal in zip(row, over, strict=True):
            _by_value(one, grouped, horizontal, column, shades)
            finish(one, OVER[horizontal], label, log_y=column == "objective")
    legend(figure, axes.flat, parameter.rpartition(".")[2])
    return figure


def _by_value(
    axes: Axes, grouped: Mapping[str, list[RecordedRun]], horizontal: str, column: str, shades: Array
) -> None:
    for (value, runs), shade in zip(grouped.items(), shades, strict=True):
        for run in runs:
            axes.plot(run.column(horizontal), run.column(column), color=shade, label=value)


def _places(grouped: Mapping[str, list[RecordedRun]]) -> list[float]:
    """Return where the values stand: at themselves, or in their order where they are no numbers."""
    if _are_numbers(grouped):
        return [float(runs[0].value) for runs in grouped.values()]
    return [float(i) for i in range(len(grouped))]


def _are_numbers(grouped: Mapping[str, list[RecordedRun]]) -> bool:
    return all(_is_number(run.value) for runs in grouped.values() for run in runs)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def _order(run: RecordedRun) -> tuple[bool, float, str]:
    number = _is_number(run.value)
    return (not number, float(run.value) if number else 0.0, value_text(run.value))
