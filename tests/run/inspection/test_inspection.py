"""An inspected model: spectra against dense matrices, models against steps, curves against their meaning."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest
from objective.test_problem import problem, vector
from small_nets import examples, images, trained

from refms.linear.direction import newton_direction
from refms.linear.spectrum import Effort, spectrum_of
from refms.names import BLOCK_NAMES as BLOCKS
from refms.run.config import Configuration
from refms.run.inspection.inspection import (
    CG_ITERATIONS,
    DIRECTION_TOLERANCE,
    in_double,
    inspect,
    residual_curve,
)
from refms.run.inspection.layers import layer_norms
from refms.run.inspection.matrices import matrices_of
from refms.run.inspection.model_quality import STEP_LENGTHS, model_quality
from refms.run.inspection.record import as_arrays, as_json
from refms.run.training import problem_of
from refms.stencils.convolution import Convolution


def dense(product, size):
    return np.stack([product(e) for e in np.eye(size)], axis=1)


@pytest.mark.parametrize("name", BLOCKS)
def test_spectra_of_a_tiny_net_are_those_of_its_dense_matrices(name):
    control, blocks = problem(m=9, opening="learned")
    risk, x = control.block(name, blocks), vector(name, blocks)
    matrices = matrices_of(risk, x)
    full = {kind: dense(product, x.size) for kind, product in matrices.items()}
    assert np.abs(full["hessian"] - full["gauss_newton"] - full["difference"]).max() <= 1e-15
    assert np.linalg.eigvalsh(full["gauss_newton"])[0] >= -1e-14
    for kind, A in full.items():
        seen = spectrum_of(matrices[kind], x, Effort(count=3, steps=10, probes=8))
        exact = np.linalg.eigvalsh(A)
        within, ends = 1e-6 * (exact[-1] - exact[0]) + 1e-15, seen.extremes
        assert abs(ends.smallest[0] - exact[0]) <= within
        assert abs(ends.largest[0] - exact[-1]) <= within
        for values, errors in ((ends.smallest, ends.smallest_error), (ends.largest, ends.largest_error)):
            nearest = np.abs(values[:, None] - exact).min(axis=1)
            assert (nearest <= np.minimum(errors + 1e-14, 1e-4)).all()
        trace = seen.trace()
        assert abs(trace.value - np.trace(A)) <= 5 * trace.error + 1e-14
        low, high = seen.moments.interval
        assert low < exact[0]
        assert exact[-1] < high


def test_the_hessians_model_errs_at_order_three_and_gauss_newtons_at_two():
    control, blocks = problem(m=20)
    risk, x = control.block("propagation", blocks), blocks["propagation"]
    value, g = risk.value_and_gradient(x)
    lengths = 2.0 ** -np.arange(7, 12)
    slopes = {}
    for kind, product in matrices_of(risk, x).items():
        if kind == "difference":
            continue
        p = newton_direction(g, product, max_iterations=4)
        found = model_quality(risk, x, p, value, lengths)
        errors = np.abs(np.array(found.actual) - found.predicted)
        slopes[kind] = np.polyfit(np.log(lengths), np.log(errors), 1)[0]
        assert found.gain_ratios[-1] == pytest.approx(1.0, abs=0.02)
    assert slopes["hessian"] == pytest.approx(3.0, abs=0.1)
    assert slopes["gauss_newton"] == pytest.approx(2.0, abs=0.1)


def test_predictions_are_the_quadratic_model_and_changes_those_of_the_objective():
    control, blocks = problem(m=20)
    risk, x = control.block("joint", blocks), vector("joint", blocks)
    value, g = risk.value_and_gradient(x)
    product = matrices_of(risk, x)["hessian"]
    p = newton_direction(g, product)
    found = model_quality(risk, x, p, value)
    assert found.step_lengths == STEP_LENGTHS
    for length, predicted, actual in zip(found.step_lengths, found.predicted, found.actual, strict=True):
        step = length * p.p
        assert predicted == pytest.approx(g @ step + step @ product(step) / 2, rel=1e-9)
        assert actual == pytest.approx(risk.value(x + step) - value, rel=1e-9, abs=1e-14)


@cache
def inspected(blocks=BLOCKS, **effort):
    model = trained(4)
    data = examples(model, images(count=40))
    ways = {"count": 2, "steps": 6, "probes": 2, **effort}
    return model, data, inspect(model, data, Configuration(), blocks, Effort(**ways))


def test_every_block_and_every_preconditioner_is_looked_at():
    model, data, found = inspected()
    assert list(found) == list(BLOCKS)
    control = problem_of(model, data, Configuration().regularization, Configuration().optimization)
    for name, block in found.items():
        risk = control.block(name, model.blocks)
        x = np.concatenate(list(model.blocks.values())) if name == "joint" else model.blocks[name]
        value, g = risk.value_and_gradient(x)
        assert (block.size, block.objective) == (x.size, value)
        assert block.gradient_norm == pytest.approx(np.linalg.norm(g), rel=1e-14)
        for curve in block.residuals.values():
            assert curve[0] == 1.0
            assert min(curve) < 0.5
        matrices = matrices_of(dataclasses.replace(risk, sample=None), x)
        for method, kind in (("gauss_newton", "gauss_newton"), ("newton", "hessian")):
            p = newton_direction(
                g, matrices[kind], tolerance=DIRECTION_TOLERANCE, max_iterations=CG_ITERATIONS
            )
            expected = [-p.predicted_decrease(length) for length in STEP_LENGTHS]
            assert block.quality[method].predicted == pytest.approx(expected, rel=1e-9)
    choices = {"none", "time", "diagonal", "fine-coordinates"}
    assert set(found["propagation"].residuals) == choices
    assert set(found["classifier"].residuals) == {"none", "smoothness", "diagonal", "block"}
    assert set(found["joint"].residuals) == {"none"}
    assert set(found["propagation"].spectra) == {"gauss_newton", "hessian", "difference"}
    assert set(found["classifier"].spectra) == {"gauss_newton", "hessian"}
    assert found["propagation"].spectra["hessian"].extremes.smallest[0] < 0
    assert found["propagation"].spectra["gauss_newton"].negative().value == 0


def test_fine_coordinates_are_left_out_where_the_pair_cannot_prolong():
    net = trained(4, iterations=1)
    weights = {"transfer_pair": "nearest"}
    configuration = Configuration.from_dict({"regularization": weights, "optimization": {"dtype": "float64"}})
    found = inspect(net, examples(net, images(count=20)), configuration, ("propagation",), Effort(1, 4, 1))
    assert set(found["propagation"].residuals) == {"none", "time", "diagonal"}


def test_the_hessian_sample_is_all_of_the_examples():
    """The extremes are those of the matrix on every example, whatever fraction the training drew."""
    model, data, found = inspected(("propagation",))
    options = dataclasses.replace(Configuration().optimization, hessian_fraction=1.0)
    control = problem_of(model, data, Configuration().regularization, options)
    A = dense(control.block("propagation", model.blocks).curvature(model.blocks["propagation"]), 168)
    exact = np.linalg.eigvalsh(A)
    assert found["propagation"].spectra["gauss_newton"].extremes.largest[0] == pytest.approx(
        exact[-1], rel=1e-9
    )


def test_the_residual_curve_is_that_of_conjugate_gradients():
    control, blocks = problem(m=20)
    risk, x = control.block("classifier", blocks), blocks["classifier"]
    g = risk.value_and_gradient(x)[1]
    A = dense(risk.curvature(x), x.size)
    curve = residual_curve(risk, x, g, lambda v: A @ v)
    p, r, d = np.zeros_like(g), -g, -g  # conjugate gradients, written out
    expected = [1.0]
    for _ in range(4):
        alpha = r @ r / (d @ A @ d)
        p, new = p + alpha * d, r - alpha * (A @ d)
        d, r = new + (new @ new) / (r @ r) * d, new
        expected.append(np.linalg.norm(A @ p + g) / np.linalg.norm(g))
    assert curve[:5] == pytest.approx(expected, rel=1e-8)
    assert residual_curve(risk, x, 0 * g, lambda v: v) == ()


def test_records_hold_the_numbers_under_their_names():
    _, _, found = inspected(("propagation", "classifier"))
    record, arrays = as_json(found), as_arrays(found)
    assert set(record) == {"blocks", "spectra", "cg", "model_quality"}
    assert record["model_quality"]["block"] == "propagation"
    assert set(record["model_quality"]) == {"block", "step_lengths", "gauss_newton", "newton"}
    for name, kinds in record["spectra"].items():
        for kind, one in kinds.items():
            assert {"smallest", "largest", "density"} <= set(one)
            assert {"at", "lanczos", "kpm"} <= set(one["density"])
            assert arrays[f"spectra/{name}/{kind}/density/at"].tolist() == one["density"]["at"]
            assert arrays[f"spectra/{name}/{kind}/smallest"].tolist() == one["smallest"]
            weights, nodes = (arrays[f"spectra/{name}/{kind}/{key}"] for key in ("weights", "nodes"))
            assert weights.shape == nodes.shape == (2, 6)
            assert weights.sum(axis=1) == pytest.approx([1.0, 1.0])
    assert arrays["cg/classifier/diagonal"].tolist() == record["cg"]["classifier"]["diagonal"]["residuals"]
    newton = record["model_quality"]["newton"]
    assert arrays["model_quality/propagation/newton/actual"].tolist() == newton["actual"]


def test_layer_norms_are_those_of_the_explicit_matrices():
    model = trained(4)
    rows = layer_norms(model)
    assert [row["time"] for row in rows] == [0.0, 0.5]
    for k, row in enumerate(rows):
        S = model.arrays["stencils"][k]
        K = Convolution(model.grid, 3, 3).matrix(S).toarray()
        assert row["largest_singular_value"] == pytest.approx(np.linalg.norm(K, 2), rel=1e-12)
        assert row["frobenius_norm"] == pytest.approx(np.linalg.norm(K), rel=1e-12)
        assert row["one_norm"] == pytest.approx(np.linalg.norm(K, 1), rel=1e-12)
        assert row["infinity_norm"] == pytest.approx(np.linalg.norm(K, np.inf), rel=1e-12)
        assert row["stencil_norm"] == pytest.approx(np.linalg.norm(S), rel=1e-14)
        assert row["bias_norm"] == pytest.approx(np.linalg.norm(model.arrays["biases"][k]), rel=1e-14)
    zero = dataclasses.replace(model, architecture=dataclasses.replace(model.architecture, boundary="zero"))
    K = Convolution(model.grid, 3, 3, boundary="zero").matrix(model.arrays["stencils"][0]).toarray()
    assert layer_norms(zero)[0]["largest_singular_value"] is None
    assert layer_norms(zero)[0]["frobenius_norm"] == pytest.approx(np.linalg.norm(K), rel=1e-12)


def test_in_double_changes_no_number():
    single = trained(4, dtype="float32")
    for name, array in in_double(single).arrays.items():
        assert array.dtype == "float64"
        assert np.array_equal(array, single.arrays[name])
