"""Section of ``coarse_to_fine.py``: Algorithm 1 against training on the finest mesh alone."""

import statistics
from typing import Any

from results.wording import command, figure, mean_sd, number, origin

TITLES = {
    "fine-only": "fine-only: the finest mesh alone",
    "galerkin": "coarse to fine, K_H = R K_h P",
    "keep": "coarse to fine, stencils unchanged",
}


def section(result: dict[str, Any]) -> str:
    """Return the section of one run."""
    methods, settings = result["methods"], result["settings"]
    data, steps = result["configuration"]["data"], result["configuration"]["optimization"]["iterations"]
    head = " | ".join(TITLES[method] for method in methods)
    rows = []
    for name in next(iter(methods.values())):
        form, factor = (".2f", 100.0) if "accuracy" in name else (",.0f", 1.0)
        unit = ", %" if "accuracy" in name else ""
        cells = " | ".join(mean_sd(found[name], form, factor) for found in methods.values())
        rows.append(f"| {name}{unit} | {cells} |")
    costs = ", ".join(f"{size}×{size}: {cost:g}" for size, cost in result["cost"].items())
    counts = f"{result['examples']['train']:,} / {result['examples']['validation']:,}"
    return f"""## Algorithm 1, coarse to fine: `{result["name"]}.toml`

`{command(result)}`,
{origin(result)}.

{data["dataset"]}, {counts} images for training / validation, {len(settings["seeds"])} seeds (split, start and
Hessian samples), {steps} iterations on each mesh, pair `{data["pair"]}`. {_images(settings, data)}
One evaluation of the network for one image costs, by multiply-adds: {costs}; work is in
evaluations on the finest mesh.
Accuracies are those on the finest mesh, mean ± standard deviation; "at 0.25 of the work" is where a quarter
of the whole work of fine-only is spent, and "–" that the coarser meshes were not done by then.
The paper's ImageNet-10, 224×224 with ResNet-34, is out of reach here: there coarse-to-fine took 0.74 of the
time (43,882 ± 3,476 s against 59,122 ± 7,540 s) and reached 82.67 ± 0.93 % against 76.47 ± 0.93 %.

| | {head} |
|---|{"---|" * len(methods)}
{chr(10).join(rows)}

{_ratios(methods)}

{figure(result, "validation accuracy over work and over processor time")}
"""


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
