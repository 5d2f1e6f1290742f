"""Native against transferred accuracy as a front over T, the penalties and the smoothing ([LAS] Sec. 4).

Trains small nets, one for each entry ``[[nets]]`` of a study and each of its meshes, moves each to the other
mesh in every way, and measures what the symbols and the spectra of the features say about it:

    python validation/learning_across_scales/resolution_front.py STUDY.toml --data-dir DIR -o OUT

A net whose JSON file is already in OUT, made with the same configuration, is not trained again. The front is
drawn where matplotlib is installed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from common.crossing import Parts, fitted, moved, rules_for
from common.publishing import can_draw, drawn, ended

from refms.cli.files import require_target
from refms.cli.streams import end_with
from refms.data.dataset import Dataset, subset
from refms.environment import made, versions
from refms.errors import FileError
from refms.grid import Grid
from refms.io.files import atomic_write
from refms.io.strict_toml import read_toml
from refms.model import Model, score
from refms.model_file import load_model, save_model
from refms.multiscale.resolution import transfer
from refms.names import STENCIL_RULES
from refms.run.config import Configuration
from refms.run.experiment import dataset_of, examples_of, experiment_of, split_by
from refms.run.training import train
from refms.stencils.symbol import symbol

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SPECTRUM_IMAGES = 500
"""Images of which the mean spectra are taken."""


def configured(study: dict[str, Any], changes: dict[str, Any], size: int) -> Configuration:
    """Return the configuration of one net: the study's, with its changes, on one mesh."""
    sections = {name: dict(section) for name, section in study["configuration"].items()}
    for key, value in {**changes, "data.size": size}.items():
        section, _, name = key.partition(".")
        sections.setdefault(section, {})[name] = value
    return Configuration.from_dict(sections)


def trained(configuration: Configuration, dataset: Dataset, net: Path) -> Model:
    """Train one net, or read it."""
    if net.exists():
        return load_model(net)
    experiment = experiment_of(configuration, dataset)
    sections = configuration.regularization, configuration.optimization
    model = train(experiment.model, experiment.examples, *sections).model
    save_model(net, model, overwrite=True)
    return model


def high_frequencies(grid: Grid) -> np.ndarray:
    """Return where a frequency of the grid is above the Nyquist frequency of the next coarser one."""
    axes = [np.abs(np.fft.fftfreq(n)) > 0.25 for n in grid.shape]
    return np.logical_or.reduce(np.meshgrid(*axes, indexing="ij"))


def feature_spectra(model: Model, images: Dataset) -> list[float]:
    """Return the share of the energy of y_0, …, y_N above the coarse Nyquist frequency, means left out."""
    found = model.trace(examples_of(model, images, interpolate=True).inputs)
    high, shares = high_frequencies(model.grid), []
    axes = tuple(range(1, 1 + model.grid.dimension))
    for k in range(model.architecture.layers + 1):
        y = found[f"network/propagation/y{k}"]
        field = y.reshape(model.architecture.channels, *model.grid.shape, -1)
        power = (np.abs(np.fft.fftn(field, axes=axes)) ** 2).sum(axis=(0, -1))
        power[(0,) * model.grid.dimension] = 0.0
        shares.append(float(power[high].sum() / power.sum()))
    return shares


def gains(stencils: np.ndarray, grid: Grid) -> dict[str, float]:
    """Return the largest ‖λ(ω)‖₂ over the layers below and above the coarse Nyquist frequency."""
    high = high_frequencies(grid)
    sizes = [np.linalg.norm(symbol(S, grid), ord=2, axis=(-2, -1)) for S in stencils.astype("float64")]
    return {
        "low": float(max(size[~high].max() for size in sizes)),
        "high": float(max(size[high].max() for size in sizes)),
    }


