"""Classification across resolutions without training ([LAS] Sec. 4): native, prolonged, restricted.

Trains one net on each of some meshes, moves each to every other mesh with every named pair, with the stencils
transferred by K_H = R K_h P and with the stencils unchanged, and writes all accuracies to one JSON file:

    python validation/learning_across_scales/across_resolutions.py CONFIG.toml --data-dir DIR -o OUT

CONFIG.toml is a configuration of ``refms train``; its ``size`` is overridden by the meshes, and its
``split_seed`` by ``--split``. Every training is one ``refms`` command, which is printed, and its net stays in
OUT; ``refms transfer`` and ``refms evaluate`` do with it what is done here in one go. What is already in OUT
is not done again, and an interrupted training goes on.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from common.crossing import Parts, fitted, kept, moved, rules_for
from common.identities import exact_identities
from common.publishing import ended
from common.smoothing import matched_on

from refms.cli.files import require_target
from refms.cli.main import main as refms
from refms.cli.streams import end_with
from refms.data.dataset import Dataset, subset
from refms.environment import made, versions
from refms.errors import InputError
from refms.grid import Grid
from refms.io.files import atomic_write
from refms.model_file import load_model
from refms.run.checkpoint_files import CheckpointFiles
from refms.run.config import Configuration
from refms.run.experiment import dataset_of, split_by
from refms.stencils.transfer import TRANSFER_PAIRS, transfer_pair

PAIRS = ("averaging-bilinear", "averaging-constant")
"""The pair of Example 1, and the one with R = 2^-d Pᵀ on the same cells."""

ALL_PAIRS = tuple(pair.name for pair in TRANSFER_PAIRS)

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

    def goal(self, size: int) -> str:
        """Return where a net's stencils are to go: to a coarser mesh from the finest, else to a finer one."""
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
        for old in (result, *out.glob(f"native{size}_to_*.json")):
            old.unlink(missing_ok=True)
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


def of_split(experiment: Experiment, seed: int, first: bool) -> dict[str, Any]:
    """Return all results of one split of the data."""
    options = experiment.options
    out = options.out / f"split{seed}"
    out.mkdir(parents=True, exist_ok=True)
    told = ("train", "validation", "seconds", "peak_memory_bytes", "history")
    native, rows, fits, identities = {}, [], [], {}
    for size in options.sizes:
        found = trained(experiment, size, seed, out)
        native[str(size)] = {"smoothing": experiment.smoothing(size), **{key: found[key] for key in told}}
    if options.train_only:
        return {}
    configuration = experiment.configuration
    section = replace(configuration.data, split_seed=seed)
    parts = Parts(*split_by(section, experiment.dataset))
    some = subset(experiment.dataset, np.arange(100))
    for here, there in itertools.product(options.sizes, (*options.sizes, *options.targets)):
        if here == there:
            continue
        model = load_model(out / f"native{here}.h5")
        for pair in options.pairs:
            rules = rules_for(configuration.network, here, there, pair)
            target = out / f"native{here}_to_{there}_{pair}.json"
            rows += kept(target, partial(moved, model, there, pair, rules, parts))
            if options.fit_classifier:
                sections = configuration.regularization, configuration.optimization
                target = target.with_name(f"{target.stem}_fitted.json")
                fits += kept(target, partial(fitted, model, there, pair, rules, parts, *sections))
            if first and "galerkin" in rules:
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
    dataset = dataset_of(configuration, options.data_dir)
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
        **made(),
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
    end_with(lambda: ended("across_resolutions", main))
