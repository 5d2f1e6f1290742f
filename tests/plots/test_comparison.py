"""Figures of `refms compare`: the numbers of the file, in their place, and a sentence for what is wrong."""

from __future__ import annotations

import numpy as np
import plot_samples
import pytest
from matplotlib.ticker import ScalarFormatter

from refms.errors import InputError
from refms.plots import comparison_figures, figure_bytes
from refms.plots.comparison import MEASURED, OVER


def lines(axes):
    """Return the lines of some axes by label."""
    return {one.get_label(): one.get_xydata() for one in axes.get_lines()}


def test_each_panel_holds_the_columns_of_every_method():
    result = plot_samples.comparison()
    figures = comparison_figures(result)
    assert list(figures) == ["objective", "accuracy", "gradient", "loss"]
    for name, figure in figures.items():
        for axes, over in zip(figure.axes, OVER, strict=True):
            drawn = lines(axes)
            assert list(drawn) == list(result["runs"])
            for method, run in result["runs"].items():
                expected = [run["columns"][over], run["columns"][MEASURED[name][0]]]
                np.testing.assert_array_equal(drawn[method], np.array(expected, dtype=float).T)


def test_axes_say_what_they_are_and_are_logarithmic_where_numbers_span_much():
    figures = comparison_figures(plot_samples.comparison())
    objective, accuracy = figures["objective"].axes, figures["accuracy"].axes
    assert [axes.get_xlabel() for axes in objective] == [
        "iteration",
        "work in forward passes of one image",
        "time in s",
    ]
    assert {axes.get_ylabel() for axes in objective} == {"objective"}
    assert {axes.get_yscale() for axes in objective} == {"log"}
    assert {axes.get_yscale() for axes in accuracy} == {"linear"}
    assert {axes.get_ylabel() for axes in accuracy} == {"validation accuracy"}
    legend = figures["objective"].legends[0]
    assert [text.get_text() for text in legend.get_texts()] == list(plot_samples.comparison()["runs"])


@pytest.mark.parametrize("last", [-1.0, 0.0])
def test_an_objective_that_is_not_positive_stays_on_a_linear_axis(last):
    columns = {"iteration": [1, 2, 3], "objective": [1000.0, 1.0, last]}
    figure = comparison_figures({"kind": "compare", "runs": {"a": {"columns": columns}}})["objective"]
    assert figure.axes[0].get_yscale() == "linear"


def test_work_reads_in_thousands_where_it_is_linear():
    columns = {"iteration": [1, 2], "work_units": [50_000, 100_000], "objective": [2.0, 1.0]}
    figure = comparison_figures({"kind": "compare", "runs": {"a": {"columns": columns}}})["objective"]
    axes = figure.axes[1]
    assert axes.get_xscale() == "linear"
    assert axes.xaxis.get_major_formatter()(50_000) == "50k"
    assert isinstance(figure.axes[0].xaxis.get_major_formatter(), ScalarFormatter)


def test_what_was_not_measured_is_a_gap_or_said():
    columns = {"iteration": [1, 2, 3], "objective": [3.0, None, 1.0], "seconds": None}
    figures = comparison_figures({"kind": "compare", "runs": {"a": {"columns": columns}}})
    assert list(figures) == ["objective", "accuracy"]
    drawn = lines(figures["objective"].axes[0])["a"]
    assert np.isnan(drawn[1, 1])
    assert not np.isnan(drawn[[0, 2]]).any()
    for axes in (figures["objective"].axes[2], *figures["accuracy"].axes):
        assert [text.get_text() for text in axes.texts] == ["not measured"]


def test_a_method_that_broke_down_is_marked():
    run = {**plot_samples.run(0.5), "outcome": {"status": "non_finite", "message": "NaN."}}
    figure = comparison_figures({"kind": "compare", "runs": {"sgd": run}})["objective"]
    assert figure.axes[0].get_lines()[0].get_label() == "sgd (non_finite)"


@pytest.mark.parametrize("runs", [{}, {"a": {}}, {"a": {"columns": {}}}, {"a": {"outcome": None}}], ids=str)
def test_missing_parts_are_no_error(runs):
    for figure in comparison_figures({"kind": "compare", "runs": runs}).values():
        figure_bytes(figure, "svg")


def test_names_of_strangers_are_plain_text():
    figure = comparison_figures(
        {"kind": "compare", "runs": {r"$\frac$ -->&<script>\n" + "\x1b" + "語" * 100: plot_samples.run(0.5)}}
    )["objective"]
    page = figure_bytes(figure, "svg").decode()
    assert "<script>" not in page
    assert "\x1b" not in page


@pytest.mark.parametrize(
    ("result", "sentence"),
    [
        ({"kind": "study"}, "kind 'study'; expected 'compare'"),
        ({}, "kind None; expected 'compare'"),
        ({"kind": "compare", "runs": [1]}, r"runs is \[1\]; expected names"),
        ({"kind": "compare", "runs": {"a": 3}}, "runs.a is 3"),
        ({"kind": "compare", "runs": {"a": {"columns": {"objective": "x"}}}}, "list of numbers"),
        ({"kind": "compare", "runs": {"a": {"columns": {"objective": [True]}}}}, "list of numbers"),
        ({"kind": "compare", "runs": {"a": {"columns": {"x": [1], "y": [1, 2]}}}}, "different lengths"),
    ],
    ids=str,
)
def test_what_is_no_comparison_is_refused(result, sentence):
    with pytest.raises(InputError, match=sentence):
        comparison_figures(result)
