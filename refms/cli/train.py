"""``refms train``: block-coordinate descent on a data set, one model file at the end."""

from __future__ import annotations

import argparse
import dataclasses
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

from refms.backend import backend_named, backend_of
from refms.cli.datasets import read_dataset, split_by
from refms.cli.files import require_target, write_json
from refms.cli.interruption import interruption
from refms.cli.parsers.train import OVERRIDES
from refms.cli.progress import duration, show_status, status_line, time_left
from refms.cli.resuming import require_free, resumed, told_where_it_goes_on
from refms.data.dataset import Dataset, one_hot
from refms.environment import machine, peak_memory, versions
from refms.errors import Array, require_whole
from refms.io.checkpoint_files import CheckpointFiles
from refms.io.model_file import save_model
from refms.linear.outcome import Status
from refms.model import Model, initial_model, score
from refms.objective.batches import LabelledColumns
from refms.objective.shards import Team
from refms.optimize.history import HistoryRow
from refms.optimize.schedule import Monitor, Report
from refms.parallel import communicator
from refms.run.config import Configuration
from refms.run.training import Checkpoint, Training, require_memory, train


def run(options: argparse.Namespace) -> int:
    """Train and write; return 0, or 1 if the training met NaN or infinity.

    Where mpiexec started several processes, all of them compute, and the first one prints and writes.
    """
    require_whole(options.threads, "threads", 1)
    comm = communicator(reproducible=not options.allreduce, cuda_aware=options.cuda_aware)
    try:
        return _run(options, Team(comm, options.threads))
    except (Exception, KeyboardInterrupt) as error:
        if comm.size > 1:  # the others would wait for this process for ever
            reason = str(error) or type(error).__name__
            print(f"refms: process {comm.rank} of {comm.size}: {reason}", file=sys.stderr, flush=True)
            comm.abort(2)
        raise


def _run(options: argparse.Namespace, team: Team) -> int:
    leads = team.comm.rank == 0
    configuration = configured(options)
    files = CheckpointFiles(Path(options.output), max(options.checkpoints, 1))
    if leads:
        require_target(options.output, force=options.force)
        require_free(files, options.checkpoints, resume=options.resume, force=options.force)
    dataset = read_dataset(configuration.data.dataset, options.data_dir)
    training_set, validation_set = split_by(configuration.data, dataset)
    start = start_of(configuration, dataset)
    begin = resumed(files, start, configuration) if options.resume else Checkpoint(start)
    backend = backend_named(options.backend)
    start, begin = start.on(backend), replace(begin, model=begin.model.on(backend))
    interpolate = configuration.data.interpolate
    examples, validation = (columns_of(start, part, interpolate) for part in (training_set, validation_set))
    # Where several processes step together, none may stop alone: there Ctrl-C ends all of them at once.
    wish = interruption(quiet=options.quiet) if team.comm.size == 1 else nullcontext(lambda: False)
    with told_where_it_goes_on(files), status_line(), wish as stopping:
        watch = (
            progress(start, validation, configuration, options.quiet, begin.iteration, stopping)
            if leads
            else None
        )
        keeper = files.write if leads and options.checkpoints else None
        result = train(
            begin, examples, configuration.regularization, configuration.optimization, watch, team, keeper
        )
    code = 1 if result.outcome.status is Status.NON_FINITE else 0
    if not leads:
        return code
    outcome = {"status": str(result.outcome.status), "message": result.outcome.message}
    model = replace(result.model, record={**result.model.record, "outcome": outcome})
    with told_where_it_goes_on(files):
        save_model(options.output, model, overwrite=options.force)
    if result.outcome.status not in (Status.STOPPED, Status.NON_FINITE):
        files.remove()
    summary = summarized(result, examples, validation, configuration)
    print(
        f"{options.output}: grid {start.grid.shape}, training accuracy {summary['train']['accuracy']:.4f}, "
        f"validation accuracy {summary['validation']['accuracy']:.4f}\n{result.outcome.message}"
    )
    write_json(options.json, {"model": options.output, **summary})
    return code


def columns_of(model: Model, part: Dataset, interpolate: bool = False) -> LabelledColumns:
    """Return prepared images and one-hot labels where a model lives, in its precision.

    Parameters
    ----------
    model : Model
        Gives mesh, pre-processing, backend and precision.
    part : Dataset
        The images.
    interpolate : bool
        Whether they may be prolonged to the mesh.

    Returns
    -------
    LabelledColumns
        One column an image.
    """
    labels = one_hot(part.labels, part.classes, str(model.W.dtype))
    return LabelledColumns(model.prepare(part, interpolate), backend_of(model.W).from_host(labels))


