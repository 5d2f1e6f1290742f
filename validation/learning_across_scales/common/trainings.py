"""Trainings that leave a file each, so that an interrupted experiment goes on where it stopped."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from refms.cli.files import write_json
from refms.cli.progress import duration, show_status, status_line, time_left
from refms.data.dataset import Dataset, one_hot
from refms.errors import Array, FileError
from refms.io.checkpoint_files import CheckpointFiles
from refms.io.model_file import load_model, save_model
from refms.model import Model, initial_model, score
from refms.objective.batches import LabelledColumns
from refms.objective.shards import Team
from refms.optimize.history import History, HistoryRow
from refms.optimize.schedule import Report
from refms.run.config import Configuration
from refms.run.experiment import split_by
from refms.run.training import Checkpoint, problem_of, train

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
        section, network = configuration.data, configuration.network
        grid = replace(section, size=size).grid(self.dataset.grid)
        levels = grid.levels_to(self.dataset.grid)
        return initial_model(
            network.network(grid),
            self.dataset.classes,
            network.seed,
            replace(section.preprocessing, levels=levels),
            network.stencil_scale,
            configuration.optimization.dtype,
            {"configuration": configuration.to_dict(), "dataset": self.dataset.name},
            network.opening_scale,
            configuration.classifier.loss,
            configuration.classifier.pooling,
        )

    def examples(self, configuration: Configuration, model: Model) -> tuple[LabelledColumns, LabelledColumns]:
        """Return training and validation examples on a model's mesh and in its precision."""
        training, validation = (
            LabelledColumns(
                model.prepare(part), one_hot(part.labels, self.dataset.classes, str(model.W.dtype))
            )
            for part in split_by(configuration.data, self.dataset)
        )
        return training, validation

    def trained(
        self, name: str, configuration: Configuration, start: Model, after: Sequence[int] = ()
    ) -> tuple[Model, dict[str, Any]]:
        """Train from a start, go on with a training that was interrupted, or return what an earlier run left.

        Parameters
        ----------
        name : str
            Of the files in the folder: ``<name>.h5`` (the model) and ``<name>.json`` (its curve), and a
            checkpoint beside them while it is trained.
        configuration : Configuration
            Data, regularisers and optimisation.
        start : Model
            Where to start.
        after : sequence of int
            The meshes or depths that were trained on the way to this start.

        Returns
        -------
        model : Model
            The trained model.
        unit : dict
            ``curve`` (the columns of :data:`CURVE` as lists), ``multiply_adds`` of the network for one image,
            ``outcome`` and ``notes``.

        Raises
        ------
        FileError
            If the folder holds such a training with other settings, and ``force`` is not set.
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
        model, unit = _train(name, configuration, start, self, files)
        save_model(net, model, overwrite=True)
        write_json(str(kept), {"asked": asked, **unit})
        files.remove()
        return model, unit


def _train(
    name: str, configuration: Configuration, start: Model, bench: Bench, files: CheckpointFiles
) -> tuple[Model, dict[str, Any]]:
    examples, validation = bench.examples(configuration, start)
    memory = configuration.optimization.memory
    problem = problem_of(start, examples, configuration.regularization, configuration.optimization)
    at_start = problem.block("joint", start.blocks).value(np.concatenate([*start.blocks.values()]))
    before = score(start, validation.X, validation.C, memory)
    begin = files.newest() if files.existing() else Checkpoint(start)
    cpu_seconds = begin.model.history.rows[-1].extra["cpu_seconds"] if begin.iteration else 0.0
    mark, total = time.process_time(), configuration.optimization.iterations
    clock = [time.perf_counter()]  # when this run began and each iteration ended
    show_status(f"{name}: iteration {begin.iteration + 1}/{total} is running")

    def monitor(iteration: int, blocks: Mapping[str, Array], rows: tuple[HistoryRow, ...]) -> Report:
        nonlocal cpu_seconds, mark
        cpu_seconds += time.process_time() - mark
        clock.append(time.perf_counter())
        found = score(start.with_blocks(blocks), validation.X, validation.C, memory)
        show_status()
        print(
            f"{name}: iteration={iteration}/{total} objective={rows[-1].objective:.6g} "
            f"validation_accuracy={found.accuracy:.4f}",
            flush=True,
        )
        if iteration < total:
            left = time_left([after - before for before, after in pairwise(clock)], total - iteration)
            show_status(f"{name}: iteration {iteration + 1}/{total} is running, about {duration(left)} left")
        mark = time.process_time()
        measured = {"validation_accuracy": found.accuracy, "validation_loss": found.loss}
        return Report({**measured, "cpu_seconds": cpu_seconds})

    team = Team(threads=bench.threads)
    sections = configuration.regularization, configuration.optimization
    with status_line():
        done = train(begin, examples, *sections, monitor, team, files.write)
    seconds, curve = 0.0, [(0, at_start, before.accuracy, before.loss, 0.0, 0.0, 0.0)]
    for row in done.model.history:
        seconds += row.seconds
        if "validation_accuracy" in row.extra:  # the last row of an iteration
            accuracy, loss = row.extra["validation_accuracy"], row.extra["validation_loss"]
            spent = row.work_units, row.extra["cpu_seconds"], seconds
            curve.append((row.iteration, row.objective, accuracy, loss, *spent))
    multiply_adds = problem.network.multiply_adds + problem.classifier.multiply_adds
    return done.model, {
        "examples": {"train": examples.count, "validation": validation.count},
        "curve": dict(zip(CURVE, map(list, zip(*curve, strict=True)), strict=True)),
        "multiply_adds": multiply_adds,
        "outcome": {"status": str(done.outcome.status), "message": done.outcome.message},
        "notes": list(done.notes),
    }
