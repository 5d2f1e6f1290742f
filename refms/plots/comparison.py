"""Optimisers side by side: objective, gradient and accuracy over iterations, over work and over seconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from refms.plots.axes import finish, legend, line, panels
from refms.plots.results import RecordedRun, require_kind, runs_of
from refms.plots.style import use_style

OVER = {
    "iteration": "iteration",
    "work_units": "work in forward passes of one image",
    "seconds": "time in s",
}
"""What the horizontal axes are."""

MEASURED = {
    "objective": ("objective", "objective"),
    "accuracy": ("validation_accuracy", "validation accuracy"),
    "gradient": ("gradient_norm", "gradient norm ‖g‖"),
    "loss": ("validation_loss", "validation loss"),
}
"""Figure to its column and the label of the vertical axes."""


def comparison_figures(result: Mapping[str, Any]) -> dict[str, Figure]:
    """Return the figures of a comparison of optimisers.

    Parameters
    ----------
    result : mapping
        As ``refms compare`` writes it: ``kind`` is ``"compare"``, ``runs`` maps methods to mappings with
        ``outcome``, ``notes`` and ``columns``, lists of equal length with None for what was not measured.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``objective`` and ``accuracy``, and ``gradient`` and ``loss`` where they were measured; each with
        three panels: over iterations, work and seconds.

    Raises
    ------
    InputError
        If the result is of another kind or holds what is no number.

    Examples
    --------
    >>> columns = {"iteration": [1, 2], "seconds": [0.1, 0.2], "objective": [2.0, None]}
    >>> result = {"kind": "compare", "runs": {"adam": {"columns": columns}}}
    >>> sorted(comparison_figures(result))
    ['accuracy', 'objective']
    """
    require_kind(result, "compare")
    runs = runs_of(result)
    return {
        name: _over_all(runs, *MEASURED[name])
        for name in MEASURED
        if name in ("objective", "accuracy")
        or any(run.last(MEASURED[name][0]) == run.last(MEASURED[name][0]) for run in runs.values())
    }


@use_style()
def _over_all(runs: Mapping[str, RecordedRun], column: str, label: str) -> Figure:
    figure, axes = panels(1, len(OVER), 3.2, 2.8)
    for i, (method, run) in enumerate(runs.items()):
        said = f"{method} ({run.status})" if run.status == "non_finite" else method
        for one, over in zip(axes[0], OVER, strict=True):
            line(one, run.column(over), run.column(column), i, said)
    for one, (over, words) in zip(axes[0], OVER.items(), strict=True):
        finish(one, words, label, log_x=over != "iteration", log_y=column != "validation_accuracy")
        if over == "iteration":
            one.xaxis.get_major_locator().set_params(integer=True)
    legend(figure, axes[0], "method")
    return figure
