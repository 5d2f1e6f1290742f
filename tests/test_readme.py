"""What README promises: its example prints what stands below it, and importing is light."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
from pathlib import Path

import pytest

import refms
from refms.conformance import PROPERTIES
from refms.conformance.mutants import MUTANTS
from refms.exchange.layout import expectations

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_example_prints_what_stands_below_it():
    code, shown = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", README, re.DOTALL).groups()
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert got.stdout == shown


def test_the_counts_are_those_of_the_catalogue_and_of_the_mutants():
    count = len(PROPERTIES)
    assert README.count(f"{count} pass, 0 marginal, 0 fail, 0 untested of {count} properties") == 2
    assert f"those of {len(MUTANTS)} known mistakes" in README


def test_the_figures_are_those_of_the_published_results():
    folder = ROOT / "validation" / "conformance" / "results"
    alarms, score = (
        json.loads((folder / f"{name}.json").read_text()) for name in ("false_alarms", "mutation_score")
    )
    assert alarms["verdicts"].get("FAIL", 0) == 0
    assert f"not one of {alarms['instances']:,} random" in README
    modules = score["modules"].values()
    mutants = sum(found["mutants"] for found in modules)
    noticed = sum(sum(found["noticed"].values()) for found in modules)
    assert f"Of {mutants:,} small changes" in README
    assert f"notice {100 * noticed / mutants:.1f} %" in README


def test_the_speed_is_that_of_the_published_benchmarks():
    record = json.loads((ROOT / "validation" / "benchmarks" / "network.json").read_text(encoding="utf-8"))
    found: dict[str, list[float]] = {"refms, NumPy": [], "refms, fast": []}
    sizes = set()
    for row in record["rows"]:
        specification, products = row["specification"], row["result"].get("operations", {}).get("product", {})
        settings = [specification.get(name) for name in ("threads", "allocator")]
        settings.insert(0, specification["arguments"]["dtype"])
        if settings != ["float64", 1, "tuned"] or "curvlinops" not in products:
            continue
        sizes.add(tuple(specification["arguments"]["size"]))
        for name, ratios in found.items():
            ratios.append(products["curvlinops"]["cpu"][1] / products[name]["cpu"][1])
    assert len(sizes) == 5
    said = [f"{min(ratios):.1f} to {max(ratios):.1f} times" for ratios in found.values()]
    assert all(words in " ".join(README.split()) for words in said), said


def test_an_iteration_takes_as_long_as_was_measured():
    record = json.loads((ROOT / "validation" / "benchmarks" / "iteration.json").read_text(encoding="utf-8"))
    (steps,) = (row["result"]["steps"] for row in record["rows"] if row["specification"]["threads"] == 2)
    seconds = sum(step["seconds"] for step in steps if step["iteration"] == 2)
    assert f"takes {seconds:.0f} s on two cores" in " ".join(README.split())


def test_the_accuracies_are_those_of_the_published_experiment():
    folder = ROOT / "validation" / "learning_across_scales" / "results"
    (split,), several = (
        json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["splits"]
        for name in ("transfer_aware", "transfer_aware_splits")
    )

    def best(here: int, there: int, stencils: str, **wanted: str) -> str:
        """Of the given pair where one is given, or of all."""
        found = [
            row["accuracy"]
            for row in split["transfers"]
            if (row["from"], row["to"], row["stencils"]) == (here, there, stencils)
            and all(row[key] == value for key, value in wanted.items())
        ]
        return f"{100 * max(found):.2f}"

    native = {size: f"{100 * found['validation']['accuracy']:.2f}" for size, found in split["native"].items()}
    printed = {"pair": "averaging-bilinear", "weights": "pair"}
    up = {**printed, "from": 14, "to": 28, "stencils": "galerkin", "images": "matched"}
    over_splits = [
        100 * row["accuracy"]
        for one in several
        for row in one["transfers"]
        if all(row[key] == value for key, value in up.items())
    ]
    assert len(over_splits) == 5
    said = [
        f"have {native['14']} and {native['28']} %",
        f"with prolonged stencils at {best(14, 28, 'galerkin', images='matched', **printed)} %",
        f"unchanged ones at {float(best(14, 28, 'keep')):.1f} % at most",
        f"{statistics.mean(over_splits):.2f} ± {statistics.stdev(over_splits):.2f}",
        f"two levels up, at {best(14, 56, 'galerkin', images='matched', **printed)} %",
        f"with restricted stencils at {best(28, 14, 'galerkin', images='raw', **printed)} %",
        f"unchanged ones at {float(best(28, 14, 'keep')):.1f} % (84.1)",
    ]
    text = " ".join(README.split())
    assert [words for words in said if words not in text] == []


def test_files_and_commands_named_in_readme_exist():
    for path in re.findall(r"(?:scripts|validation)/[\w/.]+\.(?:sh|py|toml|md)", README):
        assert (ROOT / path).is_file(), path


def test_importing_refms_imports_nothing_heavy():
    code = "import sys, refms; print([m for m in sys.argv[1:] if m in sys.modules])"
    extras = [
        "numpy",
        "scipy",
        "sklearn",
        "cupy",
        "matplotlib",
        "torch",
        "jax",
        "h5py",
        "pytest",
        "hypothesis",
    ]
    got = subprocess.run([sys.executable, "-c", code, *extras], capture_output=True, text=True, check=True)
    assert got.stdout.strip() == "[]"


def test_every_public_name_is_there_and_comes_from_one_place():
    for name in refms.__all__:
        assert getattr(refms, name) is not None
    assert set(dir(refms)) == set(refms.__all__)
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = refms.nothing_of_the_kind


def test_results_are_what_the_json_files_give():
    command = [sys.executable, str(ROOT / "scripts" / "make_results.py"), "--check"]
    got = subprocess.run(command, capture_output=True, text=True, check=False)
    assert got.returncode == 0, got.stdout


def test_as_many_quantities_are_proved_as_readme_says():
    counts = set(re.findall(r"(\d+)\s+quantities", README))
    assert counts == {str(len(expectations()))}
