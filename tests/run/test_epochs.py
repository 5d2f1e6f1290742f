"""Training by epochs: the rule on mini-batches of augmented images, early stopping, going on bit for bit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from refms.cli.main import main
from refms.data.augmentation import augment
from refms.data.digits import load_digits
from refms.errors import InputError
from refms.linear.outcome import Status
from refms.model_file import load_model
from refms.objective.problem import JOINT
from refms.optimize.loop import Observation
from refms.run.config import Configuration
from refms.run.epochs import examples_by_epoch, train_by_epochs
from refms.run.experiment import examples_of, experiment_of, split_by
from refms.run.training import problem_of


def configured(**stochastic):
    return Configuration.from_dict(
        {
            "data": {"train": 120, "validation": 60},
            "network": {"architecture": "resnet", "options": {"width": 2, "groups": 1, "blocks": [1, 1]}},
            "classifier": {"pooling": 0},
            "regularization": {"W_smoothness": 0.0, "theta_smoothness": 0.0, "theta_tikhonov": 1e-3},
            "optimization": {"iterations": 3, "dtype": "float64"},
            "stochastic": {"method": "adam", "learning_rate": 0.01, "batch": 50, **stochastic},
        }
    )


def begun(configuration):
    experiment = experiment_of(configuration, load_digits())
    part = split_by(configuration.data, load_digits())[0]
    return experiment, part, examples_by_epoch(experiment.model, part, configuration)


def watching(experiment, losses=None):
    """Measure the validation loss, or say what is given."""

    def monitor(iteration, blocks, rows):
        found = experiment.score(experiment.model.with_blocks(blocks))
        loss = found.loss if losses is None else losses[iteration - 1]
        return Observation({"validation_accuracy": found.accuracy, "validation_loss": loss})

    return monitor


def test_an_epoch_is_the_rule_on_mini_batches_of_images_augmented_for_it():
    configuration = configured(flip=True, shift_cells=1, draw_seed=3)
    experiment, part, examples = begun(configuration)
    done = train_by_epochs(experiment.model, examples, configuration)

    section, rule = configuration.stochastic, configuration.stochastic.rule
    x = experiment.problem.join(experiment.model.blocks)
    memory, count = rule.start(x), 0
    for epoch in (1, 2, 3):
        seen = examples_of(experiment.model, augment(part, section.augmentation, 3, epoch))
        values = []
        for indices in rule.batches(120, epoch):
            batch = seen.take(indices)
            problem = problem_of(experiment.model, batch, configuration.regularization)
            f, g = problem.block(JOINT, problem.split(x)).value_and_gradient(x)
            count += 1
            step, memory = rule.update(memory, g, section.learning_rate, count)
            x = x + step
            values.append(f)
        assert done.model.history.rows[epoch - 1].objective == pytest.approx(np.mean(values), rel=1e-12)
    np.testing.assert_allclose(experiment.problem.join(done.model.blocks), x, rtol=1e-10, atol=1e-13)


def test_an_epoch_costs_three_evaluations_for_each_image_and_nothing_is_measured_besides():
    configuration = configured()
    experiment, _, examples = begun(configuration)
    rows = train_by_epochs(experiment.model, examples, configuration).model.history.rows
    assert [row.work_units for row in rows] == [360, 720, 1080]


def test_patience_ends_the_training_and_keeps_the_epoch_of_the_least_validation_loss():
    configuration = configured(patience=2)
    configuration = Configuration.from_dict(
        {**configuration.to_dict(), "optimization": {"iterations": 9, "dtype": "float64"}}
    )
    experiment, _, examples = begun(configuration)
    seen = {}

    def monitor(iteration, blocks, rows):
        seen[iteration] = blocks["propagation"].copy()
        return watching(experiment, [5.0, 3.0, 4.0, 3.5, 1.0])(iteration, blocks, rows)

    done = train_by_epochs(experiment.model, examples, configuration, monitor)
    assert list(seen) == [1, 2, 3, 4]
    assert done.outcome.status is Status.CONVERGED
    assert "2 epochs" in done.outcome.message
    assert "epoch 2" in done.outcome.message
    np.testing.assert_array_equal(done.model.blocks["propagation"], seen[2])


def test_without_patience_the_last_epoch_is_kept():
    configuration = configured()
    experiment, _, examples = begun(configuration)
    losses = [1.0, 2.0, 3.0]
    kept = []
    done = train_by_epochs(
        experiment.model, examples, configuration, watching(experiment, losses), on_checkpoint=kept.append
    )
    assert done.outcome.status is Status.ITERATION_LIMIT
    assert (done.model.blocks["propagation"] != kept[0].model.blocks["propagation"]).any()


@pytest.mark.parametrize("method", ["adam", "sgd"])
@pytest.mark.parametrize("patience", [0, 2])
def test_a_training_goes_on_from_a_checkpoint_bit_for_bit(method, patience):
    configuration = configured(method=method, patience=patience, schedule="cosine", flip=True)
    experiment, _, examples = begun(configuration)
    watch, kept = watching(experiment, [1.0, 2.0, 3.0]), []
    whole = train_by_epochs(experiment.model, examples, configuration, watch, on_checkpoint=kept.append)
    for checkpoint in kept:
        if checkpoint.iteration < 3:
            again = train_by_epochs(checkpoint, examples, configuration, watch)
            assert again.outcome == whole.outcome
            for name, x in whole.model.blocks.items():
                np.testing.assert_array_equal(again.model.blocks[name], x)
            for row, other in zip(again.model.history, whole.model.history, strict=True):
                assert (row.objective, row.work_units) == (other.objective, other.work_units)


def test_what_does_not_go_together_is_refused():
    configuration = configured(patience=1)
    experiment, _, examples = begun(configuration)
    with pytest.raises(InputError, match="validation_loss"):
        train_by_epochs(experiment.model, examples, configuration)
    with pytest.raises(InputError, match="'adam' or 'sgd'"):
        train_by_epochs(experiment.model, examples, Configuration())
    for bad in ({"method": "bcd"}, {"patience": -1}, {"shift_cells": -1}, {"learning_rate": 0.0}):
        with pytest.raises(InputError):
            configured(**bad)


def test_the_command_line_trains_stops_early_goes_on_and_transfers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("net.toml").write_text(
        '[data]\ntrain = 60\nvalidation = 30\n[network]\narchitecture = "resnet"\n'
        "[network.options]\nwidth = 2\ngroups = 1\nblocks = [1, 1]\n[classifier]\npooling = 0\n"
        '[optimization]\niterations = 2\n[stochastic]\nmethod = "sgd"\nflip = true\nbatch = 30\n'
    )
    assert main(["train", "net.toml", "-o", "net.h5", "--quiet", "--json", "net.json"]) == 0
    result = json.loads(Path("net.json").read_text())
    assert result["work_units"] == 2 * 3 * 60
    assert load_model("net.h5").reading.pooling == 0
    assert main(["transfer", "net.h5", "--to", "4", "-o", "coarse.h5"]) == 0
    for command in (
        ["show", "net.h5"],
        ["evaluate", "coarse.h5", "--size", "4"],
        ["plot", "net.h5", "-o", "pictures"],
    ):
        assert main(command) == 0, command