def start_of(configuration: Configuration, dataset: Dataset) -> Model:
    """Return the model before any training, once the memory is known to suffice.

    Parameters
    ----------
    configuration : Configuration
        Network, seed, pre-processing and precision.
    dataset : Dataset
        Gives mesh and classes.

    Returns
    -------
    Model
        NumPy arrays, with W = 0.

    Raises
    ------
    InputError
        If the memory budget does not suffice.
    """
    grid = configuration.data.grid(dataset.grid)
    dtype = configuration.optimization.dtype
    network = configuration.network.network(grid)
    classifier = configuration.classifier
    require_memory(network, dataset.classes, dtype, configuration.optimization.memory, classifier.pooling)
    return initial_model(
        network,
        dataset.classes,
        configuration.network.seed,
        replace(configuration.data.preprocessing, levels=max(grid.levels_to(dataset.grid), 0)),
        configuration.network.stencil_scale,
        dtype,
        {
            "configuration": configuration.to_dict(),
            "dataset": dataset.name,
            "versions": versions(),
            "machine": machine(),
        },
        configuration.network.opening_scale,
        classifier.loss,
        classifier.pooling,
    )


def configured(options: argparse.Namespace) -> Configuration:
    """Return the configuration of the file with the options put over it.

    Parameters
    ----------
    options : argparse.Namespace
        Parsed command line.

    Returns
    -------
    Configuration
        Checked.
    """
    base = Configuration.from_toml(options.config) if options.config else Configuration()
    sections: dict[str, dict[str, Any]] = base.to_dict()
    if options.dataset:
        sections["data"]["dataset"] = options.dataset
    for option, section, key, _, _ in OVERRIDES:
        value = getattr(options, option.removeprefix("--").replace("-", "_"))
        if value is not None:
            sections[section][key] = value
    return Configuration.from_dict(sections)


def progress(
    model: Model,
    validation: LabelledColumns,
    configuration: Configuration,
    quiet: bool,
    first: int = 0,
    stopping: Callable[[], bool] = lambda: False,
) -> Monitor:
    """Return the monitor that measures the validation accuracy and prints a row per iteration.

    On a terminal a line below the rows says what is running and how long it may take; it is written over.

    Parameters
    ----------
    model : Model
        Gives everything but the parameters.
    validation : LabelledColumns
        Validation images and labels.
    configuration : Configuration
        Gives the number of iterations and the memory budget.
    quiet : bool
        Whether to print nothing.
    first : int
        Iterations that were done before.
    stopping : callable
        Whether the run shall stop after this iteration.

    Returns
    -------
    callable
        For :func:`~refms.run.training.train`.
    """
    total = configuration.optimization.iterations
    clock = [time.perf_counter()]  # when the run began and each iteration ended
    if not quiet:
        show_status(f"iteration {first + 1}/{total} is running")

    def monitor(iteration: int, blocks: Mapping[str, Array], rows: tuple[HistoryRow, ...]) -> Report:
        found = score(
            model.with_blocks(blocks), validation.X, validation.C, configuration.optimization.memory
        )
        if not quiet:
            clock.append(time.perf_counter())
            left = time_left([after - before for before, after in pairwise(clock)], total - iteration)
            show_status()
            print(
                f"iteration={iteration}/{total} objective={rows[-1].objective:.6g} "
                f"gradient={rows[0].gradient_norm:.2e} cg={rows[0].cg_iterations} "
                f"step={rows[0].step_length:.3g} validation_loss={found.loss:.6g} "
                f"validation_accuracy={found.accuracy:.4f} seconds={clock[-1] - clock[0]:.1f} "
                f"left={left:.0f}",
                file=sys.stderr,
                flush=True,
            )
            if iteration < total:
                show_status(f"iteration {iteration + 1}/{total} is running, about {duration(left)} left")
        return Report(
            {"validation_accuracy": found.accuracy, "validation_loss": found.loss},
            "Stopped by Ctrl-C; refms train --resume --force goes on." if stopping() else "",
        )

    return monitor


def summarized(
    result: Training, examples: LabelledColumns, validation: LabelledColumns, configuration: Configuration
) -> dict[str, Any]:
    """Return the machine-readable result of a training.

    Parameters
    ----------
    result : Training
        The finished training.
    examples, validation : LabelledColumns
        Both sets.
    configuration : Configuration
        What was asked for.

    Returns
    -------
    dict
        JSON-able.
    """
    memory = configuration.optimization.memory
    rows = [row for row in result.model.history if "validation_accuracy" in row.extra]
    return {
        "grid": list(result.model.grid.shape),
        "configuration": configuration.to_dict(),
        "train": dataclasses.asdict(score(result.model, examples.X, examples.C, memory)),
        "validation": dataclasses.asdict(score(result.model, validation.X, validation.C, memory)),
        "outcome": {"status": str(result.outcome.status), "message": result.outcome.message},
        "notes": list(result.notes),
        "seconds": sum(row.seconds for row in result.model.history),
        "peak_memory_bytes": peak_memory(),
        "work_units": result.model.history.rows[-1].work_units,
        "history": [{"iteration": row.iteration, "objective": row.objective, **row.extra} for row in rows],
    }
