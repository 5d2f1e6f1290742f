"""Change refms' own core in thousands of small ways and count how many of these mutants its tests notice.

    python scripts/mutation_score.py --jobs 2                 # all of them; publishes the result
    python scripts/mutation_score.py --jobs 2 --again RESULT  # survivors and changed modules; publishes, too
    python scripts/mutation_score.py [--only MODULE] [--sample N --seed S] [-o FILE]
    python scripts/mutation_score.py --table          # explain the survivors, and write MUTATION.md
    python scripts/mutation_score.py --places         # tell reasons whose lines are gone

Needs the extra `mutation`: pip install -e '.[mutation]'. Tests run in a copy of this tree in a
temporary folder; nothing in this tree is changed but the result. Ends with 0; with 1 if a mutant survives
without a reason in mutation/reasons.toml, or if a reason there fits no survivor; with 2 if it cannot start.
"""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TABLE = ROOT / "validation" / "conformance" / "MUTATION.md"

sys.path.insert(0, str(Path(__file__).resolve().parent))  # for those who load this file by its path

from mutation import publishing  # noqa: E402  (its path comes first)
from mutation.publishing import RESULT  # noqa: E402

FOLDERS = ("stencils", "maps", "objective", "linear", "optimize", "multiscale")
COMPILED = ("kernels.py", "microkernel.py", "compiled.py")
MODULES = tuple(
    str(path.relative_to(ROOT))
    for folder in FOLDERS
    for path in sorted((ROOT / "refms" / folder).rglob("*.py"))
    if path.name not in ("__init__.py", *COMPILED)
)
"""What is mutated: the core as it is. Not the compiled kernels: numba would have to compile every mutant."""


MIRRORS = {
    "refms/stencils/shuffle.py": ("tests/stencils/test_resize.py",),
    "refms/stencils/routes/": ("tests/stencils/routes/test_routes.py", "tests/stencils/routes/test_table.py"),
    "refms/maps/": ("tests/maps/test_contract.py",),
    "refms/maps/chain.py": ("tests/maps/test_checkpointing.py",),
    "refms/maps/parameters.py": ("tests/maps/test_checkpointing.py",),
    "refms/maps/layers/linear.py": ("tests/maps/test_pooling.py",),
    "refms/maps/time/": ("tests/maps/test_propagation.py", "tests/maps/time/test_orders.py"),
    "refms/objective/classifier.py": ("tests/maps/test_contract.py",),
    "refms/objective/losses/": ("tests/objective/losses/test_separable.py",),
    "refms/objective/": ("tests/objective/test_problem.py",),
    "refms/linear/": ("tests/linear/test_trust.py",),
    "refms/optimize/": ("tests/optimize/test_trust.py",),
    "refms/multiscale/": ("tests/multiscale/test_estimation.py",),
    "refms/multiscale/resolution.py": ("tests/multiscale/test_coarse_to_fine.py",),
}
"""Module or folder -> tests that mirror it besides the file of its own name; they are asked first."""


def mirrors(module: str) -> list[str]:
    """Return the test files that mirror a module: the one of its name, if there is one, and ``MIRRORS``."""
    path = Path(module)
    own = Path("tests", *path.parent.parts[1:], f"test_{path.name}")
    more = [test for place, tests in MIRRORS.items() if module.startswith(place) for test in tests]
    return list(dict.fromkeys([*([str(own)] if (ROOT / own).is_file() else []), *more]))


SURVIVED = "survived"

SUITE = ("checks", "linear", "maps", "multiscale", "objective", "optimize", "stencils")
"""The folders of tests that are asked at all."""

MORE_TESTS = ("tests/test_public_inputs.py", "tests/test_architectures.py", "tests/test_model.py")
"""And single files."""


