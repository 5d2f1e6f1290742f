"""What README and the guide promise: examples print what stands below, figures are those of the results."""

from __future__ import annotations

import itertools
import json
import re
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import refms
from refms import TRANSFER_PAIRS
from refms.cli.options import COMMANDS
from refms.conformance import PROPERTIES
from refms.conformance.mutants import MUTANTS
from refms.exchange.layout import expectations

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
GUIDE = {path.stem: path.read_text("utf-8") for path in sorted((ROOT / "scripts" / "site").glob("*.md"))}
WORDS = "\n".join([README, *GUIDE.values()])
TEXT = " ".join(WORDS.split())

EXAMPLES = re.findall(r"```python\n((?:(?!```).)*)```\n\n```text\n(.*?)```", WORDS, re.DOTALL)


ROUNDING = re.compile(r"[\d.]+e-1\d|[\d.]+(?= eps)")
"""Rounding errors, which differ from processor to processor: absolute ones, and numbers of eps."""


@pytest.mark.parametrize(
    ("code", "shown"), EXAMPLES, ids=["twenty lines", "adapter", "layer", "network", "study"]
)
def test_the_example_prints_what_stands_below_it(code, shown):
    got = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert ROUNDING.sub("…", got.stdout) == ROUNDING.sub("…", shown)
    for one in ROUNDING.findall(got.stdout):
        assert float(one) < (1e-14 if "e-" in one else 3)


def result(path: str) -> Any:
    """Return a published result."""
    return json.loads((ROOT / "validation" / path).read_text(encoding="utf-8"))


def experiment(name: str) -> Any:
    return result(f"learning_across_scales/results/{name}.json")


def over(values: list[float]) -> str:
    return f"{100 * statistics.mean(values):.2f} ± {100 * statistics.stdev(values):.2f}"


def missing(*said: str) -> list[str]:
    """Return the sentences that neither README nor the guide has."""
    return [words for words in said if words not in TEXT]


def test_counts_and_scores_are_those_of_catalogue_mutants_goldens_and_results():
    count = len(PROPERTIES)
    assert README.count(f"{count} pass, 0 marginal, 0 fail, 0 untested of {count} properties") == 2
    assert set(re.findall(r"(\d+)\s+quantities", WORDS)) == {str(len(expectations()))}
    alarms, score = (
        result(f"conformance/results/{name}.json") for name in ("false_alarms", "mutation_score")
    )
    assert alarms["verdicts"].get("FAIL", 0) == 0
    modules = score["modules"].values()
    mutants = sum(found["mutants"] for found in modules)
    noticed = sum(sum(found["noticed"].values()) for found in modules)
    assert not missing(
        f"those of {len(MUTANTS)} known mistakes",
        f"not one of {alarms['instances']:,} random",
        f"fails in any of {len(alarms['properties'])} properties",
        f"of {mutants:,} small changes",
        f"notice {100 * noticed / mutants:.1f} %",
    )
    unseen = result("conformance/results/unseen_bugs.json")
    first = [found["tier"] for found in unseen["first"]["bugs"].values()]
    tiers = [found["tier"] for found in unseen["now"]["bugs"].values()]
    now = tiers.count("quick")
    assert ("full" in unseen["now"]["tiers"], tiers.count("full")) == (True, 0)
    quick, full = first.count("quick"), first.count("quick") + first.count("full")
    assert not missing(
        f"Of {len(first)} bugs of kinds that public threads report",
        f"tier quick found {100 * quick / len(first):.1f} % and full {100 * full / len(first):.1f} %",
        f"the quick tier of today, taught by the survivors, finds {100 * now / len(first):.1f} %, "
        "and full no more",
    )
    told = result("conformance/results/diagnoses.json")
    named = told["names"]
    one, two = (told[f"rules of {n}"] for n in ("one condition", "two conditions"))
    just, false = (
        [100 * rules[what] / sum(rules.values()) for rules in (one, two)] for what in ("the corner", "false")
    )
    assert "another name" not in named
    assert not missing(
        f"{100 * named['named'] / sum(named.values()):.0f} % are called by their name and none by another",
        f"{just[0]:.1f} % are told by just that condition, and {false[0]:.1f} % by a false one",
        f"where two hold, {just[1]:.1f} % and {false[1]:.1f} %",
    )


