"""Section of ``stability.py``: spectra, growth and orders of nets with different steps and layers."""

from collections.abc import Callable
from statistics import fmean
from typing import Any

from results.wording import command, figure, origin

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
    data, network = configuration["data"], configuration["network"]
    first = next(iter(next(iter(result["nets"].values())).values()))
    counts = f"{first['examples']['train']:,} / {first['examples']['validation']:,}"
    size = f" on {data['size']}×{data['size']} cells" if data["size"] else ""
    noise, length = f"{max(settings['noise']):g}", str(max(settings["lengths"]))
    seeds, depths = len(settings["seeds"]), ", ".join(map(str, result["smooth"]["depths"]))
    return f"""## Stability: `{result["name"]}.json`

`{command(result)}`,
{origin(result)}.

{data["dataset"]}, {counts} images for training / validation{size}, {network["channels"]} channels,
{network["layers"]} layers, T = {network["final_time"]:g}, {configuration["optimization"]["iterations"]} BCD
iterations, {seeds} seed{"s, means" if seeds > 1 else ""}. The same settings for every net; none was tuned.
With Verlet, K couples two halves of the channels, so that a layer has a quarter of the parameters; of those
of an antisymmetric layer half are without effect.

λ are the eigenvalues of the right-hand side's Jacobian σ′K(s_k) along the net, at {settings["images"]}
images; those of K(s_k) itself are exact, by its symbol. One step multiplies a mode by the modulus of R(δt λ):
with forward Euler, of an eigenvalue of the layer's Jacobian I + δt σ′K. With Verlet and with antisymmetric
layers (without damping) all λ are imaginary by construction; of such modes Verlet amplifies none up to
δt abs(λ) = 2, RK4 none up to 2.83, forward Euler and midpoint all. Modes with positive real parts grow with
every method, as they should. Growth is that of a perturbation of y_0: root mean square over random ones, and
the largest, over the net and over the net run {length} times, one after the other. Accuracies in %; noise has
{noise} times the standard deviation of the images.

| {" | ".join(("net", *COLUMNS, f"over {length} nets"))} |
|{"---|" * (len(COLUMNS) + 2)}
{_rows(result, lambda numbers: _dynamics(numbers, noise, length))}

The same θ(t) taken with more layers (`refms transfer --depth`): relative distance of the last state from that
of {max(settings["refinements"])} times as many layers, and orders seen between successive doublings of the
depth, coarsest first; the gradient is that of the loss with respect to the parameters of the trained net.
Where δt abs(λ) is above 1, these depths are too small for the orders to settle.

| net | distance to the limit | orders of the state | orders of the gradient |
|---|---|---|---|
{_rows(result, _refinement)}

Orders on a smooth θ(t) that the layers sample at t_k, of a small net with random parameters, N = {depths}.
At the stages between, θ(t) is linear between the layers unless the table says cubic. That the limit is the
solution which SciPy finds is tested in `tests/network/integrators`.

| method | expected | orders of the state | orders of the gradient |
|---|---|---|---|
{_smooth(result["smooth"]["methods"])}

{figure(result, "spectra of the layers' Jacobians, growth along the net, growth over many nets")}
"""


def _rows(result: Numbers, cells: Callable[[list[Numbers]], list[str]]) -> str:
    """Return one row a net, of which ``cells`` makes the columns from the numbers of its seeds."""
    return "\n".join(
        f"| {net} | {' | '.join(cells(list(found.values())))} |" for net, found in result["nets"].items()
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


def _refinement(runs: list[Numbers]) -> list[str]:
    found = [run["refinement"] for run in runs]
    distance = fmean(one["distance to the limit"] for one in found)
    orders = [
        [fmean(values) for values in zip(*(one[kind] for one in found), strict=True)]
        for kind in ("state", "gradient")
    ]
    return [f"{distance:.2g}", *map(_orders, orders)]


def _smooth(methods: Numbers) -> str:
    return "\n".join(
        f"| {name} | {found['expected']} | {_orders(found['state'])} | {_orders(found['gradient'])} |"
        for name, found in methods.items()
    )


def _orders(values: list[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)
