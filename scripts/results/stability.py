"""Section of ``stability.py``: spectra, growth and orders of nets with different steps and layers."""

from collections.abc import Callable
from statistics import fmean
from typing import Any

from writing import table

from results.wording import command, figure, filled

Numbers = dict[str, Any]

COLUMNS = (
    "accuracy",
    "with noise",
    "largest Re λ",
    "largest δt abs(λ)",
    "with σ′ = 1",
    "largest amplification by a step",
    "with σ′ = 1",
    "typical growth",
    "largest growth",
)


def section(result: Numbers) -> str:
    """Return the section of one run."""
    configuration, settings = result["configuration"], result["settings"]
    data, seeds = configuration["data"], len(settings["seeds"])
    noise, length = f"{max(settings['noise']):g}", str(max(settings["lengths"]))
    nets = {net: list(found.values()) for net, found in result["nets"].items()}
    dynamics = [[net, *_dynamics(runs, noise, length)] for net, runs in nets.items()]
    return filled(
        result,
        command=command(result),
        data=data,
        network=configuration["network"],
        first=next(iter(nets.values()))[0],
        size=f" on {data['size']}×{data['size']} cells" if data["size"] else "",
        seeds=f"{seeds} seed{'s, means' if seeds > 1 else ''}",
        noise=noise,
        length=length,
        nets=table(["net", *COLUMNS, f"over {length} nets"], dynamics),
        refined=max(settings["refinements"]),
        refinements=_refinements(nets),
        depths=", ".join(map(str, result["smooth"]["depths"])),
        smooth=_smooth(result["smooth"]["methods"]),
        figure=figure(
            result, "spectra of the layers' Jacobians, growth along the net, growth over many nets"
        ),
    )


def _dynamics(runs: list[Numbers], noise: str, length: str) -> list[str]:
    def worst(kind: str, name: str) -> float:
        return fmean(max(layer[name] for layer in run["layers"][kind]) for run in runs)

    def grown(pick: Callable[[Numbers], float]) -> str:
        return f"{fmean(pick(run['growth']) for run in runs):.3g}"

    return [
        f"{100 * fmean(run['accuracy']['0'] for run in runs):.2f}",
        f"{100 * fmean(run['accuracy'][noise] for run in runs):.2f}",
        f"{worst('jacobian', 'largest real part'):.1g}"
        if worst("jacobian", "largest real part") < 1e-8
        else f"{worst('jacobian', 'largest real part'):.2f}",
        f"{worst('jacobian', 'step times modulus'):.2f}",
        f"{worst('symbol', 'step times modulus'):.2f}",
        f"{worst('jacobian', 'amplification'):.3f}",
        f"{worst('symbol', 'amplification'):.3f}",
        grown(lambda growth: growth["typical"]),
        grown(lambda growth: growth["largest over lengths"]["1"]),
        grown(lambda growth: growth["largest over lengths"][length]),
    ]


def _refinements(nets: dict[str, list[Numbers]]) -> str:
    lines = []
    for net, runs in nets.items():
        found = [run["refinement"] for run in runs]
        means = [
            [fmean(values) for values in zip(*(one[kind] for one in found), strict=True)]
            for kind in ("state", "gradient")
        ]
        distance = fmean(one["distance to the limit"] for one in found)
        lines.append([net, f"{distance:.2g}", *map(_orders, means)])
    return table(["net", "distance to the limit", "orders of the state", "orders of the gradient"], lines)


def _smooth(methods: Numbers) -> str:
    lines = [
        [name, str(found["expected"]), _orders(found["state"]), _orders(found["gradient"])]
        for name, found in methods.items()
    ]
    return table(["method", "expected", "orders of the state", "orders of the gradient"], lines)


def _orders(values: list[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)
