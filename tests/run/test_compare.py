import math
from dataclasses import replace

import numpy as np
import pytest
from small_nets import examples, images

from refms.backend import NUMPY
from refms.data.preprocessing import Preprocessing
from refms.errors import InputError
from refms.grid import Grid
from refms.maps.architectures.residual import Residual
from refms.model import initial_model, score
from refms.names import METHODS
from refms.objective.examples import Examples
from refms.objective.problem import JOINT
from refms.objective.reading import Classes
from refms.objective.risk import Work
from refms.optimize import Status
from refms.run.compare import COLUMNS, require_runnable, run_method
from refms.run.config import Configuration
from refms.run.experiment import Experiment
from refms.run.plan import Budget, Plan

PLAN = Plan.from_dict({"compare": {"sgd": {"batch": 16}, "adam": {"batch": 16}}})
FEW = Budget(iterations=3)


def made(dtype="float64", backend=NUMPY):
    configuration = Configuration.from_dict({"optimization": {"hessian_fraction": 1.0, "dtype": dtype}})
    network = Residual(Grid((4, 4)), channels=2, layers=2)
    start = initial_model(network, Classes(10), 0, dtype, Preprocessing(levels=1), stencil_scale=0.5)
    every = images("digits", 120)
    both = examples(start, every)
    both = Examples(backend.from_host(np.array(both.inputs)), backend.from_host(np.array(both.targets)))
    train, validation = both.take(np.arange(80)), both.take(np.arange(80, 120))
    return Experiment(configuration, start.on(backend), train, validation).fit_classifier()


@pytest.fixture(scope="module")
def experiment():
    return made()


@pytest.mark.parametrize("name", METHODS)
def test_every_method_starts_at_the_same_point_and_lowers_the_objective(experiment, name):
    found = run_method(experiment, name, PLAN, FEW)
    columns = found.columns
    assert tuple(columns) == COLUMNS
    assert {len(column) for column in columns.values()} == {4}
    assert columns["iteration"] == [0, 1, 2, 3]
    start = run_method(experiment, "bcd", PLAN, Budget(iterations=1)).columns
    for same in ("work_units", "seconds", "objective", "gradient_norm", "validation_accuracy"):
        assert columns[same][0] == start[same][0]
    assert columns["objective"][-1] < columns["objective"][0]
    assert columns["work_units"] == sorted(columns["work_units"])
    assert columns["seconds"] == sorted(columns["seconds"])
    assert found.outcome.status is Status.ITERATION_LIMIT


@pytest.mark.parametrize("name", METHODS)
def test_the_columns_are_those_of_the_whole_problem(experiment, name):
    found = run_method(experiment, name, PLAN, Budget(iterations=2))
    risk = experiment.problem.block(JOINT, found.model.blocks)
    value, gradient = risk.value_and_gradient(experiment.problem.join(found.model.blocks))
    assert found.columns["objective"][-1] == pytest.approx(value, rel=1e-12)
    assert found.columns["gradient_norm"][-1] == pytest.approx(np.linalg.norm(gradient), rel=1e-9)
    last = score(found.model, experiment.validation.inputs, experiment.validation.targets)
    assert (found.columns["validation_accuracy"][-1], found.columns["validation_loss"][-1]) == (
        last.accuracy,
        last.loss,
    )
    assert found.validation == last


@pytest.mark.parametrize("name", ["sgd", "adam", "l-bfgs"])
def test_work_is_what_the_method_did_and_nothing_that_was_measured(experiment, name):
    found = run_method(experiment, name, PLAN, FEW)
    m = experiment.examples.count
    spent = found.columns["work_units"][-1] - experiment.work_units
    evaluations = sum(row.evaluations for row in found.history)
    # a gradient costs three passes: one for each evaluation, or one for each epoch
    assert spent == pytest.approx(3 * m * (evaluations if name == "l-bfgs" else 3), rel=1e-12)


def test_newton_steps_tell_how_good_their_models_are(experiment):
    for name in ("bcd", "joint", "varpro", "levenberg-marquardt", "newton-cg", "trust-region"):
        ratios = run_method(experiment, name, PLAN, FEW).columns["gain_ratio"]
        assert math.isnan(ratios[0])
        assert all(0.0 < ratio < 3.0 for ratio in ratios[1:])


