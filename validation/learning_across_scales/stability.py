"""Stability of the forward propagation: growth of perturbations, spectra of the layers, orders in time.

    python validation/learning_across_scales/stability.py CONFIG.toml --data-dir DIR -o OUT

Trains a net for every combination of integrator and layer that CONFIG.toml names, and looks at it as a
dynamical system: eigenvalues of the layers' Jacobians along the net, δt against the spectrum of K(s_k),
growth of perturbations over the net and over many times its length, what noise in the images does, and the
orders at which states and gradients converge when the same θ(t) is taken with more layers. Every training
leaves its model in OUT; the same command goes on where an earlier one stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from common.dynamics import (
    amplification,
    eigenvalues,
    largest_growth,
    observed_orders,
    perturbed,
    right_hand_side,
    states,
    symbol_eigenvalues,
)
from common.plan import options_of, read_plan, require_seeds, seeded
from common.publishing import Publisher, ended
from common.trainings import Bench

from refms.cli.streams import end_with
from refms.errors import Array, InputError, require_choice
from refms.grid import Grid
from refms.maps.activation import TANH
from refms.maps.architectures.residual import INTEGRATORS, LAYERS
from refms.maps.layers.convolution import convolution_layer
from refms.maps.time.coupling import leapfrog, verlet
from refms.maps.time.euler import forward_euler
from refms.maps.time.runge_kutta import runge_kutta
from refms.maps.time.tableau import MIDPOINT, RK4
from refms.model import Model, score
from refms.multiscale.depth import time_interpolation_matrix, to_depth
from refms.objective.examples import Examples
from refms.objective.losses import SoftmaxCrossEntropy
from refms.run.config import Configuration
from refms.run.experiment import dataset_of
from refms.stencils.convolution import Convolution

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DIRECTIONS = 64
"""Random perturbations from which the typical growth is estimated."""

FEW = 32
"""Validation images on which states and gradients of deeper nets are compared."""


@dataclass(frozen=True)
class Settings:
    """The table [experiment].

    Parameters
    ----------
    nets : tuple of str
        ``"integrator layer"``, trained one after the other.
    images : int
        Validation images at which the nets are linearised.
    refinements : tuple of int
        Factors of the depth at which orders are measured, each twice the one before.
    lengths : tuple of int
        How many times the net is run through one after the other for the growth over long times.
    noise : tuple of float
        Standard deviations of noise on the images, in units of theirs.
    seeds : tuple of int
        One run each.
    """

    nets: tuple[str, ...] = ("forward-euler convolution", "verlet convolution")
    images: int = 2
    refinements: tuple[int, ...] = (1, 2, 4, 8, 16)
    lengths: tuple[int, ...] = (1, 2, 4, 8, 16)
    noise: tuple[float, ...] = (0.25, 0.5, 1.0)
    seeds: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        require_seeds(self.seeds)
        for net in self.nets:
            words = net.split()
            if len(words) != 2:
                raise InputError(f"nets has {net!r}; expected 'integrator layer'.")
            require_choice(words[0], INTEGRATORS, "integrator in nets")
            require_choice(words[1], LAYERS, "layer in nets")
        doubled = [2**k for k in range(len(self.refinements))]
        if list(self.refinements) != doubled or len(doubled) < 3:
            raise InputError(f"refinements is {list(self.refinements)}; expected 1, 2, 4, ….")
        if self.images < 1 or min(self.lengths) < 1 or min(self.noise) < 0:
            raise InputError("images and lengths must be 1 or more, noise 0 or more.")


def of(configuration: Configuration, net: str) -> Configuration:
    """Return the configuration of one net; damping goes with the antisymmetric layer alone."""
    integrator, layer = net.split()
    damping = configuration.network.layer_damping if layer == "antisymmetric" else 0.0
    network = replace(configuration.network, integrator=integrator, layer=layer, layer_damping=damping)
    return replace(configuration, network=network)


def in_double(model: Model) -> Model:
    """Return the model in double precision, in which everything is measured."""
    return model.with_arrays(**{name: array.astype("float64") for name, array in model.arrays.items()})


def theta_of(model: Model) -> tuple[Array, Array]:
    """Return the parameters of the layers as one vector, and the opening's."""
    theta, size = model.blocks["propagation"], model.architecture.propagation.layout.size
    return theta[theta.size - size :], model.arrays["opening"].reshape(-1)


