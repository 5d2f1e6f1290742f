"""``refms variance``: whether several meshes pay for a network on a data set."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from refms.cli.files import write_json
from refms.cli.options import Commands, add_command
from refms.cli.plot import is_model
from refms.cli.reconstruct import add_reconstruction_options, put_options_over, read_reconstruction

if TYPE_CHECKING:
    from refms.model import Model
    from refms.run.config.reconstruction import Reconstruction


def register(commands: Commands) -> None:
    """Add ``variance`` to the command line."""
    command = add_command(commands, "variance", "refms variance denoiser.h5 --levels 3 --pilot 32", run)
    add_reconstruction_options(command, "a configuration, whose start is measured, or a model file")


def run(options: argparse.Namespace) -> int:
    """Measure and print; return 0."""
    import datetime

    from refms.environment import machine, versions
    from refms.model_file import load_model
    from refms.run.image_experiment import image_experiment_of
    from refms.run.variance import on_all_levels, variance_report, variance_table

    options.iterations = [1]  # nothing is trained, on however many levels
    model, stage = None, 0
    if options.config and is_model(options.config):
        model = load_model(options.config)
        configuration = _of_model(model, options)
    else:
        configuration = read_reconstruction(options)
    configuration = on_all_levels(configuration)
    experiment = image_experiment_of(configuration, options.data_dir)
    start = experiment.model if model is None else model
    if model is not None:
        stage = model.grid.levels_to(experiment.problem.grid)
    theta = start.architecture.arrays.pack(start.arrays)
    found = variance_report(experiment, theta.astype(experiment.problem.dtype), stage)
    print(f"{found['examples']} examples, 95 % intervals of a bootstrap\n{variance_table(found)}")
    print(found["sentence"])
    about = {"versions": versions(), "machine": machine(), "date": datetime.date.today().isoformat()}
    write_json(options.json, {"kind": "variance", "configuration": configuration.to_dict(), **found, **about})
    return 0


def _of_model(model: Model, options: argparse.Namespace) -> Reconstruction:
    """Return the configuration of a model with the options put over it; its task and network stay."""
    from refms.errors import InputError
    from refms.run.image_experiment import image_configuration_of

    own = image_configuration_of(model)
    asked = put_options_over(own, options)
    if asked.task != own.task:
        raise InputError(
            f"{options.config!r} was trained for the task {own.task.name!r} {dict(own.task.options)}, not "
            f"{asked.task.name!r} {dict(asked.task.options)}; leave out --task and --task-option."
        )
    if asked.network != own.network:
        raise InputError(
            f"{options.config!r} holds another network; leave out --network and --option, or give a "
            "configuration in the place of the model."
        )
    return asked
