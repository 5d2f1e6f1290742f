"""Classification across resolutions without training ([LAS] Sec. 4): native, prolonged, restricted.

Trains one net on each of some meshes, moves each to every other mesh with every named pair, with the stencils
transferred by K_H = R K_h P and with the stencils unchanged, and writes all accuracies to one JSON file:

    python validation/learning_across_scales/across_resolutions.py CONFIG.toml --data-dir DIR -o OUT

CONFIG.toml is a configuration of ``refms train``; its ``size`` is overridden by the meshes, and its
``split_seed`` by ``--split``. Every step is one ``refms`` command, which is printed; what is already in OUT
is not done again, and an interrupted training goes on.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import itertools
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from common.publishing import ended
from common.smoothing import matched_on

from refms.artifacts.checkpoint_files import CheckpointFiles
from refms.artifacts.model_file import load_model
from refms.checks import galerkin_test
from refms.cli.datasets import read_dataset, split_by
from refms.cli.files import require_target
from refms.cli.main import main as refms
from refms.config import Configuration
from refms.data.dataset import Dataset, one_hot, subset
from refms.environment import machine, versions
from refms.errors import InputError
from refms.files import atomic_write
from refms.grid import Grid
from refms.model import Model, score
from refms.multiscale.agreement import agreeing_smoothing
from refms.multiscale.resolution import transfer
from refms.names import STENCIL_RULES, WEIGHT_RULES
from refms.objective.batches import LabelledColumns
from refms.operators.transfer import TRANSFER_PAIRS, transfer_pair
from refms.training import fit_classifier

PAIRS = ("averaging-bilinear", "averaging-constant")
"""The pair of Example 1, and the one with R = 2^-d Pᵀ on the same cells."""

ALL_PAIRS = tuple(pair.name for pair in TRANSFER_PAIRS)

AGREEING = 500
"""Training images, without their labels, on which the smoothing of a moved net's images is measured."""

PAPER = {
    "native coarse": 98.28,
    "native fine": 98.18,
    "up": 91.0,
    "up keep": 61.0,
    "down": 94.9,
    "down keep": 84.1,
}


@dataclass(frozen=True)
class Experiment:
    """What is run: the configuration, the images, and the options of the command line."""

    config: Path
    configuration: Configuration
    dataset: Dataset
    options: argparse.Namespace

    @property
    def data(self) -> list[str]:
        """The words that say where the images are."""
        words = ["--dataset", self.configuration.data.dataset]
        return [*words, "--data-dir", self.options.data_dir] if self.options.data_dir else words

    def smoothing(self, size: int) -> float:
        """Return the smoothing of a net's images: the configured one, or matched to the coarsest net's."""
        section = self.configuration.data
        if not self.options.matched:
            return section.smoothing
        coarsest = min(self.options.sizes)
        return matched_on(size, coarsest, section.smoothing, section.pair, self.dataset)

    def ways(self, here: int, there: int) -> list[tuple[str, str]]:
        """Return the pairs with the rules for the stencils for which the way is defined.

        Upwards K_H = R K_h P must determine the stencils of K_h; unchanged ones go everywhere.
        """
        network = self.configuration.network
        sizes = {network.stencil} | ({network.opening_stencil} - {1})  # a 1×1 opening is kept
        return [
            (pair, rule)
            for pair, rule in itertools.product(self.options.pairs, STENCIL_RULES)
            if rule == "keep" or there < here or sizes <= {*transfer_pair(pair).closed_sizes}
        ]

    def goal(self, size: int) -> str:
        """Return where a net's stencils shall go: to a coarser mesh from the finest, else to a finer one."""
        coarsest_alone = len(self.options.sizes) == 1
        return "finer" if coarsest_alone or size < max(self.options.sizes) else "coarser"


def run(*words: str | Path | float) -> dict[str, Any]:
    """Run one refms command and return its JSON result; end the program if it fails."""
    told = [*map(str, words)]
    target = Path(told[told.index("--json") + 1])
    if target.exists():
        found: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
        return found
    print("refms " + " ".join(told), flush=True)
    code = refms(told)
    if code != 0:
        sys.exit(code)
    result: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    return result


