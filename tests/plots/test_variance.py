"""Figures of `refms variance`: what was measured, with its intervals."""

from __future__ import annotations

import numpy as np
import plot_samples
import pytest

from refms.errors import InputError
from refms.plots import figure_bytes, variance_figures


def lines(axes):
    return {line.get_label(): line.get_xydata() for line in axes.get_lines()}


def test_every_figure_of_the_file_is_drawn_with_its_interval():
    result = plot_samples.variance()
    V, pairs, batches = variance_figures(result)["levels"].axes
    np.testing.assert_array_equal(lines(V)["V / v"], [[0, 1.0], [1, 0.1], [2, 0.01]])
    (bars,) = V.collections
    assert [segment.tolist() for segment in bars.get_segments()] == [
        [[level, row["V"][1]], [level, row["V"][2]]] for level, row in enumerate(result["levels"])
    ]
    np.testing.assert_array_equal(lines(pairs)["ρ, correlation"], [[0, 0.8], [1, 0.8], [2, np.nan]])
    np.testing.assert_array_equal(lines(pairs)["β, coefficient"], [[0, 0.7], [1, 0.7], [2, np.nan]])
    np.testing.assert_array_equal(lines(batches)["N given"], [[0, 4], [1, 8], [2, 16]])
    np.testing.assert_array_equal(lines(batches)["N best"], [[0, 5], [1, 10], [2, 20]])


def test_efficiencies_stand_beside_the_line_from_which_meshes_pay():
    (axes,) = variance_figures(plot_samples.variance())["efficiency"].axes
    assert [text.get_text() for text in axes.get_xticklabels()] == ["given", "optimal", "regressed"]
    np.testing.assert_array_equal(lines(axes)["η"][:, 1], [0.8, 1.4, 1.9])
    assert any(set(np.ravel(line.get_ydata())) == {1.0} for line in axes.get_lines())


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "study"},
        {"levels": {}},
        {"levels": [3]},
        {"levels": [{"V": "much"}]},
        {"batches": ["4"]},
        {"efficiency": [1]},
    ],
)
def test_what_is_no_measurement_is_refused(change):
    with pytest.raises(InputError):
        variance_figures(plot_samples.variance() | change)


@pytest.mark.parametrize("levels", [[], [{}], [{"level": None, "V": [1.0]}]])
def test_what_is_missing_is_a_gap(levels):
    for figure in variance_figures({"kind": "variance", "levels": levels}).values():
        assert figure_bytes(figure, "svg")
