"""Figures of `refms study`: ends against the value, curves in the order of the values."""

from __future__ import annotations

import matplotlib
import numpy as np
import plot_samples
import pytest

from refms.errors import InputError
from refms.plots import figure_bytes, study_figures


def test_ends_stand_at_their_value_and_the_line_goes_through_the_means():
    result = plot_samples.study()
    figure = study_figures(result)["final"]
    for axes, column in zip(figure.axes, ("objective", "validation_accuracy"), strict=True):
        assert axes.get_xlabel() == "optimization.hessian_fraction"
        assert axes.get_xscale() == "log"
        mean, *points = (line.get_xydata() for line in axes.get_lines())
        for value, centre, seeds in zip((0.005, 0.1, 1.0), mean, points, strict=True):
            ends = [result["runs"][f"{value}|{seed}"]["columns"][column][-1] for seed in (0, 1)]
            np.testing.assert_array_equal(seeds, [[value, end] for end in ends])
            np.testing.assert_allclose(centre, [value, np.mean(ends)], rtol=1e-15)


def test_curves_are_coloured_in_the_order_of_the_values():
    result = plot_samples.study()
    result["runs"] = dict(reversed(result["runs"].items()))
    figure = study_figures(result)["curves"]
    assert len(figure.axes) == 4
    lines = figure.axes[0].get_lines()
    assert [line.get_label() for line in lines] == ["0.005", "0.005", "0.1", "0.1", "1", "1"]
    shades = matplotlib.colormaps["viridis"](np.linspace(0, 0.9, 3))
    np.testing.assert_array_equal([line.get_color() for line in lines], shades[[0, 0, 1, 1, 2, 2]])
    for line in lines[:2]:
        names = ["0.005|0", "0.005|1"]
        assert line.get_ydata().tolist() in [result["runs"][name]["columns"]["objective"] for name in names]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["0.005", "0.1", "1"]
    assert figure.axes[3].get_xlabel() == "work in forward passes of one image"


def test_values_that_are_no_numbers_stand_side_by_side():
    values = {"a": "none", "b": "diagonal", "c": None}
    runs = {name: {"value": value, **plot_samples.run(0.5)} for name, value in values.items()}
    figure = study_figures({"kind": "study", "parameter": "preconditioner", "runs": runs})["final"]
    axes = figure.axes[0]
    assert [text.get_text() for text in axes.get_xticklabels()] == ["diagonal", "none"]
    assert axes.get_xscale() == "linear"
    figure_bytes(figure)


def test_runs_without_numbers_are_left_out_of_the_mean():
    runs = {
        "a": {"value": 1, "columns": {"iteration": [1], "objective": [None]}},
        "b": {"value": 1, "columns": {"iteration": [1], "objective": [3.0]}},
        "c": {"value": 2, "columns": {}},
    }
    figure = study_figures({"kind": "study", "runs": runs})["final"]
    mean = figure.axes[0].get_lines()[0].get_xydata()
    assert mean[0].tolist() == [1.0, 3.0]
    assert np.isnan(mean[1, 1])
    figure_bytes(figure)


def test_another_kind_is_refused():
    with pytest.raises(InputError, match="expected 'study'"):
        study_figures(plot_samples.comparison())
