"""What `refms inspect` measured: spectra of curvature, residuals of CG, quality of the models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from refms.errors import Array
from refms.plots.axes import finish, largest, legend, line, name, panels
from refms.plots.results import numbers, part, require_kind
from refms.plots.style import colour, use_style

MATRICES = ("gauss_newton", "hessian", "difference")
ESTIMATES = {"lanczos": "-", "kpm": "--"}
LINEAR_SHARE = 1e-3
"""Eigenvalues below this share of the largest are on a linear axis, those above on a logarithmic one."""

GAIN_RATIOS = (-1.0, 2.0)
"""Gain ratios outside are not shown."""

DEPTH = 1e-6
"""Densities below this share of the largest are not shown."""


def inspection_figures(result: Mapping[str, Any]) -> dict[str, Figure]:
    """Return the figures of an inspection of a model's curvature.

    Parameters
    ----------
    result : mapping
        As ``refms inspect`` writes it: ``kind`` is ``"inspect"``; ``spectra`` maps blocks to matrices to
        ``smallest``, ``largest`` and ``density`` (``at``, ``lanczos``, ``kpm``); ``cg`` maps blocks to
        preconditioners to ``residuals``; ``model_quality`` has ``step_lengths`` and for ``gauss_newton`` and
        ``newton`` what was ``predicted`` and ``actual``. Where ``blocks`` maps blocks to mappings with a
        ``model_quality`` of their own, these are drawn.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``spectra``, ``cg`` and ``model_quality``, as far as they were measured.

    Raises
    ------
    InputError
        If the result is of another kind or holds what is no number.

    Examples
    --------
    >>> result = {"kind": "inspect", "cg": {"propagation": {"none": {"residuals": [1.0, 0.5]}}}}
    >>> list(inspection_figures(result))
    ['cg']
    """
    require_kind(result, "inspect")
    drawn = {"spectra": _spectra, "cg": _residuals}
    figures = {key: draw(part(result, key)) for key, draw in drawn.items() if part(result, key)}
    if qualities := _qualities(result):
        figures["model_quality"] = _model_quality(qualities)
    return figures


def _qualities(result: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the model quality of every block that has one, or the only one without a name."""
    blocks = part(result, "blocks")
    found = {key: part(part(blocks, key, "blocks"), "model_quality", f"blocks.{key}") for key in blocks}
    found = {key: quality for key, quality in found.items() if quality}
    alone = part(result, "model_quality")
    return found or ({"": alone} if alone else {})


@use_style()
def _spectra(spectra: Mapping[str, Any]) -> Figure:
    figure, axes = panels(len(spectra), 1, 7.6, 2.6)
    for one, block in zip(axes[:, 0], spectra, strict=True):
        where = f"spectra.{block}"
        matrices = part(spectra, block, "spectra")
        for i, matrix in enumerate(sorted(matrices, key=_place)):
            _spectrum(one, part(matrices, matrix, where), i, matrix, f"{where}.{matrix}")
        _scale_spectrum(one)
        finish(one, "eigenvalue λ", "spectral density", log_y=False)
        one.set_title(name(block))
    legend(figure, axes[:, 0], "matrix, estimate")
    return figure


def _spectrum(axes: Axes, found: Mapping[str, Any], i: int, matrix: str, where: str) -> None:
    """Draw the estimates of a density, and the extreme eigenvalues as ticks above the axis."""
    density = part(found, "density", where)
    at = numbers(density, "at", f"{where}.density")
    for estimate, dashes in ESTIMATES.items():
        values = numbers(density, estimate, f"{where}.density")
        if values.size and values.size == at.size:
            label = f"{matrix.replace('_', '–')}, {estimate}"
            line(axes, at, values, i, label, linestyle=dashes, marker="none", linewidth=_width(i))
    ends = np.concatenate([numbers(found, key, where) for key in ("smallest", "largest")])
    if ends.size:
        height = np.full(ends.size, 0.03 + 0.05 * i)
        axes.plot(
            ends,
            height,
            color=colour(i),
            marker="|",
            markersize=7,
            linestyle="none",
            label=f"{matrix.replace('_', '–')}, extreme eigenvalues",
            transform=axes.get_xaxis_transform(),
        )


