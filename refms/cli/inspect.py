"""``refms inspect``: what Gauss–Newton training sees where a model stands."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from refms.cli.evaluate import add_size_option, require_size
from refms.cli.files import write_json
from refms.cli.options import Commands, add_command, add_options
from refms.cli.result_folder import claim_results, write_results
from refms.names import BLOCK_NAMES

if TYPE_CHECKING:
    from refms.model import Model
    from refms.objective.examples import Examples
    from refms.run.inspection.inspection import BlockInspection

RESIDUALS = (1e-1, 1e-2, 1e-4)
"""Relative residuals whose first iteration the table tells."""

EXAMPLES = 200
"""How many images are looked at unless something else is asked for."""


def register(commands: Commands) -> None:
    """Add ``inspect`` to the command line."""
    command = add_command(
        commands, "inspect", "refms inspect coarse.h5 --block propagation --examples 50 -o inspection", run
    )
    add_options(command, "model")
    command.add_argument(
        "-o", "--output", required=True, metavar="OUT", help="folder for inspect.json and inspect.h5"
    )
    add_options(command, "--dataset", "--data-dir")
    add_size_option(command)
    command.add_argument(
        "--examples",
        type=int,
        metavar="N",
        help=f"first N images of the training part (default: {EXAMPLES}, or all); time grows with them",
    )
    command.add_argument(
        "--block",
        action="append",
        choices=BLOCK_NAMES,
        help="look at this block; may be given more than once (default: all three)",
    )
    command.add_argument(
        "--eigenvalues", type=int, default=4, metavar="K", help="eigenvalues at each end (default: 4)"
    )
    command.add_argument(
        "--steps", type=int, default=32, metavar="K", help="products a probe for a density (default: 32)"
    )
    command.add_argument(
        "--probes", type=int, default=4, metavar="K", help="random probes of a density (default: 4)"
    )
    command.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the probes (default: 0)")
    command.add_argument("--force", action="store_true", help="replace an earlier inspection in OUT")


def run(options: argparse.Namespace) -> int:
    """Inspect, print and write; return 0."""
    from refms.errors import require_whole
    from refms.linear.spectrum import Effort
    from refms.model_file import load_model
    from refms.run.experiment import configuration_of
    from refms.run.inspection.inspection import in_double, inspect
    from refms.run.inspection.layers import layer_norms

    for name in ("examples", "eigenvalues", "steps", "probes"):
        if getattr(options, name) is not None:
            require_whole(getattr(options, name), f"--{name}", 1)
    require_whole(options.seed, "--seed")
    folder = claim_results(options, "inspect", force=options.force)
    model = load_model(options.model)
    require_size(model, options)
    configuration = configuration_of(model)
    model = in_double(model)
    examples, dataset = _first_examples(model, options)
    effort = Effort(options.eigenvalues, options.steps, options.probes, options.seed)
    blocks = tuple(name for name in BLOCK_NAMES if not options.block or name in options.block)
    found, layers = inspect(model, examples, configuration, blocks, effort), layer_norms(model)
    head = {
        "kind": "inspect",
        "model": options.model,
        "grid": list(model.grid.shape),
        "dataset": dataset,
        "examples": examples.count,
        "configuration": configuration.to_dict(),
        "effort": {name: getattr(options, name) for name in ("eigenvalues", "steps", "probes", "seed")},
    }
    result = _write(folder, head, found, layers, force=options.force)
    write_json(options.json, result)
    print("\n".join(table(head, found, layers)))
    return 0


def _first_examples(model: Model, options: argparse.Namespace) -> tuple[Examples, str]:
    """Return the first images of the part that the model was trained on, and the name of their data set."""
    import numpy as np

    from refms.data.dataset import subset
    from refms.errors import InputError
    from refms.run.experiment import examples_of, part_of

    dataset = part_of(model, "train", options.dataset, options.data_dir)
    count = min(EXAMPLES, dataset.count) if options.examples is None else options.examples
    if count > dataset.count:
        raise InputError(
            f"--examples is {count}; the training part has {dataset.count} images, expected at most that."
        )
    return examples_of(model, subset(dataset, np.arange(count))), dataset.name


def _write(
    folder: Path,
    head: Mapping[str, Any],
    found: Mapping[str, BlockInspection],
    layers: list[dict[str, Any]],
    *,
    force: bool,
) -> dict[str, Any]:
    """Write both files, and return the result as JSON has it."""
    import datetime

    import numpy as np

    from refms.environment import machine, versions
    from refms.io.artifact import Artifact
    from refms.run.inspection.record import as_arrays, as_json

    arrays = as_arrays(found)
    arrays |= {
        f"layers/{key}": np.array([row[key] for row in layers], dtype=float)
        for key in (layers[0].keys() - {"name"} if layers else ())
        if key != "name"
    }
    result = {
        **head,
        "machine": machine(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "layers": layers,
        **as_json(found),
    }
    artifact = Artifact("inspect", {**head, "versions": versions()}, arrays)
    write_results(folder, result, artifact, force=force)
    return result


def table(
    head: Mapping[str, Any], found: Mapping[str, BlockInspection], layers: list[dict[str, Any]]
) -> list[str]:
    """Return the lines that are printed: what is looked at, then a table for each thing that was seen."""
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
            lines.append(f"{name:12} {choice:16} " + " ".join(f"{count:>6}" for count in counts))
    lines += ["", "actual over predicted change of the objective at step lengths 1/4, 1/2, 1, 3/2"]
    for name, block in found.items():
        for method, quality in block.quality.items():
            ratios = dict(zip(quality.step_lengths, quality.gain_ratios, strict=True))
            shown = " ".join(f"{ratios[length]:>9.3g}" for length in (0.25, 0.5, 1.0, 1.5))
            lines.append(f"{name:12} {method:13} {shown}")
    lines += ["", f"{'layer':>5} {'time':>7} {'|S_k|':>9} {'|b_k|':>9} {'|K(S_k)|_2':>11}"]
    for row in layers:
        columns = (("time", 7, ".3g"), ("stencil_norm", 9, ".4g"), ("bias_norm", 9, ".3g"))
        cells = [
            f"{'-' if row[key] is None else format(row[key], form):>{width}}"
            for key, width, form in (*columns, ("largest_singular_value", 11, ".4g"))
        ]
        lines.append(f"{row['layer']:5d} {' '.join(cells)}")
    return lines


def _first(values: Any) -> str:
    return f"{values[0]:.3g}" if len(values) else "-"
