"""``refms verify``: the catalogue of properties, run on this installation."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from refms.cli.files import write_json
from refms.cli.options import Commands, add_command, add_options, dtypes_of
from refms.cli.reporting import conclude, reports_of

if TYPE_CHECKING:
    from refms.conformance.adapters.reference import ReferenceAdapter

_PAIR = "averaging-bilinear"


def register(commands: Commands) -> None:
    """Add ``verify`` to the command line."""
    command = add_command(commands, "verify", "refms verify --dtype float64 --json verify.json", run)
    add_options(command, "--backend")
    tier = command.add_mutually_exclusive_group()
    tier.add_argument(
        "--quick", dest="tier", action="store_const", const="quick", help="few instances a property (default)"
    )
    tier.add_argument(
        "--full", dest="tier", action="store_const", const="full", help="many instances, minutes"
    )
    add_options(tier, "--tier")
    add_options(command, "--dtype", "--seed")
    command.set_defaults(tier="quick")


def run(options: argparse.Namespace) -> int:
    """Print the table; return 0 if nothing fails, 1 otherwise."""
    from refms.backend import backend_named
    from refms.conformance.adapters.reference import ReferenceAdapter
    from refms.conformance.reports.reach import in_a_line
    from refms.conformance.reports.summary import summarize
    from refms.conformance.reports.text import causes, table

    backend = backend_named(options.backend)
    adapters = [ReferenceAdapter(backend, dtype) for dtype in dtypes_of(options)]
    reports = reports_of(adapters, options.tier, options.seed)
    summary, example = summarize(reports), example_1(adapters[0])
    told = causes(summary), table(reports), in_a_line(summary.reach), example_in_words(example)
    print("\n\n".join(filter(None, told)) + "\n")
    passed = bool(conclude(summary))
    write_json(
        options.json,
        {
            "backend": options.backend,
            "passed": passed,
            "example_1": example,
            "instances": summary.to_dict()["instances"],
            "reports": [report.to_dict() for report in reports],
        },
    )
    return 0 if passed else 1


def example_1(adapter: ReferenceAdapter) -> dict[str, Any]:
    """Return Example 1 of [LAS] as this installation computes it, with what was printed and what is exact."""
    import numpy as np

    from refms.conformance.properties.galerkin import EXAMPLE_1_EXACT, EXAMPLE_1_FINE, EXAMPLE_1_PRINTED

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


def example_in_words(example: dict[str, Any]) -> str:
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
