"""Section of ``coarse_to_fine.py``: Algorithm 1 against training on the finest mesh alone."""

import statistics
from typing import Any

from writing import table

from results.wording import command, figure, filled, mean_sd, number

TITLES = {
    "fine-only": "fine-only: the finest mesh alone",
    "galerkin": "coarse to fine, K_H = R K_h P",
    "keep": "coarse to fine, stencils unchanged",
}


def section(result: dict[str, Any]) -> str:
    """Return the section of one run."""
    methods, settings, data = result["methods"], result["settings"], result["configuration"]["data"]
    rows = []
    for name in next(iter(methods.values())):
        rate = "accuracy" in name
        form, factor = (".2f", 100.0) if rate else (",.0f", 1.0)
        cells = [mean_sd(found[name], form, factor) for found in methods.values()]
        rows.append([f"{name}, %" if rate else name, *cells])
    return filled(
        result,
        command=command(result),
        data=data,
        seeds=len(settings["seeds"]),
        images=_images(settings, data),
        costs=", ".join(f"{size}×{size}: {cost:g}" for size, cost in result["cost"].items()),
        table=table(["", *(TITLES[method] for method in methods)], rows),
        ratios=_ratios(methods),
        figure=figure(result, "validation accuracy over work and over processor time"),
    )


def _images(settings: dict[str, Any], data: dict[str, Any]) -> str:
    """Return how images and W go from mesh to mesh, in words."""
    if not settings["matched"]:
        return f"The images of all meshes are smoothed with σ = {data['smoothing']:g} cells of theirs."
    by = "is kept for W" if settings["weights"] == "adjoint" else "changes with W = P W"
    return (
        f"The images of the coarsest mesh are smoothed with σ = {data['smoothing']:g} cells of theirs,\n"
        "those of the others, fine-only's too, so that they match (σ² + the variance of R and P); "
        f"h^d⟨w, y⟩ {by}."
    )


def _ratios(methods: dict[str, Any]) -> str:
    """Return by which factor each way up is ahead of the finest mesh alone, seed by seed."""
    alone = methods["fine-only"]
    lines = []
    for method, found in methods.items():
        if method == "fine-only":
            continue
        parts = []
        for name in ("work to the best of fine-only", "processor seconds to the best of fine-only"):
            pairs = zip(alone[name]["values"], found[name]["values"], strict=True)
            ratios = sorted(a / b for a, b in pairs if a is not None and b)
            median = statistics.median(ratios) if ratios else None
            parts.append(f"{number(median, '.2f')} ({', '.join(f'{r:.2f}' for r in ratios)})")
        lines.append(
            f"* {TITLES[method]}: fine-only needs {parts[0]} times the work and {parts[1]} times the "
            "processor time to its own best accuracy: median, and each seed in which both reach it."
        )
    return "\n".join(lines)
