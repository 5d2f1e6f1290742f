"""``refms study``: values of a parameter, each with several seeds; what is done already is not run again."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refms.cli.compare import add_run_options, plan_of_file, start_experiment, teller
from refms.cli.files import write_json
from refms.cli.interruption import interruption
from refms.cli.options import Commands, add_command
from refms.cli.result_folder import claim_results, draw, write_results
from refms.errors import FileError
from refms.io.strict_json import read_json

if TYPE_CHECKING:
    from refms.run.plan import Plan


def register(commands: Commands) -> None:
    """Add ``study`` to the command line."""
    command = add_command(
        commands,
        "study",
        "refms config study --example -o study.toml\n  refms study study.toml -o study",
        run,
    )
    add_run_options(command, "study.json and study.h5")


def run(options: argparse.Namespace) -> int:
    """Run all values and write after each of them; return 0, or 1 if a run met NaN or infinity.

    Ctrl-C ends the study after the iteration; the run that it cut short is run anew next time.
    """
    from refms.run.compare import CTRL_C, require_runnable, run_method
    from refms.run.results import study_table
    from refms.run.study import points_of

    plan = plan_of_file(options)
    points = points_of(plan)
    folder = claim_results(options, "study", force=True, plot=options.plot)
    runs = _earlier(plan, folder, force=options.force)
    with interruption(quiet=options.quiet) as stopping:
        for point in points:
            if point.name in runs:
                continue
            section = point.section
            experiment = start_experiment(point.plan.configuration, options)
            require_runnable(experiment, section.method, point.plan)
            tell = teller(point.name, quiet=options.quiet)
            found = run_method(experiment, section.method, point.plan, section, tell, stopping)
            if not found.outcome.message.endswith(CTRL_C):
                runs[point.name] = {**found.to_dict(), **point.to_dict()}
                _write(plan, folder, runs)
            if stopping():
                break
    result = _write(plan, folder, runs)
    write_json(options.json, result)
    asked = {point.name: runs[point.name] for point in points if point.name in runs}
    print(study_table({**result, "runs": asked}))
    for written in draw(folder, result, wanted=options.plot, force=True):
        print(written)
    return int(any(found["outcome"]["status"] == "non_finite" for found in asked.values()))


def _write(plan: Plan, folder: Path, runs: dict[str, Any]) -> dict[str, Any]:
    from refms.run.results import study_artifact, study_result

    result = study_result(plan, runs)
    write_results(folder, result, study_artifact(result), force=True)
    return result


def _earlier(plan: Plan, folder: Path, *, force: bool) -> dict[str, Any]:
    """Return the runs that the folder holds already; none with ``--force``."""
    from refms.run.results import LARGEST_RESULT
    from refms.run.study import done_before

    path = folder / "study.json"
    if force or not path.exists():
        return {}
    result = read_json(path, LARGEST_RESULT, "a result")
    if not isinstance(result, dict):
        raise FileError(f"{str(path)!r} holds no study; choose another folder, or --force to begin anew.")
    return done_before(result, plan, str(path))
