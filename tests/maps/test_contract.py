"""The same five checks for every map: shape and dtype, adjoint, Taylor, complex step, explicit matrix."""

from __future__ import annotations

from types import FunctionType

import numpy as np
import pytest
import scipy.sparse
from maps.table import EXAMPLES, GRIDS, KINKED, MAPS, assert_close, join, point

from refms.checks import adjoint_test, complex_step_test, taylor_test
from refms.errors import InputError
from refms.grid import Grid
from refms.maps.branches import skip
from refms.maps.chain import chain
from refms.maps.layers.linear import matrix_map
from refms.maps.map import At
from refms.maps.time.runge_kutta import runge_kutta
from refms.maps.time.tableau import RK4
from refms.objective.classifier import Classifier
from refms.stencils.convolution import Convolution


def joined(name, seed=0, dtype="float64"):
    """A map as a function of one vector z = (theta, Y), with its linearisation at a point."""
    map_, theta, Y = point(name, seed, dtype)
    p = theta.size

    def unjoin(z):
        return z[:p], z[p:].reshape(Y.shape)

    F = map_.at(theta, Y)
    return (
        map_,
        join(theta, Y),
        lambda z: map_.apply(*unjoin(z)),
        lambda v: F.jvp(*unjoin(v)),
        lambda G: join(*F.vjp(G)),
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", MAPS)
def test_shapes_dtypes_and_untouched_inputs(name, dtype, locked):
    map_, theta, Y = point(name, dtype=dtype)
    theta, Y = locked(theta), locked(Y)
    F = map_.at(theta, Y)
    out = map_.apply(theta, Y)
    G = locked(np.ones_like(out))
    gtheta, gY = F.vjp(G)
    for got, shape in (
        (out, (map_.rows_out, EXAMPLES)),
        (F.output, out.shape),
        (F.jvp(theta, Y), out.shape),
        (F.jvp(None, None), out.shape),
        (gtheta, theta.shape),
        (gY, Y.shape),
    ):
        assert got.shape == shape
        assert got.dtype == dtype
    assert F.vjp(G, wrt_input=False)[0].dtype == dtype
    assert np.array_equal(out, F.output)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", MAPS)
def test_vjp_is_the_transpose_of_jvp(name, dtype):
    map_, z, _, jvp, vjp = joined(name, dtype=dtype)
    report = adjoint_test(jvp, vjp, z.shape, (map_.rows_out, EXAMPLES), dtype)
    assert report.passed, str(report)


@pytest.mark.parametrize("name", MAPS)
def test_taylor_remainders_fall_at_orders_one_and_two(name):
    _, z, apply, jvp, _ = joined(name, seed=1)
    v = np.random.default_rng(2).standard_normal(z.shape)
    largest = 2.0**-8 if name in KINKED else 1.0  # seeded so that no kink lies within this step
    report = taylor_test(apply, z, v, jvp=jvp(v), largest_step=largest)
    assert report.passed, str(report)


@pytest.mark.parametrize("name", sorted(set(MAPS) - KINKED - {"layer-relu"}))
def test_complex_step_gives_the_jvp_to_round_off(name):
    _, z, apply, jvp, _ = joined(name)
    v = np.random.default_rng(5).standard_normal(z.shape)
    report = complex_step_test(apply, z, v, jvp=jvp(v))
    assert report.passed, str(report)


@pytest.mark.parametrize(
    "name", [name for name in MAPS if not name.startswith("image-unet")]
)  # > 500 columns
def test_vjp_equals_the_explicit_jacobian(name):
    map_, z, _, jvp, vjp = joined(name, seed=3)
    J = np.stack([jvp(e).reshape(-1) for e in np.eye(z.size)], axis=1)
    G = np.random.default_rng(6).standard_normal((map_.rows_out, EXAMPLES))
    error = np.abs(vjp(G) - J.T @ G.reshape(-1)).max()
    assert error <= 30 * np.finfo(float).eps * np.abs(J).sum(axis=0).max() * np.abs(G).max()


@pytest.mark.parametrize("name", MAPS)
def test_skipped_halves_agree_with_the_whole(name):
    map_, theta, Y = point(name)
    rng = np.random.default_rng(7)
    dtheta, dY = rng.standard_normal(theta.shape), rng.standard_normal(Y.shape)
    F = map_.at(theta, Y)
    assert_close(F.jvp(dtheta) + F.jvp(None, dY), F.jvp(dtheta, dY), 1e-13)
    G = rng.standard_normal(F.output.shape)
    gtheta, gY = F.vjp(G)
    (of_theta, no_Y), (no_theta, of_Y) = F.vjp(G, wrt_input=False), F.vjp(G, wrt_theta=False)
    assert no_Y is no_theta is None
    assert_close(of_theta, gtheta, 1e-13)  # may sum in another order
    assert_close(of_Y, gY, 1e-13)


@pytest.mark.parametrize("name", MAPS)
def test_trace_ends_in_the_output_and_names_everything(name):
    map_, theta, Y = point(name)
    trace = map_.trace(theta, Y)
    assert list(trace)[-1] == "output"
    assert np.array_equal(trace["output"], map_.apply(theta, Y))


def test_trace_of_a_chain_names_each_map_and_what_happens_in_it():
    map_, theta, Y = point("chain-of-four")
    trace, parts = map_.trace(theta, Y), map_.layout.unpack(theta)
    layer = ["layer/convolution", "layer/preactivation", "layer/output"]
    assert list(trace) == ["scale/output", *layer, "mixing/output", "classifier/output", "output"]
    assert list(parts) == ["scale/stencil", "layer/stencil", "layer/bias", "classifier/W", "classifier/mu"]
    K, biases = Convolution(GRIDS[2], 1, 3).matrix(parts["layer/stencil"]), np.repeat(parts["layer/bias"], 12)
    assert np.array_equal(trace["scale/output"], Y * parts["scale/stencil"].item())
    assert_close(trace["layer/convolution"], K @ trace["scale/output"], 1e-13)
    assert_close(trace["layer/preactivation"], trace["layer/convolution"] + biases[:, None], 1e-13)
    assert np.array_equal(trace["layer/output"], np.tanh(trace["layer/preactivation"]))
    assert np.array_equal(trace["mixing/output"], map_.constants[0] @ trace["layer/output"])


def kept(held, examples, seen=None):
    """The arrays of one column per example that can be reached from a map at a point, each memory once."""
    if isinstance(held, np.ndarray):
        return {held.__array_interface__["data"][0]: held} if held.shape[1:] == (examples,) else {}
    if isinstance(held, At):
        inner = [held.output, held.jvp, held.vjp, held.second]
    elif isinstance(held, FunctionType):
        inner = [cell.cell_contents for cell in held.__closure__ or ()]
    else:
        inner = list(held) if isinstance(held, tuple | list) else []
    seen = seen or set()
    found = {}
    for one in inner:
        if id(one) not in seen:
            seen.add(id(one))
            found |= kept(one, examples, seen)
    return found


AT_MOST = {"rk4-of-any-map", "leapfrog-of-any-map", "rk4-T0", "image-residual", "image-unet-dropout"}
AT_MOST |= {"image-unet"}
AT_MOST |= {name for name in MAPS if "mesh-free" in name}
"""Maps that keep less than `stored` says, or in another shape: layers do not ask for their inputs, two maps
share one array, a view of most rows holds all of them, or spectra are kept."""


@pytest.mark.parametrize("name", sorted(set(MAPS) - {"euler-frugal"}))
def test_stored_counts_what_a_linearisation_keeps_beside_its_input(name):
    map_, theta, _ = point(name)
    Y = np.random.default_rng(8).standard_normal((map_.rows_in, 7))
    arrays = [array for array in kept(map_.at(theta, Y), 7).values() if not np.may_share_memory(array, Y)]
    found = sum(array.shape[0] for array in arrays)
    assert 0 < found < map_.stored if name in AT_MOST else found == map_.stored


@pytest.mark.parametrize(
    ("name", "work"),
    [
        ("layer-1d", 2 * 2 * 3 * 5),  # c_out c_in n_K n
        ("layer-3d", 2 * 2 * 27 * 12),
        ("layer-more-channels", 3 * 1 * 9 * 12),
        ("opening-learned", 3 * 2 * 3 * 12),
        ("opening-matrix", 8 * 5),
        ("classifier", 4 * 2 * 12),
        ("euler", 3 * (2 * 2 * 9 * 12)),
        ("rk4", 3 * 4 * (2 * 2 * 9 * 12)),
        ("midpoint-constant", 2 * 2 * (2 * 2 * 3 * 5)),
        ("verlet", 7 * (2 * 2 * 9 * 12)),
        ("leapfrog", 3 * (2 * 2 * 9 * 12)),
        ("residual-fixed", 2 * 1 * 1 * 12 + 3 * (2 * 2 * 9 * 12)),
        ("network-and-frozen-classifier", 2 * 1 * 1 * 12 + 3 * (2 * 2 * 9 * 12) + 4 * 2 * 12),
        ("chain-of-four", 12 + 3 * 9 * 12 + 24 * 36 + 4 * 2 * 12),
    ],
)
def test_work_is_counted_in_multiply_adds_of_one_example(name, work):
    assert point(name)[0].multiply_adds == work


def test_work_of_a_sparse_opening_is_its_number_of_values():
    opening = matrix_map(scipy.sparse.csr_array(np.diag([1.0, 2.0, 3.0])))
    assert opening.multiply_adds == 3


@pytest.mark.parametrize("name", MAPS)
def test_wrong_shapes_and_precisions_are_refused(name):
    map_, theta, Y = point(name)
    for evaluate in (map_.apply, map_.at, map_.trace):
        with pytest.raises(InputError, match="expected"):
            evaluate(theta, Y[:-1])
        with pytest.raises(InputError, match="expected"):
            evaluate(np.zeros(theta.size + 1), Y)
        with pytest.raises(InputError, match="precision"):
            evaluate(theta, Y.astype(np.float32))


def test_directions_and_cotangents_of_another_precision_are_refused():
    map_, theta, Y = point("layer-tanh", dtype="float32")
    F = map_.at(theta, Y)
    G, wide = F.output, F.output.astype("float64")
    along, _ = F.second(G)
    for call in (
        lambda: F.jvp(theta.astype("float64")),
        lambda: F.jvp(None, Y.astype("float64")),
        lambda: F.vjp(wide),
        lambda: F.second(wide),
        lambda: along(theta.astype("float64")),
        lambda: along(theta).vjp(wide),
    ):
        with pytest.raises(InputError, match="is float64, output is float32"):
            call()
    with pytest.raises(InputError, match=r"dG has shape \(1, 3\)"):
        along(theta).vjp(G[:1])


def test_lists_are_refused_with_a_word_on_what_they_are():
    map_, theta, Y = point("layer-tanh")
    with pytest.raises(InputError, match="theta is a list"):
        map_.apply(theta.tolist(), Y)
    with pytest.raises(InputError, match="Y is a list"):
        map_.apply(theta, Y.tolist())


def test_nothing_asked_for_is_nothing_found_even_of_a_flow_without_parameters():
    flow = runge_kutta(matrix_map(-np.eye(2)), 2, 1.0, RK4)
    assert flow.at(np.zeros(0), np.ones((2, 1))).vjp(np.ones((2, 1)), wrt_theta=False, wrt_input=False) == (
        None,
        None,
    )
    F = chain(("flow", flow), ("read", Classifier(Grid((2,)), 1, 2).map))
    theta, Y, G = np.ones(F.layout.size), np.ones((2, 1)), np.ones((2, 1))
    np.testing.assert_array_equal(*(F.at(theta, Y).vjp(G, wrt_input=one)[0] for one in (True, False)))


def test_the_arm_of_a_u_net_is_recorded_without_its_identity():
    map_ = skip("below", matrix_map(np.eye(2)))
    assert list(map_.trace(np.zeros(0), np.ones((2, 1)))) == ["below/output", "output"]