def _scale_spectrum(axes: Axes) -> None:
    curves = [one for one in axes.get_lines() if one.get_transform() is axes.transData]
    reach = largest([np.asarray(one.get_xdata(), dtype=float) for one in axes.get_lines()])
    height = largest([np.asarray(one.get_ydata(), dtype=float) for one in curves])
    if reach:
        axes.set_xscale("symlog", linthresh=10.0 ** np.floor(np.log10(LINEAR_SHARE * reach)))
    if height:
        axes.set_yscale("log")
        axes.set_ylim(DEPTH * height, 2.0 * height)


@use_style()
def _residuals(curves: Mapping[str, Any]) -> Figure:
    figure, axes = panels(1, len(curves), 3.4, 2.8)
    names = list(dict.fromkeys(key for block in curves for key in part(curves, block, "cg")))
    for one, block in zip(axes[0], curves, strict=True):
        found = part(curves, block, "cg")
        for key in found:
            where = f"cg.{block}.{key}"
            residuals = numbers(part(found, key, f"cg.{block}"), "residuals", where)
            line(one, np.arange(residuals.size), residuals, names.index(key), key)
        finish(one, "CG iteration", "relative residual ‖Hp + g‖ / ‖g‖")
        one.set_title(name(block))
    legend(figure, axes[0], "preconditioner")
    return figure


@use_style()
def _model_quality(qualities: Mapping[str, Mapping[str, Any]]) -> Figure:
    figure, axes = panels(len(qualities), 3, 3.2, 2.6)
    for row, (block, quality) in zip(axes, qualities.items(), strict=True):
        _quality_of_block(row, quality, f"{block}.model_quality".removeprefix("."))
        words = "step length α"
        finish(row[0], words, "change of the objective", log_x=True, log_y=False)
        finish(row[1], words, "gain ratio, actual / predicted", log_x=True, log_y=False)
        finish(row[2], words, "|actual − predicted|", log_x=True)
        low, high = row[1].get_ylim()  # far out where the predicted change is almost 0
        row[1].set_ylim(max(low, GAIN_RATIOS[0]), min(high, GAIN_RATIOS[1]))
        row[1].set_title(name(block))
    legend(figure, axes[:, 0])
    return figure


def _quality_of_block(axes: Any, quality: Mapping[str, Any], where: str) -> None:
    """Draw the changes of the objective, the gain ratio and the error of each model."""
    alpha = numbers(quality, "step_lengths", where)
    models = [key for key in quality if isinstance(quality[key], Mapping)]
    for i, model in enumerate(models):
        predicted, actual = (
            numbers(quality[model], key, f"{where}.{model}") for key in ("predicted", "actual")
        )
        if not alpha.size == predicted.size == actual.size:
            continue
        label = model.replace("_", "–")
        said, look = f"{label}, actual", {"linewidth": _width(i), "markersize": 2 + 2 * _width(i)}
        line(axes[0], alpha, actual, i, said, **look)
        line(axes[0], alpha, predicted, i, f"{label}, predicted", linestyle="--", **look)
        line(axes[1], alpha, _ratio(actual, predicted), i, said, **look)
        line(axes[2], alpha, abs(actual - predicted), i, said, **look)


def _width(i: int) -> float:
    """Return a width that leaves the i-th line to be seen below those that are drawn later and are equal."""
    return 2.6 / (i + 1)


def _ratio(actual: Array, predicted: Array) -> Array:
    """Return the gain ratio, NaN where the model predicts no change."""
    safe = np.where(predicted == 0, np.nan, predicted)
    ratio: Array = actual / safe
    return ratio


def _place(matrix: str) -> tuple[int, str]:
    return (MATRICES.index(matrix) if matrix in MATRICES else len(MATRICES), matrix)
