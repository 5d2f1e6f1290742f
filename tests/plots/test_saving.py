"""Figures as bytes: the same twice, and nothing of matplotlib's global state is touched."""

from __future__ import annotations

import json
import subprocess
import sys

import matplotlib
import plot_samples
import pytest
from small_nets import trained

from refms.errors import InputError
from refms.plots import comparison_figures, figure_bytes, inspection_figures, model_figures, study_figures
from refms.plots.activations import synthetic_image


def one_of_each():
    """Return one figure of every kind, made anew."""
    nets = {"coarse": trained(4), "fine": trained(8)}
    disks = {name: synthetic_image("disk", net) for name, net in nets.items()}
    pictures = model_figures(nets, disks)
    return {
        "objective": comparison_figures(plot_samples.comparison())["objective"],
        "final": study_figures(plot_samples.study())["final"],
        "spectra": inspection_figures(plot_samples.inspection())["spectra"],
        **{name: pictures[name] for name in ("history", "stencils", "coarse-against-fine")},
    }


def test_equal_data_give_equal_bytes_without_a_date():
    again = one_of_each()
    for name, figure in one_of_each().items():
        first = figure_bytes(figure)
        assert first == figure_bytes(again[name]), name
        assert b"<dc:date>" not in first


def test_a_figure_can_be_saved_twice():
    figure = comparison_figures(plot_samples.comparison())["objective"]
    assert figure_bytes(figure) == figure_bytes(figure)


@pytest.mark.parametrize("kind", ["png", "pdf"])
def test_the_other_formats_too(kind):
    one, other = (comparison_figures(plot_samples.comparison())["objective"] for _ in range(2))
    first = figure_bytes(one, kind)
    assert first == figure_bytes(other, kind)
    assert first.startswith({"png": b"\x89PNG", "pdf": b"%PDF"}[kind])


def test_an_unknown_format_is_refused():
    with pytest.raises(InputError, match="expected one of 'svg', 'png', 'pdf'"):
        figure_bytes(comparison_figures(plot_samples.comparison())["objective"], "bmp")


def test_settings_are_as_they_were():
    before = dict(matplotlib.rcParams)
    figure_bytes(comparison_figures(plot_samples.comparison())["objective"])
    figure_bytes(model_figures({"net": trained(4)})["weights"])
    assert dict(matplotlib.rcParams) == before


PROGRAM = """
import hashlib, json, sys
sys.path.insert(0, "tests")
import matplotlib
matplotlib.rcParams.update(json.loads(sys.argv[1]))
import plot_samples
from refms.plots import comparison_figures, figure_bytes
figure = comparison_figures(plot_samples.comparison())["objective"]
print(hashlib.sha256(figure_bytes(figure)).hexdigest(), "matplotlib.pyplot" in sys.modules)
"""


def test_settings_of_the_user_and_another_process_change_nothing(pytestconfig):
    said = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM, json.dumps(settings)],
            capture_output=True,
            text=True,
            check=True,
            cwd=pytestconfig.rootpath,
        ).stdout
        for settings in (
            {},
            {"axes.grid": False, "font.size": 20, "svg.fonttype": "none", "xtick.direction": "in"},
        )
    }
    assert len(said) == 1
    assert said.pop().endswith(" False\n")
