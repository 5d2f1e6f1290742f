"""Typical mistakes are named."""

from __future__ import annotations

import numpy as np
import pytest

from refms.certify.cases import CASES
from refms.exchange import judge


def said(name, array):
    row = judge({name: array}, only=name)[0]
    assert row.verdict == "FAIL"
    return row.sentence


def right_one(right, name):
    return right[f"result/{name}"]


@pytest.mark.parametrize(
    "name",
    [
        "convolution/2d/product",
        "convolution/1d/product",
        "convolution/3d/stencil_gradient",
        "stencils/2d/nearest/down",
        "loss/tame/gradient",
    ],
)
def test_reversed_axes(name, right):
    assert "with its axes reversed" in said(name, right_one(right, name).T)


def test_a_vector_may_be_a_row_or_a_column(right):
    vector = right_one(right, "network/1d/gradient_theta")
    for shape in ((1, 56), (56, 1), (56,)):
        row = judge({"network/1d/gradient_theta": vector.reshape(shape)}, only="network/1d/gradient_theta")[0]
        assert row.verdict == "PASS"


def test_a_transposed_matrix(right):
    name = "conjugate_gradients/iterates"
    assert "transposed" in said(name, right_one(right, name).T)


def test_axes_in_another_order(right):
    name = "convolution/2d/stencil_gradient"
    assert "order (1, 0, 2, 3)" in said(name, right_one(right, name).swapaxes(0, 1))


@pytest.mark.parametrize("name", ["convolution/1d/product", "stencils/3d/averaging-bilinear/up"])
def test_fortran_order(name, right):
    array = right_one(right, name)
    assert "Fortran order" in said(name, array.ravel(order="F").reshape(array.shape))
    assert "Fortran order" in said(name, array.ravel().reshape(array.shape, order="F"))


def test_another_shape(right):
    name = "convolution/1d/product"
    assert "their shape is not: expected (21, 4)" in said(name, right_one(right, name).reshape(3, 7, 4))


def test_the_channel_fastest(right):
    array = right_one(right, "convolution/2d/product")
    turned = array.reshape(4, 42, 1).transpose(1, 0, 2).reshape(168, 1)
    assert "channel fastest" in said("convolution/2d/product", turned)


def test_cells_in_fortran_order(right):
    array = right_one(right, "transfer/2d/averaging-bilinear/restriction")
    turned = array.reshape(2, 4, 3).transpose(0, 2, 1).reshape(24, 1)
    assert "axes of the grid in Fortran order" in said("transfer/2d/averaging-bilinear/restriction", turned)


def test_a_flipped_kernel():
    case = next(case for case in CASES if case.name == "convolution/2d")
    both = case.refms({**case.inputs, "S": case.inputs["S"][:, :, ::-1, ::-1]})
    one = case.refms({**case.inputs, "S": case.inputs["S"][:, :, :, ::-1]})
    assert "kernel flipped on the grid's axes (0, 1)" in said("convolution/2d/product", both["product"])
    assert "kernel flipped on the grid's axes (1,)" in said("convolution/2d/adjoint", one["adjoint"])


def test_a_flipped_gradient(right):
    name = "convolution/2d/stencil_gradient"
    assert "flipped along the axes (2, 3)" in said(name, right_one(right, name)[:, :, ::-1, ::-1])


def test_a_factor(right):
    assert "times 7" in said("loss/tame/gradient", 7 * right_one(right, "loss/tame/gradient"))
    assert "times -1" in said("network/2d/features", -right_one(right, "network/2d/features"))


def test_nothing_is_said_of_noise(right):
    name = "convolution/1d/product"
    noise = np.random.default_rng(0).standard_normal(right_one(right, name).shape)
    assert said(name, noise).startswith("first differs at (0, 0)")
    assert ";" not in said(name, noise)
    assert said(name, np.full((21, 4), np.inf)).startswith("first differs at (0, 0): got inf")


@pytest.mark.parametrize("shape", [(), (0,), (3, 0, 2), (1,) * 20])
def test_foreign_shapes_fail_with_a_sentence(shape):
    assert f"shape {shape} instead of (21, 4)" in said("convolution/1d/product", np.zeros(shape))


@pytest.mark.parametrize("size", [1e300, -1.7e308])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_any_finite_result_is_judged(right, size, dtype):
    results = {name.removeprefix("result/"): np.full(array.shape, size) for name, array in right.items()}
    rows = [row for row in judge(results, dtype) if row.quantity in results]
    assert len(rows) > 100
    assert {row.verdict for row in rows} == {"FAIL"}, [row for row in rows if row.verdict != "FAIL"]


def test_a_factor_is_named_where_products_would_overflow(right):
    name = "convolution/2d/product"
    assert "the expected one times 1e+300" in said(name, right_one(right, name) * 1e300)
