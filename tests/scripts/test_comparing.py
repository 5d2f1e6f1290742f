"""Sizes, calls and two versions: what is counted, and how versions take turns."""

import subprocess
import sys
from pathlib import Path

import calls
import numpy as np
import pytest
import sizes
from versions import pairs, trainings
from versions.checkout import checkout
from versions.worker import OPERATIONS

ROOT = Path(__file__).resolve().parents[2]


def test_lines_are_code_docstrings_or_the_rest():
    source = '"""Head."""\n\nclass A:\n    """Body\n    of two."""\n\n    x = """\n    text"""  # said\n'
    assert sizes.size_of(source) == sizes.Size(1, 8, 3, 3, 2, 1, 0)


def test_parts_long_functions_and_long_files_are_listed(tmp_path):
    (tmp_path / "refms").mkdir()
    (tmp_path / "refms" / "long.py").write_text("def f():\n" + "    x = 1\n" * 420)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "a.py").write_text("def g():\n    return 1\n")
    found = sizes.report(tmp_path)
    assert {name: part.code for name, part in found.parts.items()} == {"refms": 421, "tests": 2, "all": 423}
    assert [(length, where.split()[-1]) for length, where in found.long_functions] == [(421, "f")]
    assert [length for length, _ in found.long_files] == [421]
    assert "1 files of more than 400 lines" in str(found)


def test_calls_are_those_of_refms_and_end_where_they_are_asked_to():
    from refms.grid import Grid

    found = calls.calls_of(lambda: (Grid((4, 4)).cells, sorted([2, 1])))
    assert found["function", "grid.py", "Grid.cells"] == 1
    assert {file for _, file, _ in found} <= {"grid.py", "errors.py"}
    until = calls.calls_of(
        lambda: [Grid((4, 4)).cells for _ in range(9)], lambda code: code.co_name == "cells"
    )
    assert until["function", "grid.py", "Grid.cells"] == 1


def test_bodies_of_modules_and_classes_are_no_functions_and_comprehensions_belong_to_theirs():
    text = "class A:\n    def f(self):\n        return sum(tuple(j for j in [i]) == () for i in ())\n"
    found = calls.Calls()
    module = compile(text, "home/a.py", "exec")
    pending = [module]
    while pending:
        code = pending.pop()
        found[calls.entry(code, "home/")] += 1
        pending += [one for one in code.co_consts if isinstance(one, type(module))]
    assert found == {("module", "a.py", ""): 1, ("class", "a.py", "A"): 1, ("function", "a.py", "A.f"): 3}
    assert calls.summary(found) == {"calls": 5, "functions": 1, "classes": 1, "modules": 1, "files": 1}


@pytest.mark.parametrize("what", calls.COUNTS)
def test_a_checkout_is_counted(what):
    found = calls.counted(ROOT, what)
    assert found["calls"] >= found["functions"] >= found["files"] > 5


def test_versions_take_turns_and_the_ratio_is_that_of_pairs():
    log: list[str] = []
    times = iter([1.0, 2.0, 3.0, 1.0, 1.0, 2.0])

    def way(name):
        return lambda: log.append(name) or next(times)

    found = pairs.alternated("x", (way("old"), way("new")), seconds=0.0, least=3)
    assert log == ["old", "new", "new", "old", "old", "new"]
    assert (found.first, found.median, found.third, found.pairs) == (2.0, 2.0, 2.5, 3)


def test_bounds_are_on_the_median_and_on_the_worst():
    def ratios(*values):
        return [pairs.ratio_of(f"r{value}", [(1.0, value)]) for value in values]

    assert [holds for holds, _ in pairs.verdicts(ratios(0.9, 1.0, 1.07), ratios(0.7))] == [True, True, True]
    assert [holds for holds, _ in pairs.verdicts(ratios(1.0, 1.0, 1.09), ratios(0.9))] == [True, False, False]
    assert [holds for holds, _ in pairs.verdicts(ratios(1.03), [])] == [False, True]


def test_a_worker_makes_and_times_every_operation_and_two_versions_agree(tmp_path):
    version = checkout(str(ROOT))
    workers = version.worker(), version.worker()
    for name in OPERATIONS:
        make = {"name": name, "size": [4, 2, 2, 3], "dtype": "float64", "engine": "refms, NumPy"}
        first, second = (
            worker.ask(make=make, save=str(tmp_path / f"{number}.npy"))
            for number, worker in enumerate(workers)
        )
        assert min(first, second) > 0
        assert np.array_equal(np.load(tmp_path / "0.npy"), np.load(tmp_path / "1.npy"))
        assert workers[0].ask(run=2) > 0
    assert workers[0].ask(make={**make, "engine": "nobody's"}, save="") is None
    for worker in workers:
        worker.end()


def test_models_of_two_versions_are_compared_array_by_array(monkeypatch):
    version = checkout(str(ROOT))
    words = (400_000, trainings.DIGITS, "--iterations", "1", "--train", "40", "--validation", "10")
    monkeypatch.setattr(trainings, "TRAININGS", {"digits": words})
    ((holds, said),) = trainings.compare(version, version)
    assert holds
    assert "agree to rho 0 " in said
    assert trainings.rho(np.ones(3) * (1 + 1e-12), np.ones(3), 2.2e-16) > 300
    assert trainings.rho(np.array([1, 2]), np.array([1, 3]), 1.0) == np.inf
    assert trainings.rho(np.array([np.nan, 1.0]), np.array([1.0, 1.0]), 1.0) == np.inf


def test_versions_may_differ_as_much_as_one_differs_from_itself():
    before = {"W": np.ones(3), "steps": np.array([1, 2])}
    noisy, worse = ({"W": np.ones(3) * (1 + by), "steps": np.array([1, 3])} for by in (1e-9, 1e-7))
    assert trainings.agree("all", before, noisy, noisy)[0]
    assert not trainings.agree("W", before, worse, noisy)[0]
    assert not trainings.agree("W", before, noisy, before)[0]
    assert not trainings.agree("steps", before, {**before, "steps": noisy["steps"]}, before)[0]
    assert not trainings.agree("names", before, {"W": before["W"]}, before)[0]


def test_a_place_without_benchmarks_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="has no scripts/benchmarks"):
        checkout(str(tmp_path))


@pytest.mark.parametrize(
    "script", ["bench", "calls", "compare_versions", "make_pages", "mutation_score", "sizes"]
)
def test_help_is_given(script):
    command = [sys.executable, str(ROOT / "scripts" / f"{script}.py"), "--help"]
    assert "usage" in subprocess.run(command, capture_output=True, text=True, check=True).stdout