def spectra(model: Model, X: Array) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return what the eigenvalues of the layers say, along the net.

    Of the Jacobian's eigenvalues λ at the images X and of those of K(s_k) by its symbol: largest real part,
    δt times the largest modulus, and the largest amplification by a step, one value for each layer; and, as
    arrays, all eigenvalues.
    """
    steps, integrator = model.architecture.propagation, model.architecture.integrator
    theta, opening = theta_of(model)
    along = states(steps, theta, model.architecture.opening_map.apply(opening, X))
    arrays, numbers = {}, {"jacobian": [], "symbol": []}
    for k, theta_k in enumerate(steps.time.by_layer(theta)):
        at = [
            eigenvalues(right_hand_side(model.architecture, theta_k, along[k][:, i]), steps.rows_in)
            for i in range(X.shape[1])
        ]
        of_k = {
            "jacobian": np.concatenate(at),
            "symbol": symbol_eigenvalues(model.architecture, model.arrays["stencils"][k]),
        }
        for name, values in of_k.items():
            arrays[f"layer{k}/{name}"] = values
            z = steps.time.time_step * values
            numbers[name].append(
                {
                    "largest real part": float(values.real.max()),
                    "step times modulus": float(np.abs(z).max()),
                    "amplification": float(amplification(integrator, z).max()),
                }
            )
    return numbers, arrays


def growth(model: Model, X: Array, lengths: Sequence[int]) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return how perturbations of y_0 grow along the net, and over several lengths of it.

    Root mean square and largest growth over the net, and the largest over the net with its parameters
    repeated so many times, δt as it is, as means over the images; and, as arrays, after each layer and each
    length.
    """
    steps = model.architecture.propagation
    theta, opening = theta_of(model)
    Y = model.architecture.opening_map.apply(opening, X)
    directions = np.random.default_rng(0).standard_normal((steps.rows_in, DIRECTIONS))
    images = list(Y.T.copy())
    moved = [[np.linalg.norm(now) for now in perturbed(steps, theta, y, directions)] for y in images]
    typical = np.array(moved) / np.linalg.norm(directions)
    over = []
    for length in lengths:
        net = model.architecture
        times = {"layers": length * net.layers, "final_time": length * net.final_time}
        longer = replace(net, **times).propagation
        over.append([largest_growth(longer, np.tile(theta, length), y) for y in images])
    largest = [float(np.mean(row)) for row in over]
    numbers = {
        "typical": float(typical[:, -1].mean()),
        "largest": largest[list(lengths).index(1)] if 1 in lengths else None,
        "largest over lengths": dict(zip(map(str, lengths), largest, strict=True)),
    }
    return numbers, {"typical": typical, "lengths": np.array(lengths), "largest": np.array(over)}


def refinement(model: Model, some: Examples, factors: Sequence[int]) -> dict[str, Any]:
    """Return how state and gradient converge when the same θ(t) is taken with more layers.

    Relative distance of the net's last state from that of the deepest one, and the orders seen, coarsest
    first, of last states and of gradients of the loss with respect to the parameters of the net.
    """
    N = model.architecture.layers
    last, gradients = [], []
    for factor in factors:
        deep = to_depth(model, factor * N)
        theta, opening = theta_of(deep)
        at = deep.architecture.propagation.at(
            theta, deep.architecture.opening_map.apply(opening, some.inputs)
        )
        classified = deep.classifier.map.at(deep.blocks["classifier"], at.output)
        loss = SoftmaxCrossEntropy().evaluate(classified.output, some.targets)
        gradient, _ = at.vjp(classified.vjp(loss.gradient, wrt_theta=False)[1], wrt_input=False)
        last.append(at.output)
        gradients.append(time_interpolation_matrix(N, factor * N).T @ gradient.reshape(factor * N, -1))
    return {
        "distance to the limit": float(np.linalg.norm(last[0] - last[-1]) / np.linalg.norm(last[-1])),
        "state": observed_orders(last),
        "gradient": observed_orders(gradients),
    }


def smooth_orders() -> dict[str, Any]:
    """Return the orders for a smooth θ(t), sampled by the layers, on a tiny net with random parameters."""
    K = Convolution(Grid((5,)), 2, 2, (3,))
    layer = convolution_layer(K, TANH)
    T, depths = 1.2, (16, 32, 64, 128)
    methods = {
        "forward Euler": (lambda N: forward_euler(layer, N, T), 1),
        "midpoint": (lambda N: runge_kutta(layer, N, T, MIDPOINT), 2),
        "RK4, θ(t) linear": (lambda N: runge_kutta(layer, N, T, RK4), 2),
        "RK4, θ(t) cubic": (lambda N: runge_kutta(layer, N, T, RK4, "cubic"), 4),
        "Verlet": (lambda N: verlet(K, TANH, N, T), 2),
        "leapfrog": (lambda N: leapfrog(layer, N, T), 2),
    }
    rng = np.random.default_rng(11)
    C, found = 0.6 * rng.standard_normal((3, layer.layout.size)), {}
    y, G = rng.standard_normal((2, 2 * layer.rows_in, 1))
    for name, (build, expected) in methods.items():
        last, gradients = [], []
        for N in depths:
            t = np.arange(N) * T / N
            modes = np.stack([np.ones(N), np.cos(t), np.sin(2 * t)], axis=1)
            steps = build(N)
            at = steps.at((modes @ C).reshape(-1), y[: steps.rows_in])
            last.append(at.output)
            gradients.append(modes.T @ at.vjp(G[: steps.rows_out])[0].reshape(N, -1))
        orders = {"state": observed_orders(last), "gradient": observed_orders(gradients)}
        found[name] = {"expected": expected, **orders}
    return {"depths": list(depths), "methods": found}


