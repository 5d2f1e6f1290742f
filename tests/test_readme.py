"""What README promises: its example prints what stands below it, and importing is light."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import refms
from refms.conformance import PROPERTIES
from refms.conformance.mutants import MUTANTS
from refms.exchange.layout import expectations

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize(("code", "shown"), EXAMPLES, ids=["twenty lines", "your own network"])
def test_the_example_prints_what_stands_below_it(code, shown):
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


def published(name: str) -> list[dict[str, Any]]:
    """Return the splits of a published experiment across resolutions."""
    folder = ROOT / "validation" / "learning_across_scales" / "results"
    splits: list[dict[str, Any]] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["splits"]
    return splits


def over(values: list[float]) -> str:
    return f"{100 * statistics.mean(values):.2f} ± {100 * statistics.stdev(values):.2f}"


def moved(splits: list[dict[str, Any]], here: int, there: int, **wanted: str) -> list[float]:
    """Return the accuracy of one way in every split."""
    found = [
        row["accuracy"]
        for split in splits
        for row in split["transfers"]
        if (row["from"], row["to"]) == (here, there) and all(row[key] == wanted[key] for key in wanted)
    ]
    assert len(found) == len(splits)
    return found


GALERKIN = {"pair": "averaging-bilinear", "weights": "adjoint", "stencils": "galerkin"}


def unchanged(splits: list[dict[str, Any]], here: int, there: int) -> str:
    """Return the best mean accuracy with unchanged stencils, whatever the pair for W and the smoothing."""
    ways = {(row["pair"], row["images"]) for row in splits[0]["transfers"] if row["stencils"] == "keep"}
    means = [
        statistics.mean(moved(splits, here, there, stencils="keep", pair=pair, images=images))
        for pair, images in ways
    ]
    return f"{100 * max(means):.1f}"


def test_the_accuracies_are_those_of_the_published_experiment():
    splits, one, three = (
        published(name) for name in ("transfer_aware_splits", "transfer_aware", "three_meshes")
    )
    accurate, by_pair = published("accurate"), {**GALERKIN, "weights": "pair"}
    assert len(splits) == 5
    native = {
        size: over([split["native"][size]["validation"]["accuracy"] for split in splits])
        for size in ("14", "28")
    }
    matched, agreeing = ({**GALERKIN, "images": images} for images in ("matched", "agreeing"))
    raw = {**GALERKIN, "images": "raw"}
    up, down = (over(moved(splits, *way, **agreeing)) for way in ((14, 28), (28, 14)))
    matched_up, raw_down = over(moved(splits, 14, 28, **matched)), over(moved(splits, 28, 14, **raw))
    said = [
        f"have {native['14']} and {native['28']} %",
        f"with prolonged stencils at {up} % (paper 91.0)",
        f"at {unchanged(splits, 14, 28)} % with unchanged ones at best (61.0)",
        f"with restricted stencils at {down} % (94.9)",
        f"at {unchanged(splits, 28, 14)} % with unchanged ones at best (84.1)",
        f"Matched to the pair, without a look at any image, the nets above have {matched_up} %",
        f"on images as they are {raw_down} %",
        f"56×56 images, two levels up, are read at {100 * moved(one, 14, 56, **agreeing)[0]:.2f} %",
        f"from 7×7 to 28×28 at {100 * moved(three, 7, 28, **agreeing)[0]:.2f} %",
        f"and back at {100 * moved(three, 28, 7, **agreeing)[0]:.2f} %",
        f"go up at {100 * moved(accurate, 14, 28, **by_pair, images='agreeing')[0]:.2f} %",
        f"as in training give {100 * moved(accurate, 14, 28, **by_pair, images='training')[0]:.2f} %",
        f"they fail ({100 * moved(accurate, 28, 14, **by_pair, images='agreeing')[0]:.2f} %)",
    ]
    text = " ".join(README.split())
    assert [words for words in said if words not in text] == []


def test_no_net_of_the_front_loses_more_than_readme_says():
    folder = ROOT / "validation" / "learning_across_scales" / "results"
    nets = json.loads((folder / "resolution_front.json").read_text(encoding="utf-8"))["nets"]

    def largest_loss(images: str) -> float:
        wanted = {**GALERKIN, "weights": "pair", "images": images}
        return max(
            100 * (net["native"]["accuracy"] - row["accuracy"])
            for net in nets
            for row in net["transfers"]
            if all(row[key] == wanted[key] for key in wanted)
        )

    said = [
        f"of {len(nets)} small nets",
        f"none loses more than {largest_loss('agreeing'):.2f} points on the other mesh",
        f"on images smoothed as in their training they lose up to {largest_loss('training'):.0f}",
    ]
    text = " ".join(README.split())
    assert [words for words in said if words not in text] == []


def test_the_factors_of_algorithm_1_are_those_of_the_published_experiments():
    folder, said = ROOT / "validation" / "learning_across_scales" / "results", []
    for name in ("coarse_to_fine", "coarse_to_fine_matched"):
        methods = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))["methods"]
        alone, up = (
            methods[method]["work to the best of fine-only"]["values"] for method in ("fine-only", "galerkin")
        )
        ratios = sorted(a / b for a, b in zip(alone, up, strict=True))
        spread = f"({ratios[0]:.2f} to {ratios[-1]:.2f} by seed)"
        said.append(f"a median {statistics.median(ratios):.2f} times the work {spread}")
        ends = [
            over(methods[method]["accuracy at the end"]["values"]) for method in ("fine-only", "galerkin")
        ]
        start = over(methods["galerkin"]["accuracy at the start"]["values"])
        matched = f"has {start} % on 28×28 before any step there", f"ends at {ends[0]} %"
        said += matched if "matched" in name else [f"ends at {ends[1]} % instead of {ends[0]} %"]
    text = " ".join(README.split())
    assert [words for words in said if words not in text] == []


def test_the_deepest_nets_are_those_of_the_published_experiment():
    folder = ROOT / "validation" / "learning_across_scales" / "results"
    found = json.loads((folder / "shallow_to_deep.json").read_text(encoding="utf-8"))["depths"]["64"]
    (start,), (end,) = (
        found["linear"][name]["values"] for name in ("accuracy at the start", "best accuracy")
    )
    (random,) = found["random"]["accuracy"]["values"]
    said = [
        f"a start prolonged from 32 has {100 * start:.2f} % before its first step",
        f"and {100 * end:.2f} % at best",
        f"a random start ends at {100 * random:.2f} %",
    ]
    text = " ".join(README.split())
    assert [words for words in said if words not in text] == []


def test_the_optimisers_get_as_far_as_in_the_published_study():
    folder = ROOT / "validation" / "learning_across_scales" / "results"
    study = json.loads((folder / "study_methods.json").read_text(encoding="utf-8"))
    reached: dict[str, list[float]] = {}
    for run in study["runs"].values():
        reached.setdefault(run["value"], []).append(run["validation"]["accuracy"])
    assert max(reached, key=lambda name: statistics.mean(reached[name])) == "bcd"
    said = [
        f"with {study['configuration']['study']['work_units']:,.0f} work units",
        f"block-coordinate descent gets to {over(reached['bcd'])} %",
        f"Adam with a tuned learning rate to {over(reached['adam'])} %",
        f"L-BFGS to {over(reached['l-bfgs'])} %",
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


def test_as_many_quantities_are_proved_as_readme_says():
    counts = set(re.findall(r"(\d+)\s+quantities", README))
    assert counts == {str(len(expectations()))}
