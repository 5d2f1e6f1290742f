"""``refms train``: block-coordinate descent or epochs on a data set, one model file at the end."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

from refms.cli.files import write_json
from refms.cli.options import Commands, add_command, add_options, cells_of
from refms.cli.progress import Clock
from refms.cli.training import (
    add_overrides,
    add_training_options,
    claim_output,
    in_processes,
    put_over,
    stopped_by_ctrl_c,
    train_and_save,
)
from refms.environment import peak_memory

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from refms.errors import Array
    from refms.model import Model
    from refms.objective.workers import Workers
    from refms.optimize.history import HistoryRow
    from refms.optimize.loop import Monitor, Observation
    from refms.run.config import Configuration
    from refms.run.experiment import Experiment
    from refms.run.training import Checkpoint, Training

# option, section, key, type, help
OVERRIDES = (
    ("--size", "data", "size", cells_of, "cells along every axis of the network's mesh, or along each: 2x4"),
    (
        "--pad",
        "data",
        "pad",
        bool,
        "pad images that do not halve to SIZE, by their edge, to the next that do",
    ),
    ("--crop", "data", "crop", bool, "crop them to their middle instead"),
    ("--train", "data", "train", int, "number of training examples"),
    ("--validation", "data", "validation", int, "number of validation examples"),
    ("--split-seed", "data", "split_seed", int, "seed of the split into training and validation"),
    ("--smoothing", "data", "smoothing", float, "Gaussian smoothing, in cells of the images' own grid"),
    ("--pair", "data", "pair", str, "transfer pair whose R makes the coarse images"),
    ("--channels", "network", "channels", int, "channels of the features"),
    ("--layers", "network", "layers", int, "layers N"),
    ("--final-time", "network", "final_time", float, "final time T"),
    ("--integrator", "network", "integrator", str, "forward-euler, midpoint, rk4, verlet or leapfrog"),
    ("--layer", "network", "layer", str, "convolution, antisymmetric or symmetric"),
    ("--seed", "network", "seed", int, "seed of the initial parameters"),
    ("--loss", "classifier", "loss", str, "softmax, least-squares, logistic or smooth-hinge"),
    (
        "--pooling",
        "classifier",
        "pooling",
        int,
        "cells along an axis that are averaged for the classifier",
    ),
    ("--transfer-to", "regularization", "transfer_to", str, "finer or coarser: what the stencils suit"),
    ("--iterations", "optimization", "iterations", int, "BCD iterations, or epochs"),
    ("--hessian-fraction", "optimization", "hessian_fraction", float, "share of examples in the Hessian"),
    ("--dtype", "optimization", "dtype", str, "float32 or float64"),
    ("--method", "stochastic", "method", str, "adam or sgd: epochs in the place of BCD"),
    ("--patience", "stochastic", "patience", int, "stop after K epochs without a smaller validation loss"),
)
"""Options that override entries of the configuration."""


def register(commands: Commands) -> None:
    """Add ``train`` to the command line."""
    command = add_command(
        commands, "train", "refms train --dataset digits --size 4 --iterations 5 -o coarse.h5", run
    )
    add_overrides(command, OVERRIDES)
    command.add_argument(
        "--start",
        metavar="MODEL",
        help="begin at the parameters of this model, such as one that refms transfer brought to a finer mesh "
        "(Algorithm 1 of [LAS]); without CONFIG with its own configuration",
    )
    add_options(command, "--dataset", "--data-dir")
    add_training_options(command)


def run(options: argparse.Namespace) -> int:
    """Train and write; return 0, or 1 if the training met NaN or infinity."""
    return in_processes(options, _run)


def _run(options: argparse.Namespace, workers: Workers) -> int:
    from refms.backend import backend_named
    from refms.linear.outcome import Status
    from refms.model_file import load_model
    from refms.run.epochs import examples_by_epoch, train_by_epochs
    from refms.run.experiment import dataset_of, experiment_of, split_by
    from refms.run.training import train

    leads = workers.comm.rank == 0
    begin = load_model(options.start) if options.start else None
    configuration = read_configuration(options, begin)
    files = claim_output(options, workers, configuration)
    dataset, backend = dataset_of(configuration, options.data_dir), backend_named(options.backend)
    experiment = experiment_of(configuration, dataset, backend, begin)

    def work(begin: Checkpoint, stopping: Callable[[], bool], keep: Callable[[Checkpoint], None]) -> Training:
        watch = progress(experiment, options, begin.iteration, stopping) if leads else None
        if configuration.stochastic.method == "none":
            sections = configuration.regularization, configuration.optimization
            return train(begin, experiment.examples, *sections, watch, workers, keep)
        part = split_by(configuration.data, dataset)[0]
        examples = examples_by_epoch(experiment.model, part, configuration)
        return train_by_epochs(begin, examples, configuration, watch, workers, keep)

    result = train_and_save(options, workers, files, experiment.model, configuration, work)
    if leads:
        summary = {"model": options.output, **summary_of(result, experiment)}
        print(
            f"{options.output}: grid {result.model.grid.shape}, training accuracy "
            f"{summary['train']['accuracy']:.4f}, validation accuracy "
            f"{summary['validation']['accuracy']:.4f}\n{result.outcome.message}"
        )
        write_json(options.json, summary)
    return int(result.outcome.status is Status.NON_FINITE)


def read_configuration(options: argparse.Namespace, begin: Model | None = None) -> Configuration:
    """Return the configuration of the file, or of the model to begin at, with the options put over it."""
    from refms.run.config import Configuration
    from refms.run.experiment import configuration_at

    if options.config:
        base = Configuration.from_toml(options.config)
    else:
        base = Configuration() if begin is None else configuration_at(begin)
    return Configuration.from_dict(put_over(base.to_dict(), OVERRIDES, options))


def progress(
    experiment: Experiment, options: argparse.Namespace, done: int, stopping: Callable[[], bool]
) -> Monitor:
    """Return the monitor that measures the validation accuracy, prints a row an iteration, and hears Ctrl-C.

    After the last iteration there is nothing to stop.
    """
    from refms.optimize.loop import Observation

    total = experiment.configuration.optimization.iterations
    clock = None if options.quiet else Clock(total, done)

    def monitor(iteration: int, blocks: Mapping[str, Array], rows: tuple[HistoryRow, ...]) -> Observation:
        found = experiment.score(experiment.model.with_blocks(blocks))
        if clock is not None:
            clock.tick(iteration)
            print(
                f"iteration={iteration}/{total} objective={rows[-1].objective:.6g} "
                f"gradient={rows[0].gradient_norm:.2e} cg={rows[0].cg_iterations} "
                f"step={rows[0].step_length:.3g} validation_loss={found.loss:.6g} "
                f"validation_accuracy={found.accuracy:.4f} seconds={clock.seconds:.1f} left={clock.left:.0f}",
                file=sys.stderr,
                flush=True,
            )
            clock.announce(iteration)
        return Observation(
            {"validation_accuracy": found.accuracy, "validation_loss": found.loss},
            stopped_by_ctrl_c(options, "train") if iteration < total and stopping() else "",
        )

    return monitor


def summary_of(result: Training, experiment: Experiment) -> dict[str, Any]:
    """Return the machine-readable result of a training."""
    from dataclasses import asdict

    model, history = result.model, result.model.history
    rows = [row for row in history if "validation_accuracy" in row.extra]
    return {
        "grid": list(model.grid.shape),
        "configuration": experiment.configuration.to_dict(),
        "train": asdict(experiment.score(model, experiment.examples)),
        "validation": asdict(experiment.score(model)),
        "outcome": result.outcome.to_dict(),
        "notes": list(result.notes),
        "seconds": sum(row.seconds for row in history),
        "peak_memory_bytes": peak_memory(),
        "work_units": history.rows[-1].work_units,
        "history": [{"iteration": row.iteration, "objective": row.objective, **row.extra} for row in rows],
    }
