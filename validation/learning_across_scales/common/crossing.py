"""Nets on another mesh without training: moved in every way, on images smoothed in every way."""

import itertools
import json
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from common.smoothing import matched_on
from refms.data.dataset import Dataset
from refms.errors import InputWarning
from refms.grid import Grid
from refms.io.files import atomic_write
from refms.model import Model, score
from refms.multiscale.agreement import agreement
from refms.multiscale.resolution import transfer
from refms.names import STENCIL_RULES, WEIGHT_RULES
from refms.run.config import NetworkSection, OptimizationSection, RegularizationSection
from refms.run.experiment import examples_of
from refms.run.training import fit_classifier
from refms.stencils.transfer import transfer_pair


@dataclass(frozen=True)
class Parts:
    """The images of one split."""

    training: Dataset
    validation: Dataset


def rules_for(network: NetworkSection, here: int, there: int, pair: str) -> list[str]:
    """Return the rules for the stencils for which the way to another mesh is defined.

    Upwards K_H = R K_h P must determine the stencils of K_h; unchanged ones go everywhere.
    """
    sizes = {network.stencil} | ({network.opening_stencil} - {1})  # a 1×1 opening is kept
    defined = there < here or sizes <= {*transfer_pair(pair).closed_sizes}
    return [rule for rule in STENCIL_RULES if rule == "keep" or defined]


def moved(model: Model, there: int, pair: str, rules: Sequence[str], parts: Parts) -> list[dict[str, Any]]:
    """Transfer a net by one pair in every way, and evaluate it on images smoothed in four ways.

    One row each: ``from``, ``to``, ``pair``, ``stencils``, ``weights``, ``images`` (``"raw"``, smoothed
    as in ``"training"``, ``"matched"`` to the pair, or so that the logits are ``"agreeing"``),
    ``smoothing``, ``accuracy`` and ``loss`` on the validation images; with agreeing logits also ``distance``.
    """
    rows, here, sigma = [], model.grid.shape[0], model.preprocessing.smoothing
    matched = matched_on(there, here, sigma, pair, parts.training)
    for weights, stencils in itertools.product(WEIGHT_RULES, rules):
        if weights == "adjoint" and (transfer_pair(pair).variational or stencils == "keep"):
            continue  # both rules are the same, or the baseline
        other = transfer(model, _grid(model, there), pair, stencils, weights=weights)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InputWarning)  # what is lost is measured below
            agreed = agreement(model, other, transfer_pair(pair), parts.training)
        widths = {"raw": 0.0, "training": sigma, "matched": matched, "agreeing": agreed.smoothing}
        for images, width in widths.items():
            smoothed = replace(other, preprocessing=replace(other.preprocessing, smoothing=width))
            validation = examples_of(smoothed, parts.validation, interpolate=True)
            found = score(smoothed, validation.inputs, validation.targets)
            way = {"from": here, "to": there, "pair": pair, "stencils": stencils, "weights": weights}
            of_images = {"images": images, "smoothing": width, "accuracy": found.accuracy}
            apart = {"distance": agreed.distance} if images == "agreeing" else {}
            rows.append({**way, **of_images, "loss": found.loss, **apart})
        print(f"{here} to {there}, {pair}, {stencils}, {weights}: {found.accuracy:.4f}", flush=True)
    return rows


def fitted(
    model: Model,
    there: int,
    pair: str,
    rules: Sequence[str],
    parts: Parts,
    weights: RegularizationSection,
    options: OptimizationSection,
) -> list[dict[str, Any]]:
    """Fit the classifier alone to the matched training images of the new mesh: not without training.

    One row a rule: ``from``, ``to``, ``pair``, ``stencils``, ``smoothing``, ``newton_steps`` and
    ``accuracy``.
    """
    rows, here = [], model.grid.shape[0]
    sigma = matched_on(there, here, model.preprocessing.smoothing, pair, parts.training)
    for stencils in rules:
        other = transfer(model, _grid(model, there), pair, stencils, weights="adjoint")
        other = replace(other, preprocessing=replace(other.preprocessing, smoothing=sigma))
        training, validation = (
            examples_of(other, part, interpolate=True) for part in (parts.training, parts.validation)
        )
        done = fit_classifier(other, training, weights, options).model
        way = {"from": here, "to": there, "pair": pair, "stencils": stencils, "smoothing": sigma}
        accuracy = score(done, validation.inputs, validation.targets).accuracy
        rows.append({**way, "newton_steps": len(done.history), "accuracy": accuracy})
    return rows


def kept(target: Path, make: Callable[[], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """Return the rows of a file; make them and write it where it is not there."""
    if not target.exists():
        rows = make()
        with atomic_write(target, overwrite=False) as temporary:
            temporary.write_text(json.dumps(rows), encoding="utf-8")
    found: list[dict[str, Any]] = json.loads(target.read_text(encoding="utf-8"))
    return found


def _grid(model: Model, size: int) -> Grid:
    return Grid((size,) * model.grid.dimension)
