"""Classification across resolutions without training ([LAS] Sec. 4): native, prolonged, restricted.

Trains one net on each of two meshes, moves each to the other mesh with every named pair, with the stencils
transferred by K_H = R K_h P and with the stencils unchanged, and writes all accuracies to one JSON file:

    python validation/learning_across_scales/across_resolutions.py CONFIG.toml --data-dir DIR -o OUT

CONFIG.toml is a configuration of ``refms train``; its ``size`` is overridden by the two meshes. Every step is
one ``refms`` command, which is printed; a net that is already in OUT is not trained again.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from refms.artifacts.model_file import load_model
from refms.checks import galerkin_test
from refms.cli.datasets import read_dataset
from refms.cli.main import main as refms
from refms.data.dataset import Dataset, subset
from refms.environment import machine, versions
from refms.errors import FileError, InputError
from refms.files import atomic_write
from refms.grid import Grid
from refms.model import Model
from refms.multiscale.resolution import transfer
from refms.operators.transfer import transfer_pair

PAPER = {
    "native coarse": 98.28,
    "native fine": 98.18,
    "up": 91.0,
    "up keep": 61.0,
    "down": 94.9,
    "down keep": 84.1,
}


def run(*words: str | Path) -> dict[str, Any]:
    """Run one refms command and return its JSON result; end the program if it fails."""
    words = (*map(str, words),)
    print("refms " + " ".join(words), flush=True)
    target = Path(words[words.index("--json") + 1])
    code = refms(list(words))
    if code != 0:
        sys.exit(code)
    result: dict[str, Any] = json.loads(target.read_text(encoding="utf-8"))
    return result


def trained(config: Path, size: int, out: Path, data: list[str]) -> dict[str, Any]:
    """Train the net of one mesh, or return the result of an earlier training."""
    net, result = out / f"native{size}.h5", out / f"native{size}.json"
    if net.exists() and result.exists():
        found: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        return found
    return run("train", config, "--size", size, *data, "-o", net, "--force", "--json", result)


def moved(
    source: Path, size: int, pair: str, rule: str, out: Path, data: list[str], smoothing: list[float]
) -> Any:
    """Transfer a net and evaluate it on the images of the new mesh, smoothed in each given way."""
    name = f"{source.stem}_to_{size}_{pair}_{rule}"
    words = ("--to", size, "--pair", pair, "--stencils", rule, "-o", out / f"{name}.h5", "--force")
    run("transfer", source, *words, "--json", out / f"{name}.json")
    results = {}
    for sigma in smoothing:
        target = out / f"{name}_sigma{sigma:g}.json"
        words = ("--size", size, *data, "--smoothing", sigma, "--json", target)
        results[f"{sigma:g}"] = run("evaluate", out / f"{name}.h5", *words)["accuracy"]
    return results


def exact_identities(model: Model, grid: Grid, pair_name: str, images: Dataset) -> dict[str, float]:
    """Return rho of K_H = R K_h P over the layers, and the change of the logits in the limit T -> 0.

    The second statement compares X_H = R X_h on the way up and X_h = P X_H on the way down.
    """
    other = transfer(model, grid, pair_name)
    coarse, fine = (model, other) if grid.cells > model.grid.cells else (other, model)
    pair, c = transfer_pair(pair_name), model.network.channels
    dtype = str(model.W.dtype)
    R = pair.restriction_matrix(fine.grid, channels=c, dtype=dtype)
    P = pair.prolongation_matrix(fine.grid, channels=c, dtype=dtype)
    matrix_c, matrix_f = (m.network.propagation.layer.convolution.matrix for m in (coarse, fine))
    reports = [
        galerkin_test(R, matrix_f(fine.stencils[k]), P, matrix_c(coarse.stencils[k]))
        for k in range(model.network.layers)
    ]
    still_c, still_f = (
        dataclasses.replace(m, network=dataclasses.replace(m.network, final_time=0.0)) for m in (coarse, fine)
    )
    if fine is other:
        X_h = fine.prepare(images)
        X_H = pair.restriction_matrix(fine.grid, dtype=dtype) @ X_h
    else:
        X_H = coarse.prepare(images)
        X_h = pair.prolongation_matrix(fine.grid, dtype=dtype) @ X_H
    change = np.abs(still_f.logits(X_h) - still_c.logits(X_H)).max()
    return {
        "galerkin_rho": max(report.rho for report in reports),
        "logit_change_without_propagation": float(change),
        "largest_logit": float(np.abs(still_c.logits(X_H)).max()),
    }


def main() -> int:
    """Run the whole chain."""
    parser = argparse.ArgumentParser(description="Classification across resolutions without training.")
    parser.add_argument("config", type=Path, metavar="CONFIG.toml")
    parser.add_argument("--sizes", type=int, nargs=2, default=(14, 28), metavar=("COARSE", "FINE"))
    parser.add_argument("--pairs", nargs="+", default=("averaging-bilinear", "averaging-constant"))
    parser.add_argument("--data-dir", help="folder with the data files (default: the variable REFMS_DATA)")
    parser.add_argument(
        "--train-only", type=int, choices=(0, 1), help="train only the coarse (0) or fine (1) net"
    )
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="OUT", help="folder for nets and results"
    )
    parser.add_argument("--result", type=Path, metavar="FILE", help="JSON result (default: in OUT)")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    data = ["--data-dir", options.data_dir] if options.data_dir else []
    if options.train_only is not None:
        trained(options.config, options.sizes[options.train_only], options.out, data)
        return 0
    natives = [trained(options.config, size, options.out, data) for size in options.sizes]
    nets = [options.out / f"native{size}.h5" for size in options.sizes]
    section = natives[0]["configuration"]["data"]
    dataset = read_dataset(section["dataset"], options.data_dir)
    some = subset(dataset, np.arange(100))
    smoothing = sorted({0.0, section["smoothing"]})
    results: dict[str, Any] = {
        "experiment": "across_resolutions",
        "paper": PAPER,
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": versions(),
        "configuration": natives[0]["configuration"],
        "native": {
            str(size): {
                key: native[key] for key in ("train", "validation", "seconds", "peak_memory_bytes", "history")
            }
            for size, native in zip(options.sizes, natives, strict=True)
        },
        "transfer": {},
        "identities": {},
    }
    for here, there, word in ((0, 1, "up"), (1, 0, "down")):
        for pair in options.pairs:
            size = options.sizes[there]
            for rule in ("galerkin", "keep"):
                key = f"{word} {pair} {rule}"
                results["transfer"][key] = moved(nets[here], size, pair, rule, options.out, data, smoothing)
            model = load_model(nets[here])
            grid = Grid((size,) * model.grid.dimension)
            results["identities"][f"{word} {pair}"] = exact_identities(model, grid, pair, some)
    target = options.result or options.out / "across_resolutions.json"
    with atomic_write(target, overwrite=True) as temporary:
        temporary.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    print(json.dumps({key: results[key] for key in ("transfer", "identities")}, indent=2))
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (InputError, FileError) as error:
        print(f"across_resolutions: {error}", file=sys.stderr)
        sys.exit(2)
