"""The history of a training: every step of every block, at its place within its iteration."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from refms.errors import Array
from refms.optimize.history import History
from refms.plots.axes import finish, legend, line, panels
from refms.plots.style import use_style

_PANELS = {
    "objective": "objective",
    "gradient_norm": "gradient norm ‖g‖",
    "validation_accuracy": "validation accuracy",
    "cg_iterations": "CG iterations",
    "step_length": "step length α",
}
"""Column to the label of its axis."""

_OF_ALL = ("objective", "validation_accuracy")
"""What belongs to all blocks together."""

_LINEAR = ("validation_accuracy", "cg_iterations", "step_length")


def step_places(history: History) -> Array:
    """Return where the steps of a run stand on an axis of iterations.

    The steps of iteration i are spread evenly over (i − 1, i], so that the last one stands at i.

    Examples
    --------
    >>> from refms.optimize.history import HistoryRow
    >>> row = HistoryRow(1, "theta", "accepted", 2.0, 1.5, 0.1, 7, 0.01, "converged", 1.0, 2, 0.0, 0.5)
    >>> step_places(History((row, row))).tolist()
    [0.5, 1.0]
    """
    total = Counter(row.iteration for row in history)
    done: Counter[int] = Counter()
    places = []
    for row in history:
        done[row.iteration] += 1
        places.append(row.iteration - 1 + done[row.iteration] / total[row.iteration])
    return np.array(places)


@use_style()
def history_figure(histories: Mapping[str, History]) -> Figure:
    """Return the histories of some runs as one figure.

    Five panels over iterations: objective after each step, validation accuracy, and for each block
    gradient norm where its steps began, CG iterations and step length.

    Examples
    --------
    >>> len(history_figure({"empty": History()}).axes)
    5
    """
    figure, axes = panels(len(_PANELS), 1, 6.4, 1.7, sharex=True)
    drawn = 0
    for run, history in histories.items():
        before = "" if len(histories) == 1 else f"{run}, "
        blocks = list(dict.fromkeys(row.block for row in history))
        places = step_places(history)
        for one, column in zip(axes[:, 0], _PANELS, strict=True):
            values = _column(history, column)
            known = ~np.isnan(values)
            if column in _OF_ALL:
                line(one, places[known], values[known], drawn, f"{before}all blocks")
                continue
            for j, block in enumerate(blocks, drawn + 1):
                mine = known & np.array([row.block == block for row in history])
                line(one, places[mine], values[mine], j, f"{before}{block}")
        drawn += 1 + len(blocks)
    for one, (column, label) in zip(axes[:, 0], _PANELS.items(), strict=True):
        finish(one, "iteration" if column == "step_length" else "", label, log_y=column not in _LINEAR)
    axes[-1, 0].xaxis.get_major_locator().set_params(integer=True)
    legend(figure, axes[:, 0])
    return figure


def _column(history: History, column: str) -> Array:
    if column == "validation_accuracy":
        return np.array([row.extra.get(column, np.nan) for row in history], dtype=float)
    return np.array([getattr(row, column) for row in history], dtype=float)