def trained(experiment: Experiment, size: int, seed: int, out: Path) -> dict[str, Any]:
    """Train the net of one mesh, go on with it, or return the result of an earlier training."""
    net, result = out / f"native{size}.h5", out / f"native{size}.json"
    sigma = experiment.smoothing(size)
    if not net.exists():
        result.unlink(missing_ok=True)
    words = ["train", experiment.config, "--size", size, "--split-seed", seed, "--smoothing", repr(sigma)]
    words += ["--transfer-to", experiment.goal(size)]
    words += [*experiment.data, "-o", net, "--force", "--json", result]
    found = run(*words, *(["--resume"] if CheckpointFiles(net).existing() else []))
    if found["outcome"]["status"] == "stopped":  # by Ctrl-C: a valid net, but not the one that was asked for
        result.unlink()
        raise KeyboardInterrupt
    section = replace(experiment.configuration.data, size=size, split_seed=seed, smoothing=sigma)
    weights = replace(experiment.configuration.regularization, transfer_to=experiment.goal(size))
    expected = replace(experiment.configuration, data=section, regularization=weights).to_dict()
    if Configuration.from_dict(found["configuration"]).to_dict() != expected:  # newer keys have defaults
        raise InputError(f"{net} was trained with another configuration; choose another folder with -o.")
    return found


def moved(experiment: Experiment, source: Path, here: int, there: int) -> list[dict[str, Any]]:
    """Transfer a net in every way, and evaluate it on images smoothed in four ways."""
    rows, sigma = [], experiment.smoothing(here)
    choices = itertools.product(experiment.ways(here, there), WEIGHT_RULES)
    for (pair, stencils), weights in choices:
        if weights == "adjoint" and (transfer_pair(pair).variational or stencils == "keep"):
            continue  # both rules are the same, or the baseline
        net = source.with_name(f"{source.stem}_to_{there}_{pair}_{stencils}_{weights}.h5")
        words = ("--to", there, "--pair", pair, "--stencils", stencils, "--weights", weights)
        run("transfer", source, *words, "-o", net, "--force", "--json", net.with_suffix(".json"))
        matched = matched_on(there, here, sigma, pair, experiment.dataset)
        smoothings = {"raw": 0.0, "training": sigma, "matched": matched}
        smoothings["agreeing"] = agreeing(experiment, source, net, 2 * max(sigma, matched, 0.5))
        for images, width in smoothings.items():
            target = net.with_name(f"{net.stem}_{images}.json")
            finer = ["--interpolate"] if there > experiment.dataset.grid.shape[0] else []
            words = ("--size", there, *experiment.data, "--smoothing", repr(width), *finer)
            found = run("evaluate", net, *words, "--json", target)
            way = {"from": here, "to": there, "pair": pair, "stencils": stencils, "weights": weights}
            rows.append({**way, "images": images, "smoothing": width, "accuracy": found["accuracy"]})
    return rows


def agreeing(experiment: Experiment, source: Path, net: Path, widest: float) -> float:
    """Return the width at which a moved net agrees best with the one it came from, on training images."""
    target = net.with_name(f"{net.stem}_agreement.json")
    if not target.exists():
        model = load_model(source)
        section = Configuration.from_dict(dict(model.record["configuration"])).data
        training, _ = split_by(section, experiment.dataset)
        some = subset(training, np.arange(min(AGREEING, training.count)))
        found = agreeing_smoothing(model, load_model(net), some, widest)
        target.write_text(json.dumps(dataclasses.asdict(found)), encoding="utf-8")
    return float(json.loads(target.read_text(encoding="utf-8"))["smoothing"])


def fitted(experiment: Experiment, source: Path, here: int, there: int) -> list[dict[str, Any]]:
    """Fit the classifier alone to the matched training images of the new mesh: not without training."""
    rows = []
    for pair, stencils in experiment.ways(here, there):
        target = source.with_name(f"{source.stem}_to_{there}_{pair}_{stencils}_fitted.json")
        if not target.exists():
            rows.append(_fit(experiment, load_model(source), there, pair, stencils))
            target.write_text(json.dumps(rows[-1]), encoding="utf-8")
        else:
            rows.append(json.loads(target.read_text(encoding="utf-8")))
    return rows


