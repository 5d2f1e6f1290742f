"""Trainings that leave a file each, so that an interrupted experiment goes on where it stopped."""

import contextlib
import json
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from refms.cli.files import write_json
from refms.cli.progress import Clock, status_line
from refms.data.dataset import Dataset
from refms.errors import Array, FileError, InputError
from refms.grid import Grid
from refms.model import Model
from refms.model_file import load_model, save_model
from refms.objective.examples import Examples
from refms.objective.problem import JOINT
from refms.objective.workers import Workers
from refms.optimize.history import History, HistoryRow
from refms.optimize.loop import Monitor, Observation
from refms.run.checkpoint_files import CheckpointFiles
from refms.run.config import Configuration
from refms.run.epochs import examples_by_epoch, train_by_epochs
from refms.run.experiment import Experiment, examples_of, split_by, start_of
from refms.run.training import Checkpoint, Training, train
from refms.stencils.resize import resize_matrix

CURVE = (
    "iteration",
    "objective",
    "validation_accuracy",
    "validation_loss",
    "work_units",
    "cpu_seconds",
    "seconds",
)
"""Columns of a training's curve; its first row is the start, before any step. Work, processor time of all
threads, and wall time count what training took, without the measurements."""


@dataclass(frozen=True)
class Bench:
    """Where nets are trained: a folder in which every training leaves its model and its curve.

    Parameters
    ----------
    out : Path
        The folder; it exists.
    dataset : Dataset
        All images.
    force : bool
        Whether a training made with other settings may be replaced.
    threads : int
        Threads that share the examples; the nets do not depend on their number.
    """

    out: Path
    dataset: Dataset
    force: bool = False
    threads: int = 1

    @property
    def fingerprint(self) -> str:
        """Name, number and checksum of images and labels: two data sets may have the same name."""
        checksum = zlib.crc32(self.dataset.labels.tobytes(), zlib.crc32(self.dataset.images.tobytes()))
        return f"{self.dataset.name}, {self.dataset.count} images, crc32 {checksum:08x}"

    def start(self, configuration: Configuration, size: int) -> Model:
        """Return the random start on a mesh of ``size`` cells along each axis."""
        return start_of(replace(configuration, data=replace(configuration.data, size=size)), self.dataset)

    def examples(self, configuration: Configuration, model: Model) -> tuple[Examples, Examples]:
        """Return training and validation examples on a model's mesh and in its precision."""
        training, validation = (
            resized(part, model.grid) for part in split_by(configuration.data, self.dataset)
        )
        return examples_of(model, training), examples_of(model, validation)

    def trained(
        self, name: str, configuration: Configuration, start: Model, after: Sequence[int] = ()
    ) -> tuple[Model, dict[str, Any]]:
        """Train from a start, go on with a training that was interrupted, or return what an earlier run left.

        The folder gets ``<name>.h5`` (the model) and ``<name>.json`` (its unit), and a checkpoint beside them
        while it is trained. The unit is ``curve`` (the columns of :data:`CURVE` as lists), ``multiply_adds``
        of the network for one image, ``outcome`` and ``notes``. ``after`` are the meshes or depths that were
        trained on the way to this start. Raises FileError if the folder holds such a training with other
        settings, and ``force`` is not set.
        """
        kept, net = self.out / f"{name}.json", self.out / f"{name}.h5"
        files = CheckpointFiles(net, kept=1)
        asked = {"configuration": configuration.to_dict(), "images": self.fingerprint, "after": [*after]}
        if kept.exists():
            found = json.loads(kept.read_text(encoding="utf-8"))
            if found.get("asked") == asked:
                print(f"{name}: found in {self.out}", flush=True)
                return load_model(net), found
        # a net without its curve was left by a run that ended between the two, and is made again
        left = [*files.existing(), *([net] if net.exists() else [])]
        ours = not kept.exists() and all(load_model(one).record.get("asked") == asked for one in left)
        if (kept.exists() or left) and not (ours or self.force):
            raise FileError(
                f"{str(net)!r}, its .json or a checkpoint beside it was made with other settings; choose "
                "another folder, or --force to replace them."
            )
        if not ours:
            files.remove()
        start = replace(start, record={**start.record, "asked": asked}, history=History())  # a new curve
        experiment = Experiment(configuration, start, *self.examples(configuration, start))
        done = _train(name, experiment, self.dataset, files, Workers(threads=self.threads))
        unit = _unit(done, experiment)
        save_model(net, done.model, overwrite=True)
        write_json(str(kept), {"asked": asked, **unit})
        files.remove()
        return done.model, unit


