"""Figures of `refms inspect`: spectra, residuals, quality as they were measured, on axes that show them."""

from __future__ import annotations

import numpy as np
import plot_samples
import pytest

from refms.errors import InputError
from refms.plots import figure_bytes, inspection_figures


@pytest.fixture(scope="module")
def figures():
    return inspection_figures(plot_samples.inspection())


def by_label(axes):
    return {line.get_label(): line.get_xydata() for line in axes.get_lines()}


def test_densities_and_extreme_eigenvalues_are_those_of_the_file(figures):
    spectra = plot_samples.inspection()["spectra"]
    assert [axes.get_title() for axes in figures["spectra"].axes] == ["propagation", "classifier"]
    drawn = by_label(figures["spectra"].axes[0])
    for matrix in ("gauss_newton", "hessian"):
        found, said = spectra["propagation"][matrix], matrix.replace("_", "–")
        for estimate in ("lanczos", "kpm"):
            expected = np.array([found["density"]["at"], found["density"][estimate]]).T
            np.testing.assert_array_equal(drawn[f"{said}, {estimate}"], expected)
        ends = drawn[f"{said}, extreme eigenvalues"][:, 0]
        np.testing.assert_array_equal(ends, found["smallest"] + found["largest"])


def test_both_signs_and_all_sizes_of_eigenvalues_can_be_seen(figures):
    axes = figures["spectra"].axes[0]
    assert axes.get_xscale() == "symlog"
    assert axes.get_yscale() == "log"
    low, high = axes.get_ylim()
    assert 0 < low < 1e-5 * high
    left, right = axes.get_xlim()
    assert left <= -1
    assert right >= 10
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("eigenvalue λ", "spectral density")


def test_residual_curves_begin_at_iteration_zero_on_a_logarithmic_axis(figures):
    for axes in figures["cg"].axes:
        assert axes.get_yscale() == "log"
        for name, factor in (("none", 0.8), ("diagonal", 0.6)):
            drawn = by_label(axes)[name]
            np.testing.assert_allclose(
                drawn, np.array([np.arange(30), factor ** np.arange(30)]).T, rtol=1e-14
            )


def test_the_quality_of_a_model_shows_its_order(figures):
    changes, ratios, errors = figures["model_quality"].axes
    assert {axes.get_xscale() for axes in (changes, ratios, errors)} == {"log"}
    assert errors.get_yscale() == "log"
    for label, order in (("gauss–newton, actual", 2), ("newton, actual", 3)):
        alpha, error = by_label(errors)[label].T
        slope = np.polyfit(np.log(alpha), np.log(error), 1)[0]
        assert slope == pytest.approx(order, abs=0.01)
        change, predicted = (
            by_label(changes)[name][:, 1] for name in (label, label.replace("actual", "predicted"))
        )
        np.testing.assert_array_equal(by_label(ratios)[label][:, 1], change / predicted)


def test_every_block_that_has_one_shows_the_quality_of_its_models():
    result = plot_samples.inspection()
    other = {"step_lengths": [1.0, 2.0], "newton": {"predicted": [-1.0, -2.0], "actual": [-0.5, 1.0]}}
    result["blocks"] = {
        "joint": {"size": 7, "model_quality": result["model_quality"]},
        "classifier": {"model_quality": other},
        "propagation": {},
    }
    axes = inspection_figures(result)["model_quality"].axes
    assert [one.get_title() for one in axes] == ["", "joint", "", "", "classifier", ""]
    assert by_label(axes[4])["newton, actual"].tolist() == [[1.0, 0.5], [2.0, -0.5]]


@pytest.mark.parametrize("missing", ["spectra", "cg", "model_quality"])
def test_what_was_not_measured_is_not_drawn(missing):
    result = plot_samples.inspection()
    del result[missing]
    assert missing not in inspection_figures(result)


@pytest.mark.parametrize(
    "part",
    [
        {"spectra": {"a": {}}},
        {"spectra": {"a": {"hessian": {"largest": [3.0]}}}},
        {"spectra": {"a": {"hessian": {"density": {"at": [1.0], "lanczos": []}}}}},
        {"cg": {"a": {"none": {}}}},
        {"model_quality": {"step_lengths": [1.0], "newton": {"predicted": [0.0], "actual": [-1.0]}}},
        {"model_quality": {"newton": {}}},
    ],
    ids=str,
)
def test_parts_with_little_in_them_are_drawn_all_the_same(part):
    for figure in inspection_figures({"kind": "inspect", **part}).values():
        figure_bytes(figure)


@pytest.mark.parametrize(
    "result",
    [
        {"kind": "compare"},
        {"kind": "inspect", "cg": 3},
        {"kind": "inspect", "cg": {"a": {"b": {"residuals": 1}}}},
    ],
    ids=str,
)
def test_what_is_no_inspection_is_refused(result):
    with pytest.raises(InputError, match="expected"):
        inspection_figures(result)
