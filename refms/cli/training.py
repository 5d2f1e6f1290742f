"""What the commands that train share: options, processes, and a training that stops, goes on and is saved."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refms.cli.files import claim, require_target
from refms.cli.interruption import interruption
from refms.cli.options import add_options
from refms.cli.progress import status_line

if TYPE_CHECKING:
    from refms.model import Model
    from refms.objective.workers import Workers
    from refms.run.checkpoint_files import CheckpointFiles
    from refms.run.config.sections import Sections
    from refms.run.training import Checkpoint, Training

    Work = Callable[[Checkpoint, Callable[[], bool], Callable[[Checkpoint], None]], Training]
    """From where to begin, what tells whether to stop, and what keeps checkpoints, to what was trained."""

Override = tuple[str, str, str, Any, str]
"""Option, section, key, type and help of a key that the command line may give."""


def add_overrides(
    command: argparse.ArgumentParser,
    overrides: Iterable[Override],
    text: str = "configuration; options override it",
) -> None:
    """Add the configuration and the options that override its entries."""
    command.add_argument("config", nargs="?", metavar="CONFIG.toml", help=text)
    for option, _, _, kind, text in overrides:
        given: dict[str, Any] = {"type": kind}
        if kind is bool:
            given = {"action": argparse.BooleanOptionalAction}
        command.add_argument(option, help=text, **given)


def add_training_options(command: argparse.ArgumentParser) -> None:
    """Add the output, who computes, and what is kept for another start."""
    command.add_argument(
        "-o", "--output", default="model.h5", metavar="OUT", help="model file (default: model.h5)"
    )
    command.add_argument(
        "--threads",
        type=int,
        default=1,
        help="threads of this process, or of each where mpiexec starts several (extra mpi); the model does "
        "not depend on their number (default: 1)",
    )
    add_options(command, "--backend")
    command.add_argument(
        "--cuda-aware",
        action="store_true",
        help="with mpiexec and CuPy: hand arrays of the GPU to an MPI that was built for that",
    )
    command.add_argument(
        "--allreduce",
        action="store_true",
        help="with mpiexec: add by one allreduce, which is faster for many processes, but the bits then "
        "depend on their number",
    )
    command.add_argument(
        "--checkpoints",
        type=int,
        default=2,
        metavar="K",
        help="keep the last K iterations beside OUT until it is written; 0 keeps none (default: 2)",
    )
    command.add_argument(
        "--resume",
        action="store_true",
        help="go on from the newest checkpoint of OUT, or with more iterations from OUT itself, bit for bit "
        "as if the training had never stopped",
    )
    command.add_argument(
        "--force", action="store_true", help="replace OUT, and checkpoints of it, if they exist"
    )
    command.add_argument("--quiet", action="store_true", help="no progress rows")


def in_processes(options: argparse.Namespace, work: Callable[[argparse.Namespace, Workers], int]) -> int:
    """Return the exit code of a training.

    Where mpiexec started several processes, all of them compute, and the first one prints and writes.
    """
    from refms.errors import require_whole
    from refms.objective.workers import Workers
    from refms.parallel import communicator

    require_whole(options.threads, "threads", 1)
    comm = communicator(reproducible=not options.allreduce, cuda_aware=options.cuda_aware)
    try:
        return work(options, Workers(comm, options.threads))
    except (Exception, KeyboardInterrupt) as error:
        if comm.size > 1:  # the others would wait for this process for ever
            reason = str(error) or type(error).__name__
            print(f"refms: process {comm.rank} of {comm.size}: {reason}", file=sys.stderr, flush=True)
            comm.abort(2)
        raise


def claim_output(options: argparse.Namespace, workers: Workers, configuration: Sections) -> CheckpointFiles:
    """Return the checkpoints of ``--output``, which the leading process claims with the last of them."""
    from refms.errors import require_whole
    from refms.run.checkpoint_files import CheckpointFiles
    from refms.run.resume import require_free

    files = CheckpointFiles(Path(options.output), max(options.checkpoints, 1))
    if workers.comm.rank == 0:
        require_whole(options.checkpoints, "checkpoints", 0)
        claim(options, options.output)
        require_target(files.path(configuration.iterations), force=True)
        if not options.resume:
            require_free(files, force=options.force)
    return files


def train_and_save(
    options: argparse.Namespace,
    workers: Workers,
    files: CheckpointFiles,
    start: Model,
    configuration: Sections,
    work: Work,
) -> Training:
    """Return what came of the start or, with ``--resume``, of the newest checkpoint; it is saved.

    Checkpoints go once the model is written, unless the training was stopped or met NaN. Where more
    iterations may follow, the model says from where.
    """
    from dataclasses import replace

    from refms.linear.outcome import Status
    from refms.model_file import save_model
    from refms.run.checkpoint_files import record_of_checkpoint
    from refms.run.resume import newest_checkpoint, way_on
    from refms.run.training import Checkpoint

    leads, begin = workers.comm.rank == 0, Checkpoint(start)
    if options.resume:
        begin = newest_checkpoint(files, start, configuration)
        begin = replace(begin, model=begin.model.on(start.backend))
    elif leads:
        files.remove()
    # Where several processes step together, none may stop alone: there Ctrl-C ends all of them at once.
    wish = interruption(quiet=options.quiet) if workers.comm.size == 1 else nullcontext(lambda: False)
    with way_on(files), status_line(), wish as stopping:
        result = work(begin, stopping, files.write if leads and options.checkpoints else ignore)
    if leads:
        record = {**result.model.record, "outcome": result.outcome.to_dict()}
        if result.checkpoint is not None:
            record |= record_of_checkpoint(result.checkpoint)
        with way_on(files):
            save_model(options.output, replace(result.model, record=record), overwrite=options.force)
        if result.outcome.status not in (Status.STOPPED, Status.NON_FINITE):
            files.remove()
    return result


def ignore(_: object) -> None:
    """Say nothing, keep nothing."""


def stopped_by_ctrl_c(options: argparse.Namespace, command: str) -> str:
    """Return what the outcome of a training says that Ctrl-C ended."""
    way_on = f"; refms {command} --resume --force goes on." if options.checkpoints else "."
    return f"Stopped by Ctrl-C{way_on}"


def put_over(
    sections: dict[str, dict[str, Any]], overrides: Iterable[Override], options: argparse.Namespace
) -> dict[str, dict[str, Any]]:
    """Return a configuration's sections with the keys that the command line gives."""
    if options.dataset:
        sections["data"]["dataset"] = options.dataset
    for option, section, key, _, _ in overrides:
        value = getattr(options, option.removeprefix("--").replace("-", "_"))
        if value is not None:
            sections[section][key] = value
    return sections
