"""``refms inspect``: what Gauss–Newton training sees where a model stands."""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from refms.cli.datasets import training_part
from refms.cli.evaluate import require_size
from refms.cli.files import require_target, write_json
from refms.data.dataset import Dataset, one_hot, subset
from refms.environment import machine, versions
from refms.errors import FileError, InputError, require_whole
from refms.io.artifact import Artifact
from refms.io.model_file import load_model
from refms.io.writing import write_artifact
from refms.linear.spectrum import Effort
from refms.model import Model
from refms.objective.batches import LabelledColumns
from refms.objective.optimal_control import BLOCKS
from refms.run.config import Configuration
from refms.run.inspection.inspection import BlockInspection, in_double, inspect
from refms.run.inspection.layers import layer_norms
from refms.run.inspection.record import as_arrays, as_json

RESIDUALS = (1e-1, 1e-2, 1e-4)
"""Relative residuals whose first iteration the table tells."""


def run(options: argparse.Namespace) -> int:
    """Inspect, print and write; return 0."""
    for name in ("examples", "eigenvalues", "steps", "probes"):
        require_whole(getattr(options, name), f"--{name}", 1)
    require_whole(options.seed, "--seed")
    folder = Path(options.output)
    targets = folder / "inspect.json", folder / "inspect.h5"
    _require_folder(folder)
    for target in targets:
        if folder.exists():
            require_target(str(target), force=options.force)
    model = load_model(options.model)
    require_size(model, options)
    stored: Any = model.record.get("configuration", {})
    configuration = Configuration.from_dict(stored)
    dataset = _images(model, options)
    model = in_double(model)
    examples = LabelledColumns(
        np.ascontiguousarray(model.prepare(dataset)), one_hot(dataset.labels, dataset.classes, "float64")
    )
    effort = Effort(options.eigenvalues, options.steps, options.probes, options.seed)
    blocks = tuple(name for name in BLOCKS if not options.block or name in options.block)
    found = inspect(model, examples, configuration, blocks, effort)
    layers = layer_norms(model)
    head = {
        "kind": "inspect",
        "model": options.model,
        "grid": list(model.grid.shape),
        "dataset": dataset.name,
        "examples": examples.count,
        "configuration": configuration.to_dict(),
        "effort": {
            "eigenvalues": effort.count,
            "steps": effort.steps,
            "probes": effort.probes,
            "seed": effort.seed,
        },
    }
    arrays = as_arrays(found)
    arrays.update({f"layers/{key}": np.array([row[key] for row in layers], dtype=float) for key in layers[0]})
    folder.mkdir(exist_ok=True)
    write_artifact(
        targets[1], Artifact("inspect", {**head, "versions": versions()}, arrays), overwrite=options.force
    )
    result = {
        **head,
        "machine": machine(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "layers": layers,
        **as_json(found),
    }
    write_json(str(targets[0]), result)
    write_json(options.json, result)
    print("\n".join(table(head, found, layers)))
    return 0


def table(
    head: Mapping[str, Any], found: Mapping[str, BlockInspection], layers: list[dict[str, Any]]
) -> list[str]:
    """Return what is printed.

    Parameters
    ----------
    head : mapping
        ``model``, ``grid``, ``examples`` and ``dataset``.
    found : mapping of str to BlockInspection
        By block.
    layers : list of dict
        Of :func:`~refms.run.inspection.layers.layer_norms`.

    Returns
    -------
    list of str
        Lines.
    """
    lines = [
        f"{head['model']}: grid {tuple(head['grid'])}, {head['examples']} training images of "
        f"{head['dataset']}",
        "",
        f"{'block':12} {'matrix':13} {'rows':>6} {'smallest':>10} {'largest':>10} {'trace':>19} "
        f"{'below 0':>8}",
    ]
    for name, block in found.items():
        for kind, spectrum in block.spectra.items():
            trace, ends = spectrum.trace(), spectrum.extremes
            smallest, largest = (_first(one) for one in (ends.smallest, ends.largest))
            lines.append(
                f"{name:12} {kind:13} {block.size:6d} {smallest:>10} {largest:>10} "
                f"{trace.value:>9.3g} ± {trace.error:<7.2g} {100 * spectrum.negative().value:6.1f} %"
            )
    lines += ["", "CG iterations to a relative residual of " + ", ".join(f"{r:.0e}" for r in RESIDUALS)]
    for name, block in found.items():
        for choice, curve in block.residuals.items():
            counts = [next((str(k) for k, r in enumerate(curve) if r <= goal), "-") for goal in RESIDUALS]
            lines.append(f"{name:12} {choice:13} " + " ".join(f"{count:>6}" for count in counts))
    lines += ["", "actual over predicted change of the objective at step lengths 1/4, 1/2, 1, 3/2"]
    for name, block in found.items():
        for method, quality in block.quality.items():
            ratios = dict(zip(quality.step_lengths, quality.gain_ratios, strict=True))
            shown = " ".join(f"{ratios[length]:>9.3g}" for length in (0.25, 0.5, 1.0, 1.5))
            lines.append(f"{name:12} {method:13} {shown}")
    lines += ["", f"{'layer':>5} {'time':>7} {'|S_k|':>9} {'|b_k|':>9} {'|K(S_k)|_2':>11}"]
    for row in layers:
        singular = row["largest_singular_value"]
        lines.append(
            f"{row['layer']:5d} {row['time']:7.3g} {row['stencil_norm']:9.4g} {row['bias_norm']:9.3g} "
            f"{'-' if singular is None else format(singular, '.4g'):>11}"
        )
    return lines


def _first(values: Any) -> str:
    return f"{values[0]:.3g}" if len(values) else "-"


def _images(model: Model, options: argparse.Namespace) -> Dataset:
    """Return the first images of the part that the model was trained on."""
    dataset = training_part(model, options.dataset, options.data_dir)
    if dataset.classes != model.mu.shape[0]:
        raise InputError(f"{dataset.name!r} has {dataset.classes} classes, the model {model.mu.shape[0]}.")
    if options.examples > dataset.count:
        raise InputError(
            f"--examples is {options.examples}; the training part has {dataset.count} images, expected at "
            "most that."
        )
    return subset(dataset, np.arange(options.examples))


def _require_folder(folder: Path) -> None:
    """Refuse, before any work is done, a folder that cannot be made."""
    if folder.exists() and not folder.is_dir():
        raise FileError(f"{str(folder)!r} exists and is no folder; choose another name.")
    if not folder.exists() and not folder.absolute().parent.is_dir():
        raise FileError(f"the folder of {str(folder)!r} does not exist; create it first.")
