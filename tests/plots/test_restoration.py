"""Pictures of restored images: each in its place and its colours, and gaps where the mesh changes."""

from __future__ import annotations

import numpy as np

from refms.grid import Grid
from refms.optimize.history import History, HistoryRow
from refms.plots.restoration import Restored, as_picture, restoration_figure, restored_figure

GRID = Grid((4, 6))


def test_inputs_outputs_and_targets_stand_one_below_the_other():
    rng = np.random.default_rng(0)
    columns = [rng.uniform(-1.5, 1.5, (3 * GRID.cells, 9)) for _ in range(3)]
    figure = restored_figure(Restored(GRID, *columns))
    pictures = [axes.get_images()[0].get_array() for axes in figure.axes]
    shown = [0, 2, 3, 5, 6, 8]
    expected = [as_picture(rows[:, j], GRID) for rows in columns for j in shown]
    for picture, values in zip(pictures, expected, strict=True):
        np.testing.assert_array_equal(picture, values)
    square = ((columns[1][:, 2] - columns[2][:, 2]) ** 2).mean()
    assert figure.axes[7].get_title() == f"{10 * np.log10(4 / square):.1f} dB"


def test_an_image_is_clipped_and_has_its_channels_last():
    column = np.concatenate([np.full(GRID.cells, value) for value in (-2.0, 0.0, 1.0)])
    picture = as_picture(column, GRID)
    assert picture.shape == (4, 6, 3)
    assert picture[0, 0].tolist() == [0.0, 0.5, 1.0]
    assert as_picture(column[: GRID.cells], GRID).shape == (4, 6)


def test_lines_break_where_the_mesh_changes():
    def row(k, level):
        extra = {"paper_units": 10.0 * k, "level": level, "validation_loss": 1.0 / k, "psnr": 10.0 + k}
        numbers = (k, "network", "accepted", 1.0, 1.0 / k, 0.0, 0, 0.0, "", 0.1, 1, 30.0 * k, 0.1)
        return HistoryRow(*numbers, extra)

    figure = restoration_figure({"run": History((row(1, 1), row(2, 1), row(3, 0), row(4, 0)))})
    (drawn,) = figure.axes[1].get_lines()
    np.testing.assert_array_equal(drawn.get_ydata(), [1, 1 / 2, np.nan, 1 / 3, 1 / 4])
    np.testing.assert_array_equal(drawn.get_xdata(), [10, 20, 20, 30, 40])
