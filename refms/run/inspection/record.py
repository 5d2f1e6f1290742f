"""An inspection as JSON and as named arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from refms.errors import Array
from refms.linear.estimate import Estimate
from refms.linear.spectrum import Spectrum
from refms.run.inspection.inspection import BlockInspection
from refms.run.inspection.model_quality import ModelQuality


def as_json(found: Mapping[str, BlockInspection]) -> dict[str, Any]:
    """Return what was seen of all blocks as JSON."""
    chosen = "joint" if "joint" in found else next(iter(found))
    return {
        "blocks": {
            name: {
                "size": block.size,
                "objective": block.objective,
                "gradient_norm": block.gradient_norm,
                "model_quality": _quality(block.quality),
            }
            for name, block in found.items()
        },
        "spectra": {
            name: {kind: _spectrum(spectrum) for kind, spectrum in block.spectra.items()}
            for name, block in found.items()
        },
        "cg": {
            name: {choice: {"residuals": list(curve)} for choice, curve in block.residuals.items()}
            for name, block in found.items()
        },
        "model_quality": {"block": chosen, **_quality(found[chosen].quality)},
    }


def as_arrays(found: Mapping[str, BlockInspection]) -> dict[str, Array]:
    """Return what was seen of all blocks as named arrays, with what densities are made of."""
    arrays: dict[str, Array] = {}
    for name, block in found.items():
        for kind, spectrum in block.spectra.items():
            for key, value in _flat(_spectrum(spectrum)).items():
                arrays[f"spectra/{name}/{kind}/{key}"] = np.array(value, dtype="float64")
            for key, value in _raw(spectrum).items():
                arrays[f"spectra/{name}/{kind}/{key}"] = value
        for choice, curve in block.residuals.items():
            arrays[f"cg/{name}/{choice}"] = np.array(curve, dtype="float64")
        for method, quality in block.quality.items():
            for key in ("step_lengths", "predicted", "actual", "gain_ratios"):
                arrays[f"model_quality/{name}/{method}/{key}"] = np.array(getattr(quality, key))
    return arrays


def _spectrum(spectrum: Spectrum) -> dict[str, Any]:
    ends, densities = spectrum.extremes, spectrum.densities()
    density: dict[str, Any] = {"at": spectrum.at.tolist(), "width": spectrum.width}
    for method, estimate in densities.items():
        density[method] = _plain(estimate.value)
        density[f"{method}_error"] = _plain(estimate.error)
    return {
        "smallest": ends.smallest.tolist(),
        "smallest_error": ends.smallest_error.tolist(),
        "largest": ends.largest.tolist(),
        "largest_error": ends.largest_error.tolist(),
        "trace": _estimate(spectrum.trace()),
        "negative_share": _estimate(spectrum.negative()),
        "density": density,
    }


def _raw(spectrum: Spectrum) -> dict[str, Array]:
    rules = spectrum.measure.rules
    longest = max(len(rule.nodes) for rule in rules)
    nodes, weights = np.full((len(rules), longest), np.nan), np.zeros((len(rules), longest))
    for row, rule in enumerate(rules):
        nodes[row, : len(rule.nodes)] = rule.nodes
        weights[row, : len(rule.nodes)] = rule.weights
    moments = spectrum.moments
    return {
        "nodes": nodes,
        "weights": weights,
        "moments": moments.values,
        "interval": np.array(moments.interval),
    }


def _quality(quality: Mapping[str, ModelQuality]) -> dict[str, Any]:
    lengths = next(iter(quality.values())).step_lengths
    each = {
        method: {
            "predicted": list(one.predicted),
            "actual": list(one.actual),
            "gain_ratios": list(one.gain_ratios),
        }
        for method, one in quality.items()
    }
    return {"step_lengths": list(lengths), **each}


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {"value": _plain(estimate.value), "error": _plain(estimate.error)}


def _plain(value: Array | float) -> Any:
    return np.asarray(value).tolist()


def _flat(nested: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in nested.items():
        inner = _flat(value, f"{before}{key}/") if isinstance(value, Mapping) else {f"{before}{key}": value}
        flat.update(inner)
    return flat
