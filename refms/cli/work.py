"""``refms work``: the work units of a training on images, without running it."""

from __future__ import annotations

import argparse

from refms.cli.files import write_json
from refms.cli.options import Commands, add_command
from refms.cli.reconstruct import add_reconstruction_options, read_reconstruction


def register(commands: Commands) -> None:
    """Add ``work`` to the command line."""
    command = add_command(
        commands,
        "work",
        "refms work --estimator full-multiscale --levels 4 --batch 16 --iterations 2000",
        run,
    )
    add_reconstruction_options(command)


def run(options: argparse.Namespace) -> int:
    """Count and print; return 0."""
    from refms.run.plan_work import plan_work, work_table

    found = plan_work(read_reconstruction(options))
    print(work_table(found))
    print(
        f"{found['paper_units']:.10g} work units of [MST] (#WU: losses of a finest image), "
        f"{found['work_units']:.10g} network evaluations with the gradients."
    )
    if found["pilot_paper_units"]:
        print(f"Pilots, counted apart: about {found['pilot_paper_units']:.10g} #WU.")
    write_json(options.json, found)
    return 0