def _fit(experiment: Experiment, model: Model, there: int, pair: str, stencils: str) -> dict[str, Any]:
    here = model.grid.shape[0]
    sigma = matched_on(there, here, model.preprocessing.smoothing, pair, experiment.dataset)
    grid = Grid((there,) * model.grid.dimension)
    other = transfer(model, grid, pair, stencils, weights="adjoint")
    other = replace(other, preprocessing=replace(other.preprocessing, smoothing=sigma))
    section = Configuration.from_dict(dict(model.record["configuration"])).data
    training, validation = (
        LabelledColumns(
            other.prepare(part, interpolate=True), one_hot(part.labels, part.classes, str(other.W.dtype))
        )
        for part in split_by(section, experiment.dataset)
    )
    done = fit_classifier(
        other, training, experiment.configuration.regularization, experiment.configuration.optimization
    ).model
    accuracy = score(done, validation.X, validation.C).accuracy
    way = {"from": here, "to": there, "pair": pair, "stencils": stencils, "smoothing": sigma}
    return {**way, "newton_steps": len(done.history), "accuracy": accuracy}


def exact_identities(model: Model, grid: Grid, pair_name: str, images: Dataset) -> dict[str, float]:
    """Return rho of K_H = R K_h P over the layers, and the change of the logits in the limit T -> 0.

    The second statement compares X_H = R X_h on the way up and X_h = P X_H on the way down.
    """
    other, pair = transfer(model, grid, pair_name), transfer_pair(pair_name)
    by_adjoint = transfer(model, grid, pair_name, weights="adjoint")
    coarse, fine = (model, other) if grid.cells > model.grid.cells else (other, model)
    options: dict[str, Any] = {"dtype": str(model.W.dtype), "levels": coarse.grid.levels_to(fine.grid)}
    c = model.network.channels
    R = pair.restriction_matrix(fine.grid, channels=c, **options)
    P = pair.prolongation_matrix(fine.grid, channels=c, **options)
    matrix_c, matrix_f = (m.network.propagation.layer.convolution.matrix for m in (coarse, fine))
    reports = [
        galerkin_test(R, matrix_f(fine.stencils[k]), P, matrix_c(coarse.stencils[k]))
        for k in range(model.network.layers)
    ]
    if fine is other:
        X_there = other.prepare(images, interpolate=True)
        X_here = pair.restriction_matrix(fine.grid, **options) @ X_there
    else:
        X_there = other.prepare(images)
        X_here = pair.prolongation_matrix(fine.grid, **options) @ X_there
    expected = _still(model).logits(X_here)
    change, by_adjoint_change = (
        float(np.abs(_still(moved_net).logits(X_there) - expected).max()) for moved_net in (other, by_adjoint)
    )
    return {
        "galerkin_rho": max(report.rho for report in reports),
        "logit_change_without_propagation": change,
        "logit_change_without_propagation_adjoint": by_adjoint_change,
        "largest_logit": float(np.abs(expected).max()),
    }


def _still(model: Model) -> Model:
    """Return the model with T = 0."""
    return replace(model, network=replace(model.network, final_time=0.0))


def of_split(experiment: Experiment, seed: int, first: bool) -> dict[str, Any]:
    """Return all results of one split of the data."""
    options = experiment.options
    out = options.out / f"split{seed}"
    out.mkdir(parents=True, exist_ok=True)
    kept = ("train", "validation", "seconds", "peak_memory_bytes", "history")
    native, rows, fits, identities = {}, [], [], {}
    for size in options.sizes:
        found = trained(experiment, size, seed, out)
        native[str(size)] = {"smoothing": experiment.smoothing(size), **{key: found[key] for key in kept}}
    if options.train_only:
        return {}
    some = subset(experiment.dataset, np.arange(100))
    for here, there in itertools.product(options.sizes, (*options.sizes, *options.targets)):
        if here == there:
            continue
        source = out / f"native{here}.h5"
        rows += moved(experiment, source, here, there)
        if options.fit_classifier:
            fits += fitted(experiment, source, here, there)
        model = load_model(source)
        for pair in [pair for pair, rule in experiment.ways(here, there) if first and rule == "galerkin"]:
            grid = Grid((there,) * model.grid.dimension)
            identities[f"{here} to {there}, {pair}"] = exact_identities(model, grid, pair, some)
    return {"seed": seed, "native": native, "transfers": rows, "fitted": fits, "identities": identities}