def symbol_gap(coarse: Model, fine: Model, images: Dataset) -> float:
    """Return ‖λ_h(ω) − λ_H(2ω)‖ / ‖λ_H(2ω)‖, both weighted by the spectrum of the images on the fine mesh."""
    X = examples_of(fine, images, interpolate=True).inputs.reshape(*fine.grid.shape, -1)
    axes = tuple(range(fine.grid.dimension))
    power = (np.abs(np.fft.fftn(X, axes=axes)) ** 2).mean(axis=-1)[..., None, None]
    error = size = 0.0
    repeated = (2,) * fine.grid.dimension
    for S_H, S_h in zip(coarse.arrays["stencils"], fine.arrays["stencils"], strict=True):
        on_coarse = symbol(S_H.astype("float64"), coarse.grid)
        on_coarse = np.tile(on_coarse, (*repeated, 1, 1))  # index f of the fine mesh is ω = 2πf/n, 2ω wraps
        error += float((power * np.abs(symbol(S_h.astype("float64"), fine.grid) - on_coarse) ** 2).sum())
        size += float((power * np.abs(on_coarse) ** 2).sum())
    return math.sqrt(error / size)


def explained(model: Model, size: int, pairs: list[str], images: Dataset) -> dict[str, Any]:
    """Return what symbols and spectra say about the native net and its transfers."""
    grid = Grid((size,) * model.grid.dimension)
    result: dict[str, Any] = {
        "native": {
            "high_energy": feature_spectra(model, images),
            "gain": gains(model.arrays["stencils"], model.grid),
        }
    }
    for pair, stencils in itertools.product(pairs, STENCIL_RULES):
        other = transfer(model, grid, pair, stencils, weights="pair")
        coarse, fine = (model, other) if grid.cells > model.grid.cells else (other, model)
        result[f"{pair} {stencils}"] = {
            "high_energy": feature_spectra(other, images),
            "gain": gains(other.arrays["stencils"], other.grid),
            "symbol_gap": symbol_gap(coarse, fine, images),
        }
    return result


def measured(entry: dict[str, Any], size: int, study: dict[str, Any], options: argparse.Namespace) -> Any:
    """Train and measure one net of the study, or read what was measured before."""
    configuration = configured(study, entry.get("changes", {}), size)
    target = options.out / f"{entry['name']}-{size}.json"
    if target.exists():
        found = json.loads(target.read_text(encoding="utf-8"))
        if Configuration.complete(found["configuration"]) == configuration.to_dict():
            return found
        if not options.force:
            raise FileError(
                f"{str(target)!r} was made with another configuration; choose another folder, or --force to "
                "make it anew."
            )
        target.with_suffix(".h5").unlink(missing_ok=True)
    dataset = dataset_of(configuration, options.data_dir)
    model = trained(configuration, dataset, target.with_suffix(".h5"))
    images = split_by(configuration.data, dataset)
    seconds = sum(row.seconds for row in model.history)
    validation = examples_of(model, images[1], interpolate=True)
    native = score(model, validation.inputs, validation.targets)
    other = next(n for n in study["sizes"] if n != size)
    some = subset(images[1], np.arange(min(SPECTRUM_IMAGES, images[1].count)))
    parts = Parts(*images)
    ways = [(other, pair, rules_for(configuration.network, size, other, pair)) for pair in study["pairs"]]
    result = {
        "name": entry["name"],
        "size": size,
        "changes": entry.get("changes", {}),
        "configuration": configuration.to_dict(),
        "seconds": seconds,
        "native": {"accuracy": native.accuracy, "loss": native.loss, "examples": native.examples},
        "training": [row.objective for row in model.history if row.block == "propagation"],
        "transfers": [row for way in ways for row in moved(model, *way, parts)],
        "explained": explained(model, other, study["pairs"], some),
    }
    if entry.get("fit_classifier", False):
        sections = configuration.regularization, configuration.optimization
        result["fitted"] = [row for way in ways for row in fitted(model, *way, parts, *sections)]
    with atomic_write(target, overwrite=True) as temporary:
        temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    best = max(row["accuracy"] for row in result["transfers"])
    print(
        f"{target.stem}: native {native.accuracy:.4f}, best transfer {best:.4f}, {seconds:.0f} s", flush=True
    )
    return result


