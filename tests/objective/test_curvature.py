"""The full Hessian of a block: against the gradient, the Gauss–Newton matrix, and itself in other orders."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from objective.test_problem import cases, problem, risk_at_point, vector
from objective.test_workers import whole_problem
from small_problems import dense
from test_parallel import Threads

from refms.checks import adjoint_test, complex_step_test, taylor_test
from refms.errors import InputError
from refms.grid import Grid
from refms.maps.architectures.architecture import free_map
from refms.maps.architectures.residual import Residual
from refms.maps.chain import chain
from refms.maps.parameters import frozen
from refms.names import BLOCK_NAMES as BLOCKS
from refms.objective.batches import FEW_COLUMNS
from refms.objective.classifier import Classifier
from refms.objective.examples import Examples
from refms.objective.losses import softmax
from refms.objective.regularizers import tikhonov_regularizer
from refms.objective.risk import EmpiricalRisk
from refms.objective.workers import Workers


def both(control, name, blocks):
    """The Gauss–Newton and the Hessian product of a block at its point."""
    f, x = control.block(name, blocks), vector(name, blocks)
    G, H = (dataclasses.replace(f, second_order=second).curvature(x) for second in (False, True))
    return G, H, x


@cases
def test_the_hessian_product_is_the_complex_step_of_the_gradient(name, opening):
    f, x, v = risk_at_point(name, 1, opening=opening, second_order=True)
    report = complex_step_test(lambda z: f.value_and_gradient(z)[1], x, v, jvp=f.curvature(x)(v))
    assert report.passed, str(report)


@cases
def test_taylor_remainders_fall_at_order_three(name, opening):
    f, x, v = risk_at_point(name, 2, opening=opening, second_order=True)
    g = f.value_and_gradient(x)[1]
    step = 4.0 if name != "propagation" else 0.5
    report = taylor_test(f.value, x, v, gradient=g, hessian_product=f.curvature(x)(v), largest_step=step)
    assert report.passed, str(report)
    if name != "classifier":  # the test can tell: the Gauss–Newton matrix is another one
        other = dataclasses.replace(f, second_order=False).curvature(x)(v)
        assert not taylor_test(f.value, x, v, gradient=g, hessian_product=other, largest_step=step).passed


@cases
def test_the_hessian_is_symmetric_and_the_gradients_differences_make_it(name, opening):
    f, x, _ = risk_at_point(name, 0, opening=opening, second_order=True)
    product = f.curvature(x)
    assert adjoint_test(product, product, x.shape, x.shape).passed
    H = dense(product, x.size)
    assert np.abs(H - H.T).max() <= 1e-14 * np.abs(H).max()

    def complex_gradient(e):
        return f.value_and_gradient(x + 1e-30j * e)[1].imag / 1e-30

    assert np.abs(H - dense(complex_gradient, x.size)).max() <= 1e-13 * np.abs(H).max()


def test_the_hessian_is_indefinite_where_gauss_newton_is_not():
    control, blocks = problem(weights=(0.0, 0.0))
    G, H, x = both(control, "joint", blocks)
    lowest = [np.linalg.eigvalsh(dense(A, x.size))[0] for A in (G, H)]
    assert lowest[0] >= -1e-14
    assert lowest[1] < -1e-3


def test_without_residuals_the_hessian_is_gauss_newtons():
    """Labels that are the probabilities themselves leave ∇E = 0, so D(Jᵀ) has nothing to act on."""
    control, blocks = problem(opening="learned")
    Y = control.blocks["propagation"].map.apply(blocks["propagation"], control.examples.inputs)
    C = softmax(control.blocks["classifier"].map.apply(blocks["classifier"], Y))
    control = dataclasses.replace(control, examples=Examples(control.examples.inputs, C))
    for name in BLOCKS:
        G, H, x = both(control, name, blocks)
        v = np.random.default_rng(3).standard_normal(x.shape)
        assert np.abs(H(v) - G(v)).max() <= 1e-14 * np.abs(G(v)).max()


def of_network(blockwise, seed=4, **options):
    """The risk of a network of any kind with a frozen classifier, at a random point."""
    net = Residual(Grid((3, 4)), 2, **options)
    rng = np.random.default_rng(seed)
    classifier = Classifier(net.grid, 2, 3)
    map_ = free_map(net, net.initial(seed))
    omega = 3 * rng.standard_normal(classifier.layout.size)
    whole = chain(("network", map_), ("classifier", frozen(classifier.map, omega)))
    data = Examples(rng.standard_normal((12, 7)), np.eye(3)[:, rng.integers(0, 3, 7)])
    none = tikhonov_regularizer(map_.layout.size, 0.0)
    risk = EmpiricalRisk(whole, data, none, **blockwise)
    return risk, rng.standard_normal(map_.layout.size), rng.standard_normal(map_.layout.size)


@pytest.mark.parametrize(
    "options",
    [{"layers": 1, "activation": "identity"}, {"layers": 2, "final_time": 0.0, "opening": "learned"}],
    ids=["one layer without activation", "T = 0"],
)
def test_maps_linear_in_their_parameters_have_the_gauss_newton_matrix_as_hessian(options):
    f, x, v = of_network({}, **options)
    h = dataclasses.replace(f, second_order=True)
    assert np.abs(f.curvature(x)(v)).max() > 1e-3
    np.testing.assert_allclose(h.curvature(x)(v), f.curvature(x)(v), rtol=1e-13, atol=1e-16)


def test_the_classifier_alone_has_the_gauss_newton_matrix_as_hessian():
    control, blocks = problem()
    G, H, x = both(control, "classifier", blocks)
    v = np.random.default_rng(5).standard_normal(x.shape)
    np.testing.assert_allclose(H(v), G(v), rtol=1e-13, atol=1e-16)
    assert not dataclasses.replace(control, second_order=True).block("classifier", blocks).second_order


@pytest.mark.parametrize("activation", ["relu", "leaky_relu", "smoothed_relu", "tanh"])
def test_kinked_activations_have_the_hessian_of_their_smooth_pieces(activation):
    f, x, v = of_network({"second_order": True}, activation=activation, layers=3, opening="learned")
    t = 1e-7
    plus, minus = (f.value_and_gradient(x + s * v)[1] for s in (t, -t))
    Hv = f.curvature(x)(v)
    assert np.linalg.norm((plus - minus) / (2 * t) - Hv) <= 1e-6 * np.linalg.norm(Hv)


@pytest.mark.parametrize("size", [2, 3])
def test_processes_do_not_change_a_bit_of_the_hessian(size):
    def product(workers):
        control, blocks = whole_problem(second_order=True, workers=workers)
        x = blocks["propagation"]
        v = np.random.default_rng(9).standard_normal(x.shape)
        return control.block("propagation", blocks).curvature(x)(v)

    alone = product(Workers())
    for one in Threads(size).work(lambda member: product(Workers(member))):
        np.testing.assert_array_equal(one, alone)


def test_batches_do_not_change_the_hessian_beyond_round_off():
    f, x, v = risk_at_point("propagation", 8, m=400, second_order=True)
    narrow = dataclasses.replace(f, memory=2 * 2 * f.map.stored * 8 * 5)
    found, expected = narrow.curvature(x)(v), f.curvature(x)(v)
    assert np.abs(found - expected).max() <= 1e-13 * np.abs(expected).max()
    assert not np.array_equal(found, expected)  # other batches were taken


def test_checkpoints_are_taken_where_the_budget_is_short_and_change_no_bit():
    f, x, v = of_network({}, layers=64, final_time=1.3)
    f = dataclasses.replace(f, examples=f.examples.take(np.arange(2)))
    budget = 2 * 2 * f.map.stored * 8 * FEW_COLUMNS
    roomy, short = (dataclasses.replace(f, second_order=True, memory=m) for m in (budget, budget - 1))
    assert roomy.map is f.map
    assert short.map.stored < f.map.stored / 3
    np.testing.assert_array_equal(roomy.curvature(x)(v), short.curvature(x)(v))


def test_work_is_counted():
    control, blocks = problem(m=20, second_order=True)
    f, x = control.block("propagation", blocks), blocks["propagation"]
    readings = [control.work.units]
    product = f.curvature(x)
    readings.append(control.work.units)
    product(x)
    readings.append(control.work.units)
    assert np.diff(readings).tolist() == [3 * 20, 5 * 20]
    need = 20 * (2 * f.map.stored + f.map.rows_in) * 8
    for memory, expected in ((need, 3 + 5 + 5), (need - 1, 8 + 8)):  # linearised once, or in each product
        before = control.work.units
        product = dataclasses.replace(f, memory=memory).curvature(x)
        product(product(x))
        assert control.work.units - before == expected * 20


def test_a_map_without_second_derivatives_is_refused():
    control, blocks = problem(second_order=True)
    block = control.blocks["propagation"]

    def linearize(theta, Y):
        return dataclasses.replace(block.map.at(theta, Y), second=None)

    once = dataclasses.replace(block, map=dataclasses.replace(block.map, linearize=linearize, parts=()))
    f = dataclasses.replace(control, blocks={**control.blocks, "propagation": once})
    f = f.block("propagation", blocks)
    with pytest.raises(InputError, match="no second derivatives"):
        f.curvature(blocks["propagation"])
