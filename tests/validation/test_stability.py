"""The stability study: its measures on systems with known answers, and one small run of the whole."""

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.linalg
import stability
from common.dynamics import (
    amplification,
    eigenvalues,
    largest_growth,
    observed_orders,
    perturbed,
    right_hand_side,
    states,
    symbol_eigenvalues,
)
from results import section

from refms.grid import Grid
from refms.io import read_artifact
from refms.maps.architectures.architecture import free_arrays
from refms.maps.architectures.residual import Residual

NETS = {
    "forward-euler convolution": {},
    "rk4 convolution": {"integrator": "rk4"},
    "midpoint antisymmetric": {"integrator": "midpoint", "layer": "antisymmetric", "layer_damping": 0.1},
    "verlet convolution": {"integrator": "verlet"},
}


def made(name, activation="tanh", layers=3):
    network = Residual(Grid((4, 3)), 2, layers=layers, final_time=1.2, activation=activation, **NETS[name])
    rng = np.random.default_rng(0)
    shapes = network.arrays.shapes
    arrays = {key: 0.5 * rng.standard_normal(shape) for key, shape in shapes.items()}
    arrays["biases"][:] = 0
    theta = free_arrays(network).pack(arrays)
    y = rng.standard_normal(network.propagation.rows_in)
    return network, network.propagation, theta, arrays["stencils"], y


@pytest.mark.parametrize("name", NETS)
def test_states_begin_and_end_where_the_net_does(name):
    _, steps, theta, _, y = made(name)
    along = states(steps, theta, y[:, None])
    assert len(along) == steps.time.layers + 1
    assert np.array_equal(along[0][:, 0], y)
    assert np.array_equal(along[-1], steps.apply(theta, y[:, None]))


@pytest.mark.parametrize("name", NETS)
def test_perturbations_are_moved_by_the_jacobian(name):
    _, steps, theta, _, y = made(name)
    directions = np.random.default_rng(1).standard_normal((y.size, 3))
    moved = perturbed(steps, theta, y, directions)
    expected = steps.at(theta, np.repeat(y[:, None], 3, axis=1)).jvp(None, directions)
    assert np.abs(moved[0] - directions).max() < 1e-15
    assert np.abs(moved[-1] - expected).max() < 1e-13 * np.abs(expected).max()
    J = steps.at(theta, np.repeat(y[:, None], y.size, axis=1)).jvp(None, np.eye(y.size))
    assert largest_growth(steps, theta, y) == pytest.approx(np.linalg.norm(J, 2), rel=1e-3)


@pytest.mark.parametrize("name", NETS)
def test_the_right_hand_side_is_the_limit_of_short_steps(name):
    network, _, theta, _, y = made(name, layers=1)
    h = 1e-6
    net = Residual(network.grid, 2, layers=1, final_time=h, **NETS[name])
    short = net.propagation
    by_differences = (perturbed(short, theta, y, np.eye(y.size))[-1] - np.eye(y.size)) / h
    J = right_hand_side(net, theta, y)(np.eye(y.size))
    assert np.abs(J - by_differences).max() < 1e-4


@pytest.mark.parametrize("name", NETS)
def test_symbols_give_the_eigenvalues_of_the_linear_right_hand_side(name):
    network, steps, theta, stencils, y = made(name, "identity")
    k = 1
    found = symbol_eigenvalues(network, stencils[k])
    expected = eigenvalues(right_hand_side(network, steps.time.by_layer(theta)[k], y), y.size)
    assert found.size == expected.size
    for values, others in ((found, expected), (expected, found)):
        assert all(np.abs(value - others).min() < 1e-6 for value in values)


@pytest.mark.parametrize("name", NETS)
def test_amplification_is_that_of_the_modes_of_a_linear_step(name):
    network, steps, theta, stencils, y = made(name, "identity", layers=1)
    z = steps.time.time_step * symbol_eigenvalues(network, stencils[0])
    step = steps.at(theta, np.repeat(y[:, None], y.size, axis=1)).jvp(None, np.eye(y.size))
    by_steps = np.abs(np.linalg.eigvals(step)).max()
    assert amplification(network.integrator, z).max() == pytest.approx(by_steps, rel=1e-8)