def picture(figure: Figure, nets: list[dict[str, Any]]) -> None:
    """Draw accuracy after the transfer over native accuracy: a panel a direction, a marker a net and way."""
    from refms.plots.style import COLOURS  # here, for it imports matplotlib

    ways = {
        "K_H = R K_h P, images agree": ("averaging-bilinear", "galerkin", "agreeing", "o"),
        "K_H = R K_h P, images matched": ("averaging-bilinear", "galerkin", "matched", "^"),
        "K_H = R K_h P, images as in training": ("averaging-bilinear", "galerkin", "training", "s"),
        "unchanged, images agree": ("averaging-bilinear", "keep", "agreeing", "x"),
        "unchanged, images as in training": ("averaging-bilinear", "keep", "training", "+"),
    }
    directions = sorted({(net["size"], net["transfers"][0]["to"]) for net in nets})
    axes = figure.subplots(1, len(directions), sharey=True, squeeze=False)[0]
    for axis, (here, there) in zip(axes, directions, strict=True):
        some = [net for net in nets if net["size"] == here]
        x = [100 * net["native"]["accuracy"] for net in some]
        for colour, (label, (pair, stencils, images, marker)) in zip(COLOURS, ways.items(), strict=False):
            y = [
                100 * row["accuracy"]
                for net in some
                for row in net["transfers"]
                if (row["pair"], row["stencils"], row["images"]) == (pair, stencils, images)
                and row["weights"] == "pair"
            ]
            axis.plot(x, y, marker, color=colour, label=label, fillstyle="none")
        ends = [min(x) - 0.2, max(x) + 0.2]
        axis.plot(ends, ends, color="0.6", linewidth=1, label="as on its own mesh")
        axis.set_title(f"from {here}×{here} to {there}×{there} cells")
        axis.set_xlabel("native accuracy, %")
    axes[0].set_ylabel("accuracy on the other mesh, %")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the study and write one JSON file."""
    parser = argparse.ArgumentParser(description="Native against transferred accuracy as a front.")
    parser.add_argument("study", type=Path, metavar="STUDY.toml")
    parser.add_argument("--data-dir", help="folder with the data files (default: the variable REFMS_DATA)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these nets, and no result file")
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="OUT", help="folder for the nets")
    parser.add_argument("--result", type=Path, metavar="FILE", help="JSON result (default: in OUT)")
    parser.add_argument(
        "--figure", type=Path, metavar="FILE", help="picture, .png or .svg (default: OUT/….png)"
    )
    parser.add_argument(
        "--force", action="store_true", help="replace the JSON result, and nets of another configuration"
    )
    options = parser.parse_args(argv)
    study = read_toml(options.study)
    options.out.mkdir(parents=True, exist_ok=True)
    result_file = options.result or options.out / "resolution_front.json"
    draws, figure_file = can_draw(options.figure), options.figure or options.out / "resolution_front.png"
    if options.only is None:
        for target in (result_file, *([figure_file] if draws else [])):
            require_target(str(target), force=options.force)
    rows = [
        measured(entry, size, study, options)
        for entry in study["nets"]
        if options.only is None or entry["name"] in options.only
        for size in entry.get("sizes", study["sizes"][:1])
    ]
    if options.only is not None:
        return 0
    result = {
        "experiment": "resolution_front",
        "study": options.study.name,
        **made(),
        "versions": versions(),
        "figure": figure_file.name if draws else None,
        "sizes": study["sizes"],
        "pairs": study["pairs"],
        "nets": rows,
    }
    if draws:
        drawn(figure_file, lambda figure: picture(figure, rows), (8.0, 4.6), force=options.force)
    with atomic_write(result_file, overwrite=options.force) as temporary:
        temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    end_with(lambda: ended("resolution_front", main))