def parsed(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(description="Classification across resolutions without training.")
    parser.add_argument("config", type=Path, metavar="CONFIG.toml")
    parser.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        default=(14, 28),
        metavar="SIZE",
        help="meshes on which nets are trained",
    )
    parser.add_argument(
        "--targets", type=int, nargs="+", default=(), metavar="SIZE", help="more meshes to move nets to"
    )
    parser.add_argument(
        "--split", type=int, nargs="+", default=(0,), metavar="SEED", help="seeds of the data's split"
    )
    parser.add_argument(
        "--matched",
        action="store_true",
        help="smooth the images of each mesh as matches the coarsest net's, instead of all by the same width",
    )
    parser.add_argument(
        "--pairs",
        nargs="+",
        default=PAIRS,
        metavar="PAIR",
        help=f"pairs that move the nets, or all of them by 'all' (default: {' '.join(PAIRS)})",
    )
    parser.add_argument(
        "--fit-classifier", action="store_true", help="also fit the classifier alone on the new mesh"
    )
    parser.add_argument("--dataset", help="another data set than that of CONFIG.toml")
    parser.add_argument("--data-dir", help="folder with the data files (default: the variable REFMS_DATA)")
    parser.add_argument("--train-only", action="store_true", help="only train the nets; no result file")
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="OUT", help="folder for nets and results"
    )
    parser.add_argument("--result", type=Path, metavar="FILE", help="JSON result (default: in OUT)")
    parser.add_argument("--force", action="store_true", help="replace the JSON result if it exists")
    return parser.parse_args(argv)


def words_of(options: argparse.Namespace) -> list[str]:
    """Return the options that decide what is computed, as they are typed."""
    words = [f"--sizes {' '.join(map(str, options.sizes))}"]
    words += [f"--targets {' '.join(map(str, options.targets))}"] if options.targets else []
    words += [f"--split {' '.join(map(str, options.split))}"] if options.split != (0,) else []
    words += [f"--dataset {options.dataset}"] if options.dataset else []
    pairs = "all" if options.pairs == ALL_PAIRS else " ".join(options.pairs)
    words += [f"--pairs {pairs}"] if options.pairs != PAIRS else []
    words += ["--matched"] if options.matched else []
    return words + (["--fit-classifier"] if options.fit_classifier else [])


def main(argv: Sequence[str] | None = None) -> int:
    """Run the whole chain."""
    options = parsed(argv)
    options.pairs = ALL_PAIRS if [*options.pairs] == ["all"] else tuple(options.pairs)
    for pair in options.pairs:
        transfer_pair(pair)  # refuses unknown names before anything is trained
    options.out.mkdir(parents=True, exist_ok=True)
    target = options.result or options.out / "across_resolutions.json"
    if not options.train_only:
        require_target(str(target), force=options.force)
    configuration = Configuration.from_toml(options.config)
    if options.dataset:
        data = replace(configuration.data, dataset=options.dataset)
        configuration = replace(configuration, data=data)
    dataset = read_dataset(configuration.data.dataset, options.data_dir)
    experiment = Experiment(options.config, configuration, dataset, options)
    splits = [of_split(experiment, seed, seed == options.split[0]) for seed in options.split]
    if options.train_only:
        return 0
    results: dict[str, Any] = {
        "experiment": "across_resolutions",
        "config": options.config.name,
        "options": words_of(options),
        "matched": options.matched,
        "paper": PAPER,
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": versions(),
        "configuration": configuration.to_dict(),
        "sizes": [*options.sizes],
        "targets": [*options.targets],
        "splits": splits,
    }
    with atomic_write(target, overwrite=options.force) as temporary:
        temporary.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(ended("across_resolutions", main))