def test_the_speed_is_that_of_the_published_benchmarks():
    found: dict[str, list[float]] = {"refms, NumPy": [], "refms, fast": []}
    sizes = set()
    for row in result("benchmarks/network.json")["rows"]:
        specification, products = row["specification"], row["result"].get("operations", {}).get("product", {})
        settings = [specification["arguments"]["dtype"], *map(specification.get, ("threads", "allocator"))]
        if settings == ["float64", 1, "tuned"] and "curvlinops" in products:
            sizes.add(tuple(specification["arguments"]["size"]))
            for name, ratios in found.items():
                ratios.append(products["curvlinops"]["cpu"][1] / products[name]["cpu"][1])
    assert len(sizes) == 5
    rows = result("benchmarks/iteration.json")["rows"]
    (steps,) = (row["result"]["steps"] for row in rows if row["specification"]["threads"] == 2)
    seconds = sum(step["seconds"] for step in steps if step["iteration"] == 2)
    assert not missing(
        *(f"{min(ratios):.1f} to {max(ratios):.1f} times" for ratios in found.values()),
        f"takes {seconds:.0f} s on two cores",
    )


def moved(splits: list[dict[str, Any]], here: int, there: int, **wanted: str) -> list[float]:
    """Return the accuracy of one way in every split."""
    found = [
        row["accuracy"]
        for split in splits
        for row in split["transfers"]
        if (row["from"], row["to"]) == (here, there) and wanted.items() <= row.items()
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
    splits, one, three, accurate = (
        experiment(name)["splits"]
        for name in ("transfer_aware_splits", "transfer_aware", "three_meshes", "accurate")
    )
    assert len(splits) == 5
    native = [over([split["native"][n]["validation"]["accuracy"] for split in splits]) for n in ("14", "28")]

    def way(here: int, there: int, images: str) -> str:
        return over(moved(splits, here, there, **GALERKIN, images=images))

    def alone(split: list[dict[str, Any]], here: int, there: int, images: str, **by: str) -> str:
        return f"{100 * moved(split, here, there, **{**GALERKIN, **by}, images=images)[0]:.2f}"

    assert not missing(
        f"have {native[0]} and {native[1]} %",
        f"with prolonged stencils at {way(14, 28, 'agreeing')} % (paper 91.0)",
        f"without any training at {way(14, 28, 'agreeing')} % (paper 91.0), one trained on 28×28",
        f"images classifies 14×14 ones at {way(28, 14, 'agreeing')} % (94.9)",
        f"at {unchanged(splits, 14, 28)} % with unchanged ones at best (61.0)",
        f"with restricted stencils at {way(28, 14, 'agreeing')} % (94.9)",
        f"at {unchanged(splits, 28, 14)} % with unchanged ones at best (84.1)",
        f"without a look at any image, the nets above have {way(14, 28, 'matched')} %",
        f"on images as they are {way(28, 14, 'raw')} %",
        f"56×56 images, two levels up, are read at {alone(one, 14, 56, 'agreeing')} %",
        f"from 7×7 to 28×28 at {alone(three, 7, 28, 'agreeing')} %",
        f"and back at {alone(three, 28, 7, 'agreeing')} %",
        f"go up at {alone(accurate, 14, 28, 'agreeing', weights='pair')} %",
        f"as in training give {alone(accurate, 14, 28, 'training', weights='pair')} %",
        f"they fail ({alone(accurate, 28, 14, 'agreeing', weights='pair')} %)",
    )


@pytest.mark.parametrize("name", ["transfer_aware_small", "accurate_small"])
def test_what_crossing_costs_on_two_data_sets_is_published(name):
    cells = []
    for data, (here, there, rule) in itertools.product(
        ("fashion", "mnist"), ((14, 28, "adjoint"), (28, 14, "pair"))
    ):
        splits = experiment(f"{name}_{data}")["splits"]
        native = [split["native"][str(here)]["validation"]["accuracy"] for split in splits]
        found = moved(splits, here, there, **{**GALERKIN, "weights": rule}, images="agreeing")
        cells.append(f"{100 * (statistics.mean(native) - statistics.mean(found)):.2f}")
    assert not missing(f"| `{name}` | {' | '.join(cells)} |", f"mean of {len(splits)} splits")


def test_what_crossing_costs_on_colour_photographs_is_published():
    splits = experiment("transfer_aware_small_colour")["splits"]

    def mean(found):
        return 100 * statistics.mean(found)

    def native(here):
        return mean(split["native"][str(here)]["validation"]["accuracy"] for split in splits)

    def accuracy(here, there, images, **chosen):
        return mean(moved(splits, here, there, **{**GALERKIN, **chosen}, images=images))

    up = native(28) - accuracy(28, 56, "agreeing", weights="adjoint")
    down = native(56) - accuracy(56, 28, "agreeing", weights="pair")
    unchanged = {"stencils": "keep", "weights": "pair"}
    best = max(accuracy(56, 28, one, **unchanged) for one in ("raw", "training", "matched", "agreeing"))
    assert not missing(
        f"where such nets reach {native(28):.2f} and {native(56):.2f} %",
        f"nothing is lost: {up:.2f} points upwards and {down:.2f} downwards",
        f"unchanged ones read images as they are at {accuracy(28, 56, 'raw', **unchanged):.2f} %",
        f"they lose {native(56) - best:.2f} points downwards at best",
    )


def test_no_net_of_the_front_loses_more_than_readme_says():
    nets = experiment("resolution_front")["nets"]

    def largest_loss(images: str) -> float:
        wanted = {**GALERKIN, "weights": "pair", "images": images}
        return max(
            100 * (net["native"]["accuracy"] - row["accuracy"])
            for net in nets
            for row in net["transfers"]
            if wanted.items() <= row.items()
        )

    assert not missing(
        f"of {len(nets)} small nets",
        f"none loses more than {largest_loss('agreeing'):.2f} points on the other mesh",
        f"on images smoothed as in their training they lose up to {largest_loss('training'):.0f}",
    )


@pytest.mark.parametrize("name", ["coarse_to_fine", "coarse_to_fine_matched"])
def test_the_factors_of_algorithm_1_are_those_of_the_published_experiments(name):
    fine, galerkin = (experiment(name)["methods"][method] for method in ("fine-only", "galerkin"))
    alone, up = (method["work to the best of fine-only"]["values"] for method in (fine, galerkin))
    ratios = sorted(a / b for a, b in zip(alone, up, strict=True))
    start, *ends = (
        over(method[f"accuracy at the {when}"]["values"])
        for method, when in ((galerkin, "start"), (fine, "end"), (galerkin, "end"))
    )
    spread = f"({ratios[0]:.2f} to {ratios[-1]:.2f} by seed)"
    matched = f"has {start} % on 28×28 before any step there", f"ends at {ends[0]} %"
    assert not missing(
        f"a median {statistics.median(ratios):.2f} times the work {spread}",
        *(matched if "matched" in name else [f"ends at {ends[1]} % instead of {ends[0]} %"]),
    )


def test_the_deepest_nets_are_those_of_the_published_experiment():
    found = experiment("shallow_to_deep")["depths"]["64"]
    (start,), (end,) = (
        found["linear"][name]["values"] for name in ("accuracy at the start", "best accuracy")
    )
    (random,) = found["random"]["accuracy"]["values"]
    assert not missing(
        f"a start prolonged from 32 has {100 * start:.2f} % before its first step",
        f"and {100 * end:.2f} % at best",
        f"a random start ends at {100 * random:.2f} %",
    )


def test_the_optimisers_get_as_far_as_in_the_published_study():
    study, reached = experiment("study_methods"), dict[str, list[float]]()
    for run in study["runs"].values():
        reached.setdefault(run["value"], []).append(run["validation"]["accuracy"])
    assert max(reached, key=lambda name: statistics.mean(reached[name])) == "bcd"
    assert not missing(
        f"with {study['configuration']['study']['work_units']:,.0f} work units",
        f"block-coordinate descent gets to {over(reached['bcd'])} %",
        f"Adam with a tuned learning rate to {over(reached['adam'])} %",
        f"L-BFGS to {over(reached['l-bfgs'])} %",
    )


def test_what_is_said_of_multiscale_training_was_measured():
    theory = result("multiscale_training/results/theory.json")
    line = {row["title"]: row["order"] for row in theory["lemma_1"]["line"]}
    mesh_free = {row["title"]: row["order"] for row in theory["lemma_1"]["mesh_free"]}
    finest = theory["theorem_1"]["data"]["white noise"]["meshes"][0]
    gains = {
        name: {row["case"]: row["best"] for row in data["efficiency"]}
        for name, data in theory["datasets"].items()
    }
    small = {
        name: [gain for case, gain in found.items() if "mesh-free" not in case]
        for name, found in gains.items()
    }
    assert not missing(
        f"order {line['one convolution, kept']:.2f} with kept stencils, "
        f"{line['one convolution, averaging-bilinear']:.2f} with Galerkin's",
        f"grow as h^-d: order {line['σ = 0.5, averaging-constant, kept']:.2f} |",
        f"order {mesh_free['full-weighting-linear, σ = 0.5']:.2f} by `full-weighting-linear`, "
        f"{mesh_free['averaging-constant, σ = 0.5']:.2f} by means; "
        f"{mesh_free['injection-linear, σ = 0.5']:.2f} by injection",
        f"the variance of an estimate is O(1/N) | confirmed | order {theory['variances']['order']:.2f} |",
        f"{theory['variances']['measured']:.4f} measured, {theory['variances']['predicted']:.4f} predicted",
        f"{finest['hot']} steps on {finest['cells']} cells from the coarse minimiser",
        f"{finest['cold']:,} from a random start",
        *(f"{min(found):.2f} to {max(found):.2f} on {name}" for name, found in small.items()),
        " and ".join(f"{found['mean, keep, mesh-free']:.2f}" for found in gains.values()) + " |",
    )


def test_what_is_said_of_the_joined_estimates_was_measured():
    def found(name):
        rows = result(f"multiscale_training/results/{name}.json")["rows"]
        ends = {row["rival"]: [unit["rows"][-1] for unit in row["units"]] for row in rows}
        losses = {k: statistics.fmean(one["validation_loss"] for one in end) for k, end in ends.items()}
        etas = {k: statistics.median(one["eta"] for one in end) for k, end in ends.items()}
        return {k: f"{x:.4f}" for k, x in losses.items()}, {k: f"{x:.2f}" for k, x in etas.items()}

    loss, eta = found("joined")
    loss_96, eta_96 = found("joined_96")
    assert not missing(
        f"on 96×96 cells and four meshes it is {eta_96['joined']} instead of {eta_96['MGE of the paper']}, "
        f"and the loss {loss_96['joined']}, single scale's {loss_96['single, W']}, with a third of the batch "
        f"{loss_96['single, W/3']}",
        f"efficiency is {eta['joined']} at the end where the paper's MGE has {eta['MGE of the paper']}",
        f"the loss is {loss['joined']}, as single scale's {loss['single, W']} and below MGE's "
        f"{loss['MGE of the paper']}",
        f"a third of the batch has {loss['single, W/3']}, with one image a step {loss['single, 1 image']}",
    )


def test_the_four_tasks_are_those_of_the_published_comparison():
    rows = result("multiscale_training/results/restoration.json")["rows"]
    found = {
        (row["task"], row["estimator"]): statistics.mean(unit["psnr"] for unit in row["units"])
        for row in rows
    }
    tasks = ("denoise", "deblur", "inpaint", "super-resolve")
    more = [f"{found[task, 'single, more steps']:.2f}" for task in tasks]
    assert not missing(
        *(
            f"{found[task, 'full-multiscale']:.2f}{' dB' if task == 'denoise' else ''} instead of "
            f"{found[task, 'single']:.2f} ({task})"
            for task in tasks
        ),
        f"gets {', '.join(more[:3])} and {more[3]} |",
        f"within {max(abs(found[task, 'mge'] - found[task, 'single']) for task in tasks):.2f} dB",
        f"of {len(rows[0]['units'])} seeds",
    )


def test_files_and_commands_named_in_words_exist():
    for path in re.findall(r"(?:scripts|validation)/[\w/.]+\.(?:sh|py|toml|md)", WORDS):
        assert (ROOT / path).is_file(), path
    table = re.search(r"\| `refms …` .*?\n\n", README, re.DOTALL)[0]
    assert set(re.findall(r"`(\w+)`", table)) == set(COMMANDS)


def test_the_table_of_pairs_says_what_the_pairs_state():
    rows = re.findall(r"^\| `([\w-]+)` \| (.*?) \| (.*?) \| (.*?) \|", GUIDE["conventions"], re.MULTILINE)
    for pair, (name, factor, variational, sizes) in zip(TRANSFER_PAIRS, rows, strict=True):
        assert name == pair.name
        assert factor == ("no" if pair.identity_factor is None else f"γ = {pair.identity_factor:g}")
        assert variational == ("yes" if pair.variational else "no")
        assert sizes == ", ".join(map(str, pair.closed_sizes))


EXTRAS = ["cupy", "matplotlib", "sklearn", "tqdm"]


@pytest.mark.parametrize(
    ("modules", "light"),
    [
        ("refms", EXTRAS),
        ("refms.checks, refms.stencils.convolution", ["cupy", "matplotlib", "sklearn", "tqdm"]),
    ],
)
def test_importing_refms_imports_nothing_heavy(modules, light):
    code = f"import sys, {modules}; print([m for m in sys.argv[1:] if m in sys.modules])"
    got = subprocess.run([sys.executable, "-c", code, *light], capture_output=True, text=True, check=True)
    assert got.stdout.strip() == "[]"


def test_every_public_name_is_found_and_comes_from_one_place():
    for name in refms.__all__:
        assert getattr(refms, name) is not None
    assert set(dir(refms)) == set(refms.__all__)
    with pytest.raises(AttributeError, match="nothing_of_the_kind"):
        _ = refms.nothing_of_the_kind