def copy_of_project(target: Path) -> None:
    """Copy the files of this tree, as they are now, but for those that git ignores, into a folder."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target / name)


def suite_of(folder: Path) -> list[str]:
    """Return the test files that are asked, and the mutated modules for their doctests."""
    files = [
        str(path.relative_to(folder))
        for name in SUITE
        for path in (folder / "tests" / name).rglob("test_*.py")
    ]
    return [*sorted(files), *MORE_TESTS, *MODULES]


def stages(mutant: Any, tests: dict[str, dict[str, Any]]) -> tuple[list[str], list[str]]:
    """Return the module's own tests that run the changed lines, and all others that do, the quick ones first.

    Lines that run when the module is imported belong to all tests that run anything of the module, to its own
    that only look at its values, and to those of all bad inputs.
    """
    files = {*mirrors(mutant.module), mutant.module}
    changed = range(mutant.lines[0], mutant.lines[1] + 1)
    lines = {name: test["lines"].get(mutant.module, []) for name, test in tests.items()}
    running = {name for name, run in lines.items() if not set(run).isdisjoint(changed)}
    if not running or not mutant.function:
        running |= {name for name, run in lines.items() if run or _file(name) in {*files, *MORE_TESTS}}
    own = {name for name in running if _file(name) in files}
    first, second = (sorted(part, key=lambda name: tests[name]["seconds"]) for part in (own, running - own))
    return first, second


def _file(test: str) -> str:
    return test.partition("::")[0]


def fate(mutant: Any, tests: dict[str, dict[str, Any]], folder: Path) -> str:
    """Return ``own tests``, ``other tests`` or ``verify`` (who noticed), ``timed out``, or ``survived``."""
    from mutation import trials

    seconds = {name: test["seconds"] for name, test in tests.items()}
    own, others = stages(mutant, tests)
    with trials.replaced(folder / mutant.module, mutant.source):
        for who, chosen in (("own tests", own), ("other tests", others)):
            outcome = trials.run_tests(chosen, seconds, folder) if chosen else trials.PASSED
            if outcome != trials.PASSED:
                return who if outcome == trials.FAILED else outcome
        outcome = trials.run_verify(folder)
    return {trials.PASSED: SURVIVED, trials.FAILED: "verify"}.get(outcome, outcome)


def score(options: argparse.Namespace) -> dict[str, Any]:
    """Run the mutants in copies of the project and return the result."""
    from mutation import trials

    started = time.monotonic()
    trials.import_what_tests_import()
    chosen = [name for name in MODULES if options.only in (None, name)]
    earlier = _earlier(options)
    with tempfile.TemporaryDirectory(prefix="mutation-") as name:
        folder = Path(name).resolve()
        copy_of_project(folder)
        tests = trials.measure(suite_of(folder), chosen, folder)
        print(f"{len(tests)} tests pass without a mutant, {time.monotonic() - started:.0f} s", flush=True)
        work = partial(_module, tests=tests, folder=folder, options=options, earlier=earlier)
        with ProcessPoolExecutor(options.jobs, mp_context=get_context("fork")) as pool:
            modules = dict(zip(chosen, pool.map(work, chosen), strict=True))
    return {
        **_circumstances(),
        "tests": len(tests),
        "sample": options.sample,
        "seed": options.seed,
        "seconds": sum(found["seconds"] for found in modules.values()),
        "modules": modules,
    }


def _earlier(options: argparse.Namespace) -> dict[str, Any]:
    """Return what was found of each module earlier, of the same sample."""
    if options.again is None:
        return {}
    found = json.loads(options.again.read_text(encoding="utf-8"))
    if (found["sample"], found["seed"]) != (options.sample, options.seed):
        raise OSError(
            f"{str(options.again)!r} has --sample {found['sample']} --seed {found['seed']}; "
            "ask for the same sample, or leave out --again."
        )
    modules: dict[str, Any] = found["modules"]
    return modules


def _module(
    module: str,
    *,
    tests: dict[str, dict[str, Any]],
    folder: Path,
    options: argparse.Namespace,
    earlier: dict[str, Any],
) -> dict[str, Any]:
    """Run the chosen mutants of one module in a copy of its own and return what became of them.

    Of a module that has not changed since an earlier result only the survivors are run again: tests are
    added, so what was noticed once still is.
    """
    from mutation import sites

    begun = time.monotonic()
    source = (folder / module).read_text(encoding="utf-8")
    digest = hashlib.sha256(source.encode()).hexdigest()
    everything = sites.mutants_of(module, source)
    mutants = everything
    before = earlier.get(module, {})
    again = before.get("sha256") == digest and before["population"] == len(everything)
    if again:
        known = {(row["function"], row["before"], row["after"]) for row in before["survivors"]}
        mutants = [each for each in everything if (each.function, each.before, each.after) in known]
    elif options.sample is not None and options.sample < len(everything):
        mixed = random.Random(f"{options.seed} {module}").sample(range(len(everything)), len(everything))
        mutants = [everything[place] for place in sorted(mixed[: options.sample])]  # a larger sample holds it
    fates: Counter[str] = Counter(before["noticed"] if again else {})
    survivors = []
    with tempfile.TemporaryDirectory(prefix="mutation-") as name:
        copy = Path(name).resolve() / "copy"
        shutil.copytree(folder, copy)
        for mutant in mutants:
            found = fate(mutant, tests, copy)
            fates[found] += 1
            if found == SURVIVED:
                survivors.append(
                    {
                        "line": mutant.line,
                        "function": mutant.function,
                        "before": mutant.before,
                        "after": mutant.after,
                    }
                )
                print(f"  {module}:{mutant.line}: {mutant.before}  ->  {mutant.after}", flush=True)
    seconds = round(time.monotonic() - begun)
    print(f"{module}: {len(mutants)} mutants, {len(survivors)} survive, {seconds} s", flush=True)
    return {
        "sha256": digest,
        "population": len(everything),
        "mutants": sum(fates.values()),
        "noticed": {who: fates[who] for who in publishing.NOTICED},
        "seconds": seconds + (before["seconds"] if again else 0),
        "survivors": survivors,
    }


def _circumstances() -> dict[str, Any]:
    """Return date, machine and versions; refms may come in now that no process is forked any more."""
    from importlib.metadata import version

    from refms import environment

    tools = ("mutmut", "libcst", "pytest", "hypothesis", "coverage")
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": environment.machine(),
        "versions": {**environment.versions(), **{tool: version(tool) for tool in tools}},
        "command": " ".join(["python", "scripts/mutation_score.py", *sys.argv[1:]]),
    }


def write_table() -> None:
    """Explain the survivors of the published result by the reasons as they are now, and write its table."""
    result = publishing.explain(json.loads(RESULT.read_text(encoding="utf-8")), publishing.read_reasons())
    _write_result(RESULT, result)
    TABLE.write_text(publishing.text(), encoding="utf-8")


def _write_result(path: Path, result: dict[str, Any]) -> None:
    path.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    top.add_argument(
        "--only",
        choices=sorted(MODULES),
        metavar="MODULE",
        help="one module, such as refms/linear/cg.py",
    )
    top.add_argument(
        "--sample", type=int, metavar="N", help="at most N mutants of each module, drawn uniformly"
    )
    top.add_argument("--seed", type=int, default=0, metavar="S", help="seed of the sample (default: 0)")
    top.add_argument("--jobs", type=int, default=1, metavar="N", help="processes (default: 1)")
    top.add_argument(
        "--again",
        type=Path,
        metavar="RESULT",
        help="bring an earlier result up to date: run what survived in it, and all of modules changed since",
    )
    top.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="where the JSON goes (default: a run of everything publishes, any other writes nothing)",
    )
    top.add_argument(
        "--table", action="store_true", help="only explain the published result, and write its table"
    )
    top.add_argument("--places", action="store_true", help="only say which reasons name lines that are gone")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parser().parse_args(arguments)
    if options.table:
        write_table()
        return 0
    reasons = publishing.read_reasons()
    if options.places:
        lost = publishing.lost_places(reasons, ROOT)
        print(*lost, sep="\n")
        return 1 if lost else 0
    for name in ("sample", "jobs"):
        if getattr(options, name) is not None and getattr(options, name) < 1:
            print(f"--{name} is {getattr(options, name)}; expected 1 or more.", file=sys.stderr)
            return 2
    try:
        result = publishing.explain(score(options), reasons)
    except (ImportError, OSError, RuntimeError, subprocess.CalledProcessError) as error:
        print(f"no mutation score: {error}", file=sys.stderr)
        return 2
    everything = options.only is None and options.sample is None
    if output := options.output or (RESULT if everything else None):
        output.parent.mkdir(parents=True, exist_ok=True)
        _write_result(output, result)
    if everything and output == RESULT:
        write_table()
    wrong = publishing.complaints(result, reasons)
    print(*wrong, sep="\n")
    sums = publishing.counts(result["modules"].values(), 0)
    print(f"{sums['mutants']} mutants, {sums['survivors']} survive: {100 * sums['raw']:.1f} % noticed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