def resized(dataset: Dataset, grid: Grid) -> Dataset:
    """Return images by means over the cells of a mesh to which halving does not lead; else as they are."""
    with contextlib.suppress(InputError):
        grid.levels_to(dataset.grid)
        return dataset
    A = resize_matrix(dataset.grid, grid, "area", dtype="float32")
    columns = dataset.images.reshape(-1, dataset.grid.cells).astype("float32").T
    images = (A @ columns).T.reshape(dataset.count, dataset.channels, *grid.shape)
    return replace(dataset, images=np.ascontiguousarray(images))


def _train(
    name: str, experiment: Experiment, dataset: Dataset, files: CheckpointFiles, workers: Workers
) -> Training:
    """Train, or go on from the newest checkpoint; each iteration prints a row and leaves a checkpoint."""
    begin = files.newest() if files.existing() else Checkpoint(experiment.model)
    configuration, start = experiment.configuration, experiment.model
    with status_line():
        monitor = _measuring(name, experiment, begin)
        if configuration.stochastic.method == "none":
            sections = configuration.regularization, configuration.optimization
            return train(begin, experiment.examples, *sections, monitor, workers, files.write)
        part = split_by(configuration.data, dataset)[0]
        examples = examples_by_epoch(start, part, configuration, lambda images: resized(images, start.grid))
        return train_by_epochs(begin, examples, configuration, monitor, workers, files.write)


def _measuring(name: str, experiment: Experiment, begin: Checkpoint) -> Monitor:
    total = experiment.configuration.optimization.iterations
    cpu_seconds = begin.model.history.rows[-1].extra["cpu_seconds"] if begin.iteration else 0.0
    mark, clock = time.process_time(), Clock(total, begin.iteration, f"{name}: ")

    def monitor(iteration: int, blocks: Mapping[str, Array], rows: tuple[HistoryRow, ...]) -> Observation:
        nonlocal cpu_seconds, mark
        cpu_seconds += time.process_time() - mark
        found = experiment.score(experiment.model.with_blocks(blocks))
        clock.tick(iteration)
        print(
            f"{name}: iteration={iteration}/{total} objective={rows[-1].objective:.6g} "
            f"validation_accuracy={found.accuracy:.4f}",
            flush=True,
        )
        clock.announce(iteration)
        mark = time.process_time()
        measured = {"validation_accuracy": found.accuracy, "validation_loss": found.loss}
        return Observation({**measured, "cpu_seconds": cpu_seconds})

    return monitor


def _unit(done: Training, experiment: Experiment) -> dict[str, Any]:
    """Return what a training leaves beside its model."""
    start, problem = experiment.model, experiment.problem
    before = experiment.score(start)
    at_start = problem.block(JOINT, start.blocks).value(problem.join(start.blocks))
    seconds, curve = 0.0, [(0, at_start, before.accuracy, before.loss, 0.0, 0.0, 0.0)]
    for row in done.model.history:
        seconds += row.seconds
        if "validation_accuracy" in row.extra:  # the last row of an iteration
            accuracy, loss = row.extra["validation_accuracy"], row.extra["validation_loss"]
            spent = row.work_units, row.extra["cpu_seconds"], seconds
            curve.append((row.iteration, row.objective, accuracy, loss, *spent))
    return {
        "examples": {"train": experiment.examples.count, "validation": experiment.validation.count},
        "curve": dict(zip(CURVE, map(list, zip(*curve, strict=True)), strict=True)),
        "multiply_adds": sum(block.map.multiply_adds for block in problem.blocks.values()),
        "outcome": done.outcome.to_dict(),
        "notes": list(done.notes),
    }