def test_a_run_ends_once_its_work_is_spent(experiment):
    whole = run_method(experiment, "joint", PLAN, Budget(iterations=6))
    limit = whole.columns["work_units"][2] + 1.0
    cut = run_method(experiment, "joint", PLAN, Budget(iterations=6, work_units=limit))
    assert cut.outcome.status is Status.STOPPED
    assert "budget" in cut.outcome.message
    assert cut.columns["objective"] == whole.columns["objective"][:4]
    epochs = run_method(
        experiment, "adam", PLAN, Budget(iterations=50, work_units=experiment.work_units + 3.0 * 80 * 2)
    )
    assert len(epochs.columns["iteration"]) == 3
    assert epochs.history.rows[-1].extra["learning_rate"] < 0.1 * PLAN.methods["adam"].learning_rate


def test_one_may_watch_and_stop(experiment):
    told = []
    found = run_method(experiment, "sgd", PLAN, FEW, told.append, lambda: len(told) > 1)
    assert [numbers["iteration"] for numbers in told] == [0, 1]
    assert found.outcome.status is Status.STOPPED


@pytest.mark.parametrize("name", METHODS)
def test_a_start_that_is_not_finite_in_its_objective_ends_with_an_outcome(experiment, name):
    huge = experiment.model.with_arrays(W=experiment.model.arrays["W"] * 0 + 1e300)
    spoilt = replace(experiment, model=huge)
    found = run_method(spoilt, name, PLAN, FEW)
    assert found.outcome.status is Status.NON_FINITE
    assert np.isfinite(experiment.problem.join(found.model.blocks)).all()


def test_runs_are_repeatable_and_do_not_touch_the_start(experiment):
    before = {name: array.copy() for name, array in experiment.model.arrays.items()}
    one, other = (run_method(experiment, "adam", PLAN, FEW) for _ in range(2))
    assert np.array_equal(
        experiment.problem.join(one.model.blocks), experiment.problem.join(other.model.blocks)
    )
    assert all(np.array_equal(array, before[name]) for name, array in experiment.model.arrays.items())


def test_the_fit_is_counted_once(experiment):
    assert experiment.work_units > 0
    assert experiment.problem.work == Work(experiment.work_units)
    again = replace(experiment, work_units=0.0).fit_classifier()
    assert again.work_units == 0.0
    assert again.model is experiment.model


def test_float32_stays_float32():
    experiment = made("float32")
    for name in METHODS:
        found = run_method(experiment, name, PLAN, Budget(iterations=1))
        assert {array.dtype for array in found.model.arrays.values()} == {np.dtype("float32")}


def test_methods_that_need_second_derivatives_are_refused_where_there_are_none(experiment, monkeypatch):
    def none(*arguments, **words):
        raise InputError("this map has no second derivatives.")

    for name in METHODS:
        require_runnable(experiment, name, PLAN)
    monkeypatch.setattr("refms.objective.curvature.second_of", none)
    for name in ("newton-cg", "trust-region"):
        with pytest.raises(InputError, match="no second derivatives"):
            require_runnable(experiment, name, PLAN)
    require_runnable(experiment, "trust-region", PLAN.with_value("compare.trust-region.second_order", False))
    require_runnable(experiment, "joint", PLAN)


@pytest.mark.parametrize("name", METHODS)
def test_a_device_computes_what_the_host_computes(device, experiment, name):
    there = made(backend=device.backend)
    found, expected = (run_method(one, name, PLAN, Budget(iterations=1)) for one in (there, experiment))
    assert all(device.owns(array) for array in found.model.arrays.values())
    # conjugate gradients look at their numbers less often on a device, and make some products in vain
    spent, least = found.columns["work_units"], expected.columns["work_units"]
    assert all(a >= b * (1 - 1e-12) for a, b in zip(spent, least, strict=True))
    assert found.columns["objective"] == pytest.approx(expected.columns["objective"], rel=1e-6)
