"""What `refms variance` measured: variances and coefficients of the levels, batches, efficiency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from refms.errors import Array, InputError
from refms.plots.axes import finish, legend, panels
from refms.plots.results import numbers, part, require_kind
from refms.plots.style import look, use_style

EFFICIENCIES = ("given", "optimal", "regressed")


def variance_figures(result: Mapping[str, Any]) -> dict[str, Figure]:
    """Return the figures of a measurement of variances.

    Parameters
    ----------
    result : mapping
        As ``refms variance --json`` writes it: ``kind`` is ``"variance"``; ``levels`` is a list of mappings
        with ``level``, ``batch``, and ``V`` (V_l/v), ``rho`` and ``beta`` as [value, low, high]; ``batches``
        are the given N_l; ``efficiency`` maps ``given``, ``optimal`` and ``regressed`` to [η, low, high].

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``levels``: V_l/v, ρ_l and β_l, and both kinds of batches over the level; ``efficiency``: η with the
        line η = 1 above which several meshes pay. Bars are the intervals of the file.

    Raises
    ------
    InputError
        If the result is of another kind or holds what is no number.

    Examples
    --------
    >>> one = {"level": 0, "batch": 3, "V": [1.0, 0.9, 1.1]}
    >>> sorted(variance_figures({"kind": "variance", "levels": [one], "batches": [3]}))
    ['efficiency', 'levels']
    """
    require_kind(result, "variance")
    rows = result.get("levels")
    if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
        raise InputError("levels is no list of names and values; expected what refms variance wrote.")
    return {
        "levels": _levels(rows, numbers(result, "batches", "")),
        "efficiency": _efficiency(part(result, "efficiency")),
    }


@use_style()
def _levels(rows: Sequence[Mapping[str, Any]], given: Array) -> Figure:
    figure, axes = panels(1, 3, 3.2, 2.8)
    at, best = (numbers({key: [row.get(key) for row in rows]}, key, "levels") for key in ("level", "batch"))
    _bars(axes[0, 0], at, [_interval(row, "V", i) for i, row in enumerate(rows)], 0, "V / v")
    for i, (name, label) in enumerate((("rho", "ρ, correlation"), ("beta", "β, coefficient"))):
        _bars(axes[0, 1], at, [_interval(row, name, j) for j, row in enumerate(rows)], i + 1, label)
    axes[0, 2].plot(at[: given.size], given[: at.size], label="N given", **look(3))
    axes[0, 2].plot(at, best, label="N best", **look(4))
    finish(axes[0, 0], "level l", "variance of a term over that of g₀")
    finish(axes[0, 1], "level l", "of gₗ and gₗ₊₁", log_y=False)
    finish(axes[0, 2], "level l", "examples of a batch")
    for one in axes[0]:
        one.set_xticks(at[np.isfinite(at)])
    legend(figure, axes[0])
    return figure


@use_style()
def _efficiency(found: Mapping[str, Any]) -> Figure:
    figure, axes = panels(1, 1, 4.2, 2.6)
    one = axes[0, 0]
    measured = [name for name in EFFICIENCIES if name in found]
    bars = [_interval(found, name, name) for name in measured]
    _bars(one, np.arange(len(measured), dtype=float), bars, 0, "η")
    one.axhline(1.0, color="0.5", linewidth=0.8, linestyle=":")
    finish(one, "batches and coefficients", "efficiency η against single scale", log_y=False)
    one.set_xticks(range(len(measured)), measured)
    return figure


def _bars(axes: Axes, at: Array, figures: Sequence[Array], i: int, label: str) -> None:
    """Draw figures with their intervals; those that were not measured leave a gap."""
    value, low, high = np.array(figures).reshape(-1, 3).T
    axes.plot(at, value, label=label, **look(i))
    axes.vlines(at, low, high, color=look(i)["color"], linewidth=1.2)


def _interval(row: Mapping[str, Any], name: str, where: object) -> Array:
    found = numbers(row, name, f"levels.{where}")
    return found if found.size == 3 else np.full(3, np.nan)