def test_verlet_leaves_modes_alone_up_to_two():
    assert amplification("verlet", np.array([0.1j, -1.99j])) == pytest.approx([1, 1], abs=1e-12)
    assert amplification("verlet", np.array([2.1j]))[0] > 1.3


def test_extreme_eigenvalues_of_large_matrices_are_those_of_all(monkeypatch):
    A = np.random.default_rng(2).standard_normal((60, 60)) / 8
    every = scipy.linalg.eigvals(A)
    monkeypatch.setattr("common.dynamics.DENSE", 10)
    few = eigenvalues(lambda V: A @ V, 60)
    assert few.size < 20
    for measure in (np.abs, np.real, lambda values: -np.real(values)):
        assert measure(few).max() == pytest.approx(measure(every).max(), rel=1e-5)


def test_orders_by_hand():
    values = [np.array([1.0, 2.0]) + 3.0 * 2.0 ** (-k * 3) for k in range(5)]
    assert observed_orders(values) == pytest.approx([3.0] * 3)


TOML = """
[data]
dataset = "digits"
size = 4
train = 100
validation = 100
[network]
channels = 2
layers = 4
final_time = 1.0
layer_damping = 0.1
layer = "antisymmetric"
[regularization]
theta_tikhonov = 10.0 # small stencils, whose orders show with few layers
[optimization]
iterations = 1
[experiment]
nets = ["forward-euler convolution", "verlet convolution", "rk4 antisymmetric"]
images = 1
refinements = [1, 2, 4, 8]
lengths = [1, 2]
noise = [0.5]
"""


def run(folder: Path, *words: str, text: str = TOML) -> int:
    (folder / "c.toml").write_text(text)
    return stability.ended(
        "stability", lambda: stability.main([str(folder / "c.toml"), "-o", str(folder / "out"), *words])
    )


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stability")
    assert run(folder) == 0
    return folder / "out"


def test_the_result_has_a_section_and_arrays(out):
    result = json.loads((out / "stability.json").read_text())
    assert list(result["nets"]) == ["forward-euler convolution", "verlet convolution", "rk4 antisymmetric"]
    found = {net: numbers["0"] for net, numbers in result["nets"].items()}
    orders = {net: numbers["refinement"]["state"][-1] for net, numbers in found.items()}
    assert orders["forward-euler convolution"] == pytest.approx(1, abs=0.3)
    assert orders["verlet convolution"] == pytest.approx(2, abs=0.3)
    assert orders["rk4 antisymmetric"] == pytest.approx(4, abs=0.4)
    for layer in found["verlet convolution"]["layers"]["jacobian"]:
        assert layer["amplification"] == pytest.approx(1, abs=1e-7)
    for layer in found["rk4 antisymmetric"]["layers"]["symbol"]:
        assert layer["largest real part"] == pytest.approx(-0.1, abs=1e-12)
    page = section({**result, "name": "stability"})
    assert page.startswith("## Stability: `stability.json`")
    assert page.count("\n| ") == 3 + 3 + 3 + 6  # three heads, and the rows of the tables
    arrays = read_artifact(out / "stability.h5").arrays
    assert arrays["seed0_verlet_convolution/layer1/symbol"].shape == (32,)


def test_existing_results_are_kept(out, capsys):
    assert run(out.parent) == 2
    assert "--force" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"rk4 antisymmetric"', '"rk4"'), "expected 'integrator layer'"),
        (('"rk4 antisymmetric"', '"rk5 convolution"'), "Did you mean 'rk4'"),
        (('"rk4 antisymmetric"', '"verlet antisymmetric"'), "do not go together"),
        (("[1, 2, 4, 8]", "[1, 3, 9]"), "expected 1, 2, 4"),
        (("images = 1", "images = 0"), "1 or more"),
    ],
)
def test_bad_settings_are_refused(tmp_path, capsys, change, message):
    assert run(tmp_path, text=TOML.replace(*change)) == 2
    assert message in capsys.readouterr().err
