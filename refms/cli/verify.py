"""``refms verify``: the catalogue of properties, run on this installation."""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np

from refms.backend import backend_named
from refms.cli.files import write_json
from refms.cli.reporting import conclude, reports_of
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.properties.galerkin import EXAMPLE_1_EXACT, EXAMPLE_1_FINE, EXAMPLE_1_PRINTED

_PAIR = "averaging-bilinear"


def run(options: argparse.Namespace) -> int:
    """Print the table; return 0 if nothing fails, 1 otherwise."""
    backend = backend_named(options.backend)
    dtypes = ("float64", "float32") if options.dtype == "both" else (options.dtype,)
    adapters = [ReferenceAdapter(backend, dtype) for dtype in dtypes]
    reports = reports_of(adapters, options.tier, options.seed)
    example = example_1(adapters[0])
    print(described(example) + "\n")
    passed = conclude(reports)
    write_json(
        options.json,
        {
            "backend": options.backend,
            "passed": passed,
            "example_1": example,
            "reports": [report.to_dict() for report in reports],
        },
    )
    return 0 if passed else 1


def example_1(adapter: ReferenceAdapter) -> dict[str, Any]:
    """Return Example 1 of [LAS] as this installation computes it.

    Parameters
    ----------
    adapter : ReferenceAdapter
        Where to compute.

    Returns
    -------
    dict
        ``pair``, ``fine``, ``coarse``, ``printed``, and the largest deviations from the printed and from the
        exact stencil.
    """
    fine = np.array(EXAMPLE_1_FINE, dtype=adapter.profile.dtype)
    coarse = adapter.stencil_down(fine[None, None], _PAIR)[0, 0].astype("float64")
    return {
        "pair": _PAIR,
        "fine": [list(row) for row in EXAMPLE_1_FINE],
        "coarse": coarse.tolist(),
        "printed": [list(row) for row in EXAMPLE_1_PRINTED],
        "deviation_from_printed": float(np.abs(coarse - EXAMPLE_1_PRINTED).max()),
        "deviation_from_exact": float(np.abs(coarse - EXAMPLE_1_EXACT).max()),
    }


def described(example: dict[str, Any]) -> str:
    """Return Example 1 as text: fine stencil, computed coarse stencil, printed one, row beside row."""
    lines = [f"Example 1 of [LAS], pair {example['pair']}: fine stencil, coarse computed, coarse printed"]
    for fine, coarse, printed in zip(example["fine"], example["coarse"], example["printed"], strict=True):
        left = " ".join(f"{v:6.2f}" for v in fine)
        middle = " ".join(f"{v:8.5f}" for v in coarse)
        right = " ".join(f"{v:6.2f}" for v in printed)
        lines.append(f"  [{left} ]  [{middle} ]  [{right} ]")
    lines.append(
        f"  largest deviation from the printed digits {example['deviation_from_printed']:.4f}, "
        f"from the exact values {example['deviation_from_exact']:.1e}"
    )
    return "\n".join(lines)
