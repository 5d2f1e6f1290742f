"""``refms compare``: optimisers from the same start on the same problem."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from refms.cli.files import write_json
from refms.cli.interruption import interruption
from refms.cli.options import Commands, add_command, add_list_option, add_options
from refms.cli.result_folder import claim_results, draw, write_results
from refms.names import METHODS

if TYPE_CHECKING:
    from refms.run.compare import Run
    from refms.run.config import Configuration
    from refms.run.experiment import Experiment
    from refms.run.plan import Plan


def register(commands: Commands) -> None:
    """Add ``compare`` to the command line."""
    command = add_command(
        commands,
        "compare",
        "refms config compare --example -o compare.toml\n  refms compare compare.toml -o comparison",
        run,
    )
    add_run_options(command, "compare.json and compare.h5")
    add_list_option(
        command,
        "--methods",
        "NAME,…",
        f"these methods alone, of {', '.join(METHODS)} (default: those of [compare], or all)",
    )
    command.add_argument("--iterations", type=int, metavar="N", help="iterations (epochs) of each method")
    command.add_argument(
        "--work-units",
        type=float,
        metavar="W",
        help="end a run after the iteration in which it has spent W network evaluations of one image",
    )


def add_run_options(command: argparse.ArgumentParser, files: str) -> None:
    """Add the options of a command that writes runs of methods into a folder."""
    command.add_argument("config", metavar="CONFIG.toml", help="configuration with the method's sections")
    add_options(command, "--dataset", "--data-dir")
    command.add_argument(
        "-o", "--output", required=True, metavar="OUT", help=f"folder for {files}; made if it is missing"
    )
    add_options(command, "--backend")
    command.add_argument(
        "--plot",
        action="store_true",
        help="draw the curves into OUT; where matplotlib is installed this is done in any case",
    )
    command.add_argument("--force", action="store_true", help="replace results in OUT")
    command.add_argument("--quiet", action="store_true", help="no progress rows")


def run(options: argparse.Namespace) -> int:
    """Run all methods and write; return 0, or 1 if one of them met NaN or infinity.

    Ctrl-C ends the run of one method after its iteration, and what was done is written.
    """
    from refms.linear.outcome import Status
    from refms.run.compare import require_runnable, run_method
    from refms.run.results import comparison_artifact, comparison_result, comparison_table

    plan = read_plan(options)
    folder = claim_results(options, "compare", force=options.force, plot=options.plot)
    experiment = start_experiment(plan.configuration, options)
    for name in plan.compare.methods:
        require_runnable(experiment, name, plan)
    runs: dict[str, Run] = {}
    with interruption(quiet=options.quiet) as stopping:
        for name in plan.compare.methods:
            tell = teller(name, quiet=options.quiet)
            runs[name] = run_method(experiment, name, plan, plan.compare, tell, stopping)
            if stopping():
                break
    result = comparison_result(plan, runs)
    write_results(folder, result, comparison_artifact(result, runs), force=options.force)
    write_json(options.json, result)
    print(comparison_table(result))
    for name, found in runs.items():
        for sentence in (found.outcome.message, *found.notes):
            print(f"{name}: {sentence}")
    for written in draw(folder, result, wanted=options.plot, force=options.force):
        print(written)
    return int(any(found.outcome.status is Status.NON_FINITE for found in runs.values()))


def read_plan(options: argparse.Namespace) -> Plan:
    """Return the plan of the file with the options put over it."""
    plan = plan_of_file(options)
    given = {"methods": options.methods, "iterations": options.iterations, "work_units": options.work_units}
    for key, value in given.items():
        plan = plan if value is None else plan.with_value(f"compare.{key}", value)
    return plan


def plan_of_file(options: argparse.Namespace) -> Plan:
    """Return the plan of the file, with the data set of the command line."""
    from refms.run.plan import Plan

    plan = Plan.from_toml(options.config)
    return plan.with_value("data.dataset", options.dataset) if options.dataset else plan


def start_experiment(configuration: Configuration, options: argparse.Namespace) -> Experiment:
    """Return data and start of a configuration, the classifier fitted."""
    from refms.backend import backend_named
    from refms.run.experiment import dataset_of, experiment_of

    dataset = dataset_of(configuration, options.data_dir)
    return experiment_of(configuration, dataset, backend_named(options.backend)).fit_classifier()


def teller(name: str, *, quiet: bool) -> Callable[[Mapping[str, float]], None] | None:
    """Return what prints a row for each iteration of a run, or None for nothing."""
    if quiet:
        return None

    def tell(numbers: Mapping[str, float]) -> None:
        sys.stderr.write(
            f"run={name} iteration={numbers['iteration']:.0f} objective={numbers['objective']:.6g} "
            f"gradient={numbers['gradient_norm']:.2e} "
            f"validation_accuracy={numbers['validation_accuracy']:.4f} "
            f"work_units={numbers['work_units']:.6g} seconds={numbers['seconds']:.2f}\n"
        )
        sys.stderr.flush()

    return tell