def noisy(model: Model, validation: Examples, levels: Sequence[float], seed: int) -> dict[str, float]:
    """Return the accuracy on images with noise, by its standard deviation in units of the images'."""
    rng, scale = np.random.default_rng(seed), float(validation.inputs.std())
    found = {}
    for level in (0.0, *levels):
        added = level * scale * rng.standard_normal(validation.inputs.shape)
        found[f"{level:g}"] = score(model, validation.inputs + added, validation.targets).accuracy
    return found


def measured(
    bench: Bench, configuration: Configuration, net: str, settings: Settings
) -> tuple[dict[str, Any], dict[str, Array]]:
    """Train one net, or find it, and measure it."""
    name = f"seed{configuration.network.seed}_{net.replace(' ', '_')}"
    start = bench.start(configuration, configuration.data.size)
    trained, unit = bench.trained(name, configuration, start)
    model = in_double(trained)
    _, validation = bench.examples(configuration, model)
    some = validation.take(np.arange(settings.images))
    layers, arrays = spectra(model, some.inputs)
    grown, more = growth(model, some.inputs, settings.lengths)
    largest = max(np.linalg.norm(model.arrays["stencils"][k]) for k in range(model.architecture.layers))
    numbers = {
        "examples": unit["examples"],
        "objective": unit["curve"]["objective"][-1],
        "accuracy": noisy(model, validation, settings.noise, configuration.network.seed),
        "largest stencils": float(largest),
        "time step": model.architecture.propagation.time.time_step,
        "layers": layers,
        "growth": grown,
        "refinement": refinement(model, validation.take(np.arange(FEW)), settings.refinements),
    }
    print(f"{name}: measured", flush=True)
    return numbers, {f"{name}/{key}": array for key, array in {**arrays, **more}.items()}


def picture(figure: Figure, arrays: dict[str, Array], nets: Sequence[str], seed: int, T: float) -> None:
    """Draw δt-free spectra of all layers, growth along the net, and growth over its lengths."""
    from refms.plots.style import COLOURS  # here, for it imports matplotlib

    left, middle, right = figure.subplots(1, 3)
    for colour, net in zip(COLOURS, nets, strict=False):
        name = f"seed{seed}_{net.replace(' ', '_')}"
        points = np.concatenate(
            [values for key, values in arrays.items() if key.startswith(f"{name}/layer") and "jac" in key]
        )
        left.plot(points.real, points.imag, ".", color=colour, markersize=1.5, label=net, rasterized=True)
        typical = arrays[f"{name}/typical"].mean(axis=0)
        middle.plot(np.linspace(0, T, typical.size), typical, color=colour)
        right.semilogy(
            arrays[f"{name}/lengths"] * T, arrays[f"{name}/largest"].mean(axis=1), color=colour, marker="."
        )
    left.set_xlabel("real part of λ(σ′K), 1/time")
    left.set_ylabel("imaginary part, 1/time")
    middle.set_xlabel("time t")
    middle.set_ylabel("typical growth of a perturbation of y(0)")
    right.set_xlabel("time t, the net again and again")
    right.set_ylabel("largest growth")
    figure.legend(loc="outside lower center", ncols=3, markerscale=6)


def main(argv: Sequence[str] | None = None) -> int:
    """Train and measure every net with every seed, and write."""
    options = options_of("Stability of the propagation for several integrators and layers.", argv)
    plan = read_plan(options, Settings)
    publisher = Publisher("stability", options)
    settings: Settings = plan.settings
    for net in settings.nets:  # before any is trained
        of(plan.configuration, net)
    dataset = dataset_of(plan.configuration, options.data_dir)
    bench = Bench(options.out, dataset, options.force)
    found: dict[str, Any] = {}
    arrays: dict[str, Array] = {}
    for seed in settings.seeds:
        for net in settings.nets:
            own = of(seeded(plan.configuration, seed), net)
            numbers, more = measured(bench, own, net, settings)
            found.setdefault(net, {})[str(seed)] = numbers
            arrays |= more
    result = {
        "configuration": plan.configuration.to_dict(),
        "settings": {
            name: list(value) if isinstance(value, tuple) else value for name, value in vars(settings).items()
        },
        "nets": found,
        "smooth": smooth_orders(),
    }
    T = plan.configuration.network.final_time
    publisher.publish(
        result, arrays, lambda figure: picture(figure, arrays, settings.nets, settings.seeds[0], T), (10, 4)
    )
    return 0


if __name__ == "__main__":
    end_with(lambda: ended("stability", main))
