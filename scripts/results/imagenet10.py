"""Section of ``imagenet10.py``: ResNet from coarse to fine, and the baselines that users have."""

from typing import Any

from writing import table

from results.wording import command, figure, filled, mean_sd

TITLES = {
    "fine-only": "the finest mesh alone",
    "galerkin": "coarse to fine, K_H = R K_h P",
    "galerkin-rescaled": "coarse to fine, K_H = R K_h P, each layer with its norm",
    "keep": "coarse to fine, stencils unchanged",
    "progressive": "images enlarged in small steps",
}

ROWS = {
    "accuracy at the start": ("accuracy on the finest mesh before any step there, %", ".2f", 100.0),
    "accuracy at the end": ("accuracy at the end, %", ".2f", 100.0),
    "best accuracy": ("best accuracy of an epoch, %", ".2f", 100.0),
    "work": ("work", ",.0f", 1.0),
    "processor seconds": ("processor time, s", ",.0f", 1.0),
    "work to the best of fine-only": ("work to the best accuracy of the finest mesh alone", ",.0f", 1.0),
}
"""Number -> what its row is called, its format and factor."""


def section(result: dict[str, Any]) -> str:
    """Return the section of one run."""
    methods, configuration = result["methods"], result["configuration"]
    rows = [["cells × epochs", *(_stages(result, method) for method in methods)]]
    for name, (title, *form) in ROWS.items():
        rows.append([title, *(mean_sd(found[name], *form) for found in methods.values())])
    rows.insert(
        5, ["work, of that of the finest mesh alone", *(_share(methods, method) for method in methods)]
    )
    return filled(
        result,
        command=command(result),
        data=configuration["data"],
        options=configuration["network"]["options"],
        blocks=", ".join(map(str, configuration["network"]["options"]["blocks"])),
        stochastic=configuration["stochastic"],
        splits=len(result["settings"]["seeds"]),
        costs=", ".join(f"{size}×{size}: {cost:.2f}" for size, cost in result["cost"].items()),
        table=table(["", *(TITLES[method] for method in methods)], rows),
        differences=_differences(result),
        figure=figure(result, "validation accuracy over work and over processor time"),
    )


def _stages(result: dict[str, Any], method: str) -> str:
    return ", ".join(f"{size} × {epochs}" for size, epochs in result["settings"]["methods"][method])


def _share(methods: dict[str, Any], method: str) -> str:
    return f"{methods[method]['work']['mean'] / methods['fine-only']['work']['mean']:.2f}"


def _differences(result: dict[str, Any]) -> str:
    """Return by how many points each method ends above the finest mesh alone, split by split."""
    lines = []
    for method, found in result["differences"].items():
        end = found["accuracy at the end"]
        values = ", ".join(f"{100 * value:+.1f}" for value in end["values"])
        lines.append(f"* {TITLES[method]}: {mean_sd(end, '+.2f', 100.0)} points ({values}).")
    return "\n".join(lines)
