"""The page validation/multiscale_training/THEORY.md from the result of ``theory.py``."""

import json
from pathlib import Path
from typing import Any

from writing import table, words

from results.wording import MULTISCALE_TRAINING, command, number, origin

FOLDER = Path(__file__).resolve().parents[2] / MULTISCALE_TRAINING

PRINTED = {
    0.0: (3.9e-2, 1.8e-2, 8.6e-3, 4.2e-3, 2.1e-3, 1.1e-3),
    0.5: (4.0e-2, 1.9e-2, 1.1e-2, 1.1e-2, 1.9e-2, 3.9e-2),
}
"""‖g_h − g_2h‖ by σ under averaging on 64, 128, …, 2048 cells, Fig. 2 of [MST]."""

PRINTED_MESH_FREE = (2.9e-3, 8.3e-4, 3.0e-4, 1.4e-4, 6.4e-5, 3.7e-5)
"""The same for mesh-free convolutions with σ = 0.5, first version of [MST]."""


def text() -> str:
    """Return the page."""
    result = json.loads((FOLDER / "results" / "theory.json").read_text(encoding="utf-8"))
    settings = result["configuration"]["experiment"]
    return words(
        __file__,
        result=result,
        settings=settings,
        command=command(result, MULTISCALE_TRAINING, "--data-dir DIR"),
        origin=origin(result),
        minutes=f"{result['seconds'] / 60:.0f}",
        printed=_printed(),
        **{kind: _series(rows) for kind, rows in result["lemma_1"].items()},
        bounds=_bounds(result["bounds"]),
        variances=_variances(result["variances"]),
        starts=_starts(result["theorem_1"]["data"]),
        assumption=_assumption(result["theorem_1"]["data"]),
        sampled=_sampled(result["theorem_1"]["sampled"]),
        accuracy=f"{result['theorem_1']['accuracy']:g}",
        fig_2="\n\n".join(_fig_2(name, found) for name, found in result["datasets"].items()),
        efficiency="\n\n".join(_efficiency(name, found) for name, found in result["datasets"].items()),
    )


def _printed() -> str:
    rows = [[f"3 taps, σ = {sigma:g}", *_small(reversed(values))] for sigma, values in PRINTED.items()]
    rows.append(["mesh-free, σ = 0.5", *_small(reversed(PRINTED_MESH_FREE))])
    return table(["printed in [MST]", *(str(2048 // 2**k) for k in range(6))], rows)


def _small(values: Any) -> list[str]:
    return [f"{value:.1e}" for value in values]


def _series(rows: list[dict[str, Any]]) -> str:
    """Return differences by mesh, with the order of the finest."""
    lines = [[row["title"], *_small(row["values"]), number(row["order"], ".2f")] for row in rows]
    return table(["", *map(str, rows[0]["cells"]), "order"], lines)


def _bounds(rows: list[dict[str, Any]]) -> str:
    lines = [
        [
            row["bound_of"],
            "×".join(map(str, row["cells"])),
            f"{row['noise']:g}",
            f"{row['difference']:.2e}",
            f"{row['bound']:.2e}",
            f"{row['constant']:.3g}",
        ]
        for row in sorted(rows, key=lambda row: (row["bound_of"], len(row["cells"]), row["noise"]))
    ]
    return table(["bound", "cells", "σ", "difference", "bound on it", "λ or ζ"], lines)


def _variances(found: dict[str, Any]) -> str:
    single = table(
        ["N", *map(str, found["sizes"]), "order"],
        [["tr Var", *_small(found["single"]), f"{found['order']:.3f}"]],
    )
    terms = ", ".join(_small(found["terms"]))
    return (
        f"{single}\n\nMGE with batches {tuple(found['batches'])}, V_l = {terms}: "
        f"Σ V_l/N_l = {found['predicted']:.4e}, measured {found['measured']:.4e}."
    )


def _assumption(data: dict[str, Any]) -> str:
    cells = [str(row["cells"]) for row in next(iter(data.values()))["meshes"]]
    lines = [
        [
            name,
            f"{found['condition']:.1e}",
            *_small(row["distance"] for row in found["meshes"]),
            f"{found['order']:.2f}",
        ]
        for name, found in data.items()
    ]
    return table(["data", "cond N", *cells, "order"], lines)


def _starts(data: dict[str, Any]) -> str:
    cells = [str(row["cells"]) for row in next(iter(data.values()))["meshes"]]
    lines = [
        [f"{name}, {told}", *(_steps(row[start]) for row in found["meshes"])]
        for name, found in data.items()
        for start, told in (("hot", "hot start"), ("cold", "random start"))
    ]
    return table(["steps", *cells], lines)


def _sampled(found: dict[str, Any]) -> str:
    lines = [[name, *_small(errors)] for name, errors in found["errors"].items()]
    return table(["k", *map(str, found["steps"])], lines)


def _steps(count: int) -> str:
    return f"{count:,}" if count < 2**17 else f"≥ {2**17:,}"


def _fig_2(name: str, found: dict[str, Any]) -> str:
    finest, rows = found["cells"][0], found["fig_2"]
    cells = [str(finest // 2**k) for k in range(len(rows[0]["differences"]))]
    lines = [
        [
            f"{row['sigma']:g}",
            row["pair"],
            "Galerkin" if row["kernels"] else "kept",
            f"{row['size']:.3f}",
            *(f"{value:.4f}" for value in row["differences"]),
        ]
        for row in rows
    ]
    return f"{name}:\n\n{table(['σ', 'restriction', 'stencils', '‖g_h‖', *cells], lines)}"


def _efficiency(name: str, found: dict[str, Any]) -> str:
    lines = [
        [
            row["case"],
            " ".join(f"{V:.3f}" for V in row["terms"]),
            f"{row['doubled']:.2f}",
            f"{row['best']:.2f} ({row['best_interval'][0]:.2f} to {row['best_interval'][1]:.2f})",
            f"{row['regressed']:.2f}",
            str(row["paying"]),
            " ".join(f"{100 * share:.0f}" for share in row["largest_shares"]),
            f"{row['loss']:.3f}",
            f"{row['telescope']:.2f}",
        ]
        for row in found["efficiency"]
    ]
    head = ["sub-sampling, stencils", "V_l/v", "η", "η*", "η*, β_l", "levels", "largest, %", "loss", "ρ"]
    return f"{name}:\n\n{table(head, lines)}"
