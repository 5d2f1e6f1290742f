"""``refms compare``: optimisers from the same start on the same problem."""

from __future__ import annotations

import argparse
from pathlib import Path

from refms.cli.files import write_json
from refms.cli.interruption import interruption
from refms.cli.laboratory import bench_of, draw, planned, require_results, teller, write_results
from refms.linear.outcome import Status
from refms.run.bench import Run, measured_run, require_runnable
from refms.run.plan import Plan
from refms.run.results import comparison_artifact, comparison_result, comparison_table


def run(options: argparse.Namespace) -> int:
    """Run all methods and write; return 0, or 1 if one of them met NaN or infinity.

    Ctrl-C ends the run of one method after its iteration, and what was done is written.
    """
    plan, folder = configured(options), Path(options.output)
    require_results(folder, "compare", force=options.force, plot=options.plot)
    bench = bench_of(plan.configuration, options)
    for name in plan.compare.methods:
        require_runnable(bench, name, plan)
    runs = dict[str, Run]()
    with interruption(quiet=options.quiet) as stopping:
        for name in plan.compare.methods:
            tell = teller(name, quiet=options.quiet)
            runs[name] = measured_run(bench, name, plan, plan.compare, tell, stopping)
            if stopping():
                break
    result = comparison_result(plan, runs)
    write_results(folder, result, comparison_artifact(result, runs))
    write_json(options.json, result)
    print(comparison_table(result))
    for name, found in runs.items():
        for sentence in (found.outcome.message, *found.notes):
            print(f"{name}: {sentence}")
    for written in draw(folder, result, wanted=options.plot, force=options.force):
        print(written)
    return int(any(found.outcome.status is Status.NON_FINITE for found in runs.values()))


def configured(options: argparse.Namespace) -> Plan:
    """Return the plan of the file with the options put over it.

    Parameters
    ----------
    options : argparse.Namespace
        Parsed command line.

    Returns
    -------
    Plan
        Checked.
    """
    plan = planned(options)
    if options.methods is not None:
        names = [name.strip() for name in options.methods.split(",") if name.strip()]
        plan = plan.with_value("compare.methods", names)
    if options.iterations is not None:
        plan = plan.with_value("compare.iterations", options.iterations)
    if options.work_units is not None:
        plan = plan.with_value("compare.work_units", options.work_units)
    return plan
