"""``refms reconstruct``: a network that restores images, trained on one mesh or several."""

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
    ignore,
    in_processes,
    put_over,
    stopped_by_ctrl_c,
    train_and_save,
)
from refms.environment import peak_memory
from refms.errors import InputError
from refms.io.strict_toml import parse_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from refms.objective.workers import Workers
    from refms.optimize.history import HistoryRow
    from refms.run.config.reconstruction import Reconstruction
    from refms.run.training import Checkpoint, Training


def whole_numbers(text: str) -> list[int]:
    """Return numbers such as those of ``"200,100,50"``."""
    try:
        return [int(word) for word in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no list such as 200,100,50") from error


# option, section, key, type, help
OVERRIDES = (
    ("--task", "task", "name", str, "denoise, deblur, inpaint or super-resolve"),
    ("--size", "data", "size", cells_of, "cells along every axis of the finest mesh, or along each: 32x64"),
    (
        "--pad",
        "data",
        "pad",
        bool,
        "pad images that do not halve as often as asked, by their edge, to the next that do",
    ),
    ("--crop", "data", "crop", bool, "crop them to their middle instead"),
    ("--train", "data", "train", int, "number of training images"),
    ("--validation", "data", "validation", int, "number of validation images"),
    ("--validation-part", "data", "validation_part", str, "test, or train where there is no test part"),
    ("--split-seed", "data", "split_seed", int, "seed of the choice of images"),
    ("--network", "network", "architecture", str, "residual-image, unet, espcn or a registered name"),
    ("--estimator", "multiscale", "estimator", str, "single, mge or full-multiscale"),
    ("--levels", "multiscale", "levels", int, "number of meshes, each half as fine as the one before"),
    ("--batch", "multiscale", "batch", int, "examples of the finest mesh, doubled from mesh to mesh"),
    ("--batches", "multiscale", "batches", whole_numbers, "examples of every mesh instead, finest first"),
    (
        "--iterations",
        "multiscale",
        "iterations",
        whole_numbers,
        "of each stage, coarsest first; one number is halved from stage to stage",
    ),
    ("--window", "multiscale", "window", int, "iterations after which a stage that gains little may end"),
    ("--gain", "multiscale", "gain", float, "relative decrease of the loss in a window, below which it ends"),
    ("--subsampling", "multiscale", "subsampling", str, "coarsen, crop or both"),
    ("--pair", "multiscale", "pair", str, "transfer pair whose R makes images coarser"),
    ("--noise", "multiscale", "noise", str, "carried, kept or stage: how noise goes to coarser meshes"),
    ("--kernel-rule", "multiscale", "kernel_rule", str, "keep or galerkin"),
    ("--kernel-pair", "multiscale", "kernel_pair", str, "transfer pair of Galerkin's rule"),
    ("--allocation", "multiscale", "allocation", str, "fixed, optimal, regressed or adaptive batches"),
    (
        "--coefficients",
        "multiscale",
        "coefficients",
        str,
        "regressed coefficients: global, or one for each of the layers",
    ),
    ("--pilot", "multiscale", "pilot", int, "examples from which variances are estimated"),
    ("--renew", "multiscale", "renew", int, "iterations from one allocation to the next"),
    ("--loss", "optimization", "loss", str, "mean-squares or ssim"),
    ("--learning-rate", "optimization", "learning_rate", float, "at the beginning"),
    ("--schedule", "optimization", "schedule", str, "cosine or constant"),
    ("--order", "optimization", "order", str, "examples of a batch: independent draws, or epochs"),
    ("--every", "optimization", "every", int, "iterations from one row of the history to the next"),
    ("--measure", "optimization", "measure", int, "measure variances and efficiency every K iterations"),
    ("--seed", "optimization", "seed", int, "seed of the initial parameters and of all draws"),
    ("--dtype", "optimization", "dtype", str, "float32 or float64"),
)
"""Options that override entries of the configuration."""


def register(commands: Commands) -> None:
    """Add ``reconstruct`` to the command line."""
    command = add_command(
        commands,
        "reconstruct",
        "refms reconstruct --task denoise --size 16 --option width=8 --iterations 40 -o denoiser.h5",
        run,
    )
    add_reconstruction_options(command)
    add_training_options(command)


def add_reconstruction_options(
    command: argparse.ArgumentParser, text: str = "configuration; options override it"
) -> None:
    """Add the configuration, and the options that override its entries."""
    add_overrides(command, OVERRIDES, text)
    for option, text in (("--option", "field of the network"), ("--task-option", "field of the task")):
        command.add_argument(option, action="append", default=[], metavar="KEY=VALUE", help=text)
    add_options(command, "--dataset", "--data-dir")


def read_reconstruction(options: argparse.Namespace) -> Reconstruction:
    """Return the configuration of the file with the options put over it."""
    from refms.run.config.reconstruction import Reconstruction

    base = Reconstruction.from_toml(options.config) if options.config else Reconstruction()
    return put_options_over(base, options)


def put_options_over(base: Reconstruction, options: argparse.Namespace) -> Reconstruction:
    """Return a configuration with the keys that the command line gives."""
    sections = put_over(base.to_dict(), OVERRIDES, options)
    for section, name in (("network", "architecture"), ("task", "name")):
        if sections[section][name] != getattr(getattr(base, section), name):
            sections[section]["options"] = {}  # the fields of another one
    for section, given in (("network", options.option), ("task", options.task_option)):
        sections[section]["options"] = {**sections[section]["options"], **_fields(given)}
    return type(base).from_dict(sections)


def _fields(given: list[str]) -> dict[str, Any]:
    """Return KEY=VALUE as TOML reads it; a plain word is a text."""
    found: dict[str, Any] = {}
    for text in given:
        key, equals, value = text.partition("=")
        if not (key and equals):
            raise InputError(f"{text!r} is no option of a network or task; expected KEY=VALUE, as width=16.")
        if key in found:
            raise InputError(f"{key!r} is given twice; expected one value for each field.")
        found[key] = parse_value(value, key)
    return found


def run(options: argparse.Namespace) -> int:
    """Train and write; return 0, or 1 if the training met NaN or infinity."""
    return in_processes(options, _run)


def _run(options: argparse.Namespace, workers: Workers) -> int:
    from refms.backend import backend_named
    from refms.linear.outcome import Status
    from refms.run.image_experiment import image_experiment_of
    from refms.run.reconstruction import reconstruct, summary_of

    leads = workers.comm.rank == 0
    configuration = read_reconstruction(options)
    files = claim_output(options, workers, configuration)
    backend = backend_named(options.backend)
    experiment = image_experiment_of(configuration, options.data_dir, backend, workers)

    def work(begin: Checkpoint, stopping: Callable[[], bool], keep: Callable[[Checkpoint], None]) -> Training:
        tell = teller(configuration.plan.total, begin.iteration) if leads and not options.quiet else ignore
        stopped = stopped_by_ctrl_c(options, "reconstruct")
        return reconstruct(experiment, begin, tell, keep, stopping, stopped)

    result = train_and_save(options, workers, files, experiment.model, configuration, work)
    if leads:
        found = summary_of(result, experiment)
        summary = {"model": options.output, **found, "peak_memory_bytes": peak_memory()}
        print(conclusion(summary))
        write_json(options.json, summary)
    return int(result.outcome.status is Status.NON_FINITE)


def teller(total: int, done: int) -> Callable[[HistoryRow], None]:
    """Return what prints a row of the history, and the time that is left."""
    clock = Clock(total, done)

    def tell(row: HistoryRow) -> None:
        clock.tick(row.iteration)
        extra = row.extra
        words = [f"iteration={row.iteration}/{total}", f"level={extra['level']:.0f}"]
        words += [f"objective={row.objective:.6g}", f"work={extra['paper_units']:.6g}"]
        for name in ("validation_loss", "psnr", "ssim", "eta"):
            words += [f"{name}={extra[name]:.4f}"] if name in extra else []
        words += [f"seconds={clock.seconds:.1f}", f"left={clock.left:.0f}"]
        print(" ".join(words), file=sys.stderr, flush=True)
        clock.announce(row.iteration)

    return tell


def conclusion(summary: dict[str, Any]) -> str:
    """Return the last lines of a training: how good the model is, and what it cost."""
    found = summary["validation"]
    ssim = f", SSIM {found['ssim']:.3f}" if found["ssim"] == found["ssim"] else ""
    return (
        f"{summary['model']}: grid {tuple(summary['grid'])}, validation loss {found['loss']:.4f}, "
        f"PSNR {found['psnr']:.2f} dB{ssim}\n"
        f"{summary['paper_units']:.6g} work units of the paper (#WU), {summary['work_units']:.6g} "
        f"evaluations of a finest image\n{summary['outcome']['message']}"
    )
