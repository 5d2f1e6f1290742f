"""Change refms' own core in thousands of small ways and count how many of these mutants its tests notice.

    python scripts/mutation_score.py --jobs 2                 # all of them; publishes the result
    python scripts/mutation_score.py --jobs 2 --again RESULT  # survivors and changed modules; publishes, too
    python scripts/mutation_score.py --only MODULE [--sample N --seed S] [-o FILE]
    python scripts/mutation_score.py --table          # write validation/conformance/MUTATION.md from its JSON

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

_CONVOLUTION = ("tests/stencils/test_convolution.py", "tests/stencils/routes/test_choice.py")
_ROUTES = tuple(f"tests/stencils/routes/test_{name}.py" for name in ("routes", "table", "runs", "choice"))
_CONTRACT = ("tests/network/test_mapping_contract.py",)
_LOSSES = ("tests/objective/losses/test_separable.py",)
_EULER = ("tests/network/test_propagation.py", *_CONTRACT)

MODULES: dict[str, tuple[str, ...]] = {
    "refms/stencils/assembly.py": ("tests/stencils/test_assembly.py",),
    "refms/stencils/convolution.py": _CONVOLUTION,
    "refms/stencils/differences.py": ("tests/stencils/test_differences.py",),
    "refms/stencils/galerkin.py": ("tests/stencils/test_galerkin.py",),
    "refms/stencils/kronecker.py": ("tests/stencils/test_kronecker.py",),
    "refms/stencils/patches.py": ("tests/stencils/test_patches.py",),
    "refms/stencils/smoothing.py": ("tests/stencils/test_smoothing.py",),
    "refms/stencils/symbol.py": ("tests/stencils/test_symbol.py",),
    "refms/stencils/transfer.py": ("tests/stencils/test_transfer.py",),
    "refms/stencils/routes/explicit.py": _ROUTES,
    "refms/stencils/routes/fourier.py": _ROUTES,
    "refms/stencils/routes/patches.py": _ROUTES,
    "refms/stencils/routes/route.py": _ROUTES,
    "refms/stencils/routes/runs.py": _ROUTES,
    "refms/stencils/routes/table.py": _ROUTES,
    "refms/multiscale/depth.py": ("tests/multiscale/test_depth.py",),
    "refms/multiscale/resolution.py": (
        "tests/multiscale/test_coarse_to_fine.py",
        "tests/multiscale/test_resolution.py",
    ),
    "refms/network/activation.py": ("tests/network/test_activation.py",),
    "refms/network/checkpointing.py": ("tests/network/test_checkpointing.py", *_EULER),
    "refms/network/composition.py": _CONTRACT,
    "refms/network/euler_step.py": _EULER,
    "refms/network/layers/convolution_layer.py": _CONTRACT,
    "refms/network/layers/convolution_step.py": _EULER,
    "refms/network/layers/opening.py": _CONTRACT,
    "refms/network/layers/pooling.py": ("tests/network/test_pooling.py", *_CONTRACT),
    "refms/network/parameters.py": ("tests/network/test_parameters.py",),
    "refms/network/propagation.py": _EULER,
    "refms/objective/classifier.py": ("tests/objective/test_classifier.py", *_CONTRACT),
    "refms/objective/losses/least_squares.py": _LOSSES,
    "refms/objective/losses/logistic.py": _LOSSES,
    "refms/objective/losses/separable.py": _LOSSES,
    "refms/objective/losses/smooth_hinge.py": _LOSSES,
    "refms/objective/losses/softmax.py": ("tests/objective/losses/test_softmax.py", *_LOSSES),
    "refms/objective/regularizers.py": ("tests/objective/test_regularizers.py",),
    "refms/linear/cg.py": ("tests/linear/test_cg.py",),
    "refms/optimize/line_search.py": ("tests/optimize/test_line_search.py",),
}
"""What is mutated, and the test files that mirror it, which are asked first; its own doctests are too.

The compiled kernels are not: numba would have to compile every mutant. Nor is the contract in mapping.py,
which is nothing but Protocol classes.
"""

SURVIVED = "survived"

SUITE = ("checks", "multiscale", "network", "linear", "objective", "optimize", "stencils")
"""The folders of tests that are asked at all."""

MORE_TESTS = ("tests/test_value_objects.py", "tests/test_public_inputs.py")
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
    that only look at its values, and to those of all value objects.
    """
    files = {*MODULES[mutant.module], mutant.module}
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
    earlier = json.loads(options.again.read_text(encoding="utf-8"))["modules"] if options.again else {}
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
    again = before.get("sha256") == digest and before["mutants"] == before["population"] == len(everything)
    if again:
        known = {(row["function"], row["before"], row["after"]) for row in before["survivors"]}
        mutants = [each for each in everything if (each.function, each.before, each.after) in known]
    elif options.sample is not None and options.sample < len(everything):
        places = random.Random(f"{options.seed} {module}").sample(range(len(everything)), options.sample)
        mutants = [everything[place] for place in sorted(places)]
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
    """Write the table of the published result."""
    TABLE.write_text(publishing.text(), encoding="utf-8")


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
    top.add_argument("--table", action="store_true", help="only write the table of the published result")
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = parser().parse_args(arguments)
    if options.table:
        write_table()
        return 0
    for name in ("sample", "jobs"):
        if getattr(options, name) is not None and getattr(options, name) < 1:
            print(f"--{name} is {getattr(options, name)}; expected 1 or more.", file=sys.stderr)
            return 2
    try:
        result = score(options)
    except (ImportError, OSError, RuntimeError, subprocess.CalledProcessError) as error:
        print(f"no mutation score: {error}", file=sys.stderr)
        return 2
    everything = options.only is None and options.sample is None
    if output := options.output or (RESULT if everything else None):
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    if everything and output == RESULT:
        write_table()
    wrong = publishing.complaints(result, publishing.read_reasons())
    print(*wrong, sep="\n")
    sums = publishing.counts(result["modules"].values(), 0)
    print(f"{sums['mutants']} mutants, {sums['survivors']} survive: {100 * sums['raw']:.1f} % noticed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
