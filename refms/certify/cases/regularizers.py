"""Both regularisers with their gradients; the Tikhonov terms are as large as the smoothness terms."""

from __future__ import annotations

import math

import numpy as np

from refms.certify.cases.case import Arrays, Case, Found, Given, Said, Setting
from refms.certify.golden import Quantity
from refms.certify.inputs import doubles
from refms.definition import regularizers
from refms.definition.norms import max_norm
from refms.definition.problem import join
from refms.grid import Grid
from refms.maps.activation import TANH
from refms.maps.layers.convolution import convolution_layer
from refms.maps.time.steps import TimeSteps
from refms.objective.classifier import Classifier
from refms.objective.regularizers import classifier_regularizer, time_regularizer
from refms.stencils.convolution import Convolution


def _in_space(name: str, seed: int, grid: tuple[int, ...], channels: int, classes: int) -> Case:
    setting: dict[str, Setting] = {"grid": grid, "channels": channels, "classes": classes}
    cells = math.prod(grid)
    drawn = doubles(seed, {"omega": (channels * cells * classes + classes,), "weights": (2,)})

    def formulas(x: Given) -> Said:
        W, mu = x["omega"][:-classes].reshape(-1, classes), x["omega"][-classes:]
        alpha, tau = x["weights"]
        value = regularizers.in_space(W, grid, alpha, tau)
        gradient = join(regularizers.in_space_gradient(W, grid, alpha, tau), 0 * mu)
        largest = sum(4 * n**2 for n in grid)  # of the eigenvalues of ∇ᵀ∇
        size = (alpha * largest + tau) * max_norm(W) / cells
        return {
            "value": Quantity(value, value, "|R|"),
            "gradient": Quantity(gradient, size, "h^d (α Σ 4/h² + τ) ‖W‖_∞"),
        }

    def refms(x: Arrays) -> Found:
        head, omega = Classifier(Grid(grid), channels, classes), x["omega"]
        alpha, tau = map(float, x["weights"])
        R = classifier_regularizer(head, alpha, tau, dtype=str(omega.dtype))
        return {"value": R.value(omega), "gradient": R.gradient(omega)}

    inputs = {**drawn, "weights": np.abs(drawn["weights"])}
    return Case(f"regularizer/{name}", inputs, formulas, refms, setting)


def _in_time(name: str, seed: int, layers: int, leading: int, final_time: float) -> Case:
    size = 2 * 2 * 3 + 2  # parameters of a layer of two channels with stencils of three entries
    drawn = doubles(seed, {"theta": (leading + layers * size,), "weights": (2,)})

    def formulas(x: Given) -> Said:
        first, rows = x["theta"][:leading], x["theta"][leading:].reshape(layers, size)
        T, (alpha, tau) = x["final_time"][0], x["weights"]
        value = regularizers.in_time(rows, T, alpha, tau) + tau * (first * first).sum() / 2
        gradient = join(tau * first, regularizers.in_time_gradient(rows, T, alpha, tau))
        dt = T / layers
        bound = (4 * alpha / dt + tau * (1 + dt)) * max_norm(x["theta"])
        return {
            "value": Quantity(value, value, "|R|"),
            "gradient": Quantity(gradient, bound, "(4 α/δt + τ (1 + δt)) ‖θ‖_∞"),
        }

    def refms(x: Arrays) -> Found:
        theta, layer = x["theta"], convolution_layer(Convolution(Grid((5,)), 2, 2, (3,)), TANH)
        steps = TimeSteps(layer, layers, float(x["final_time"][0]))
        alpha, tau = map(float, x["weights"])
        R = time_regularizer(steps, alpha, tau, leading=leading, dtype=str(theta.dtype))
        return {"value": R.value(theta), "gradient": R.gradient(theta)}

    inputs = {**drawn, "weights": np.abs(drawn["weights"]), "final_time": np.array([final_time])}
    return Case(f"regularizer/{name}", inputs, formulas, refms, {"layers": layers, "leading": leading})


CASES = (
    _in_space("space_1d", 51, grid=(5,), channels=2, classes=3),
    _in_space("space_2d", 52, grid=(3, 4), channels=2, classes=5),
    _in_space("space_3d", 53, grid=(3, 2, 4), channels=1, classes=5),
    _in_time("time", 54, layers=3, leading=0, final_time=1.0),
    _in_time("time_with_opening", 55, layers=4, leading=6, final_time=1.5),
)
"""δt = 1/3 is no double: the formulas divide exactly."""
