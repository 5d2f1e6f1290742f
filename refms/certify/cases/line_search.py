"""Armijo's rule on f(x) = Σ x_i⁴/4 − bᵀx: a step is taken, one is halved, one decreases f but too little."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from refms.certify.balls import Balls
from refms.certify.cases.case import Arrays, Case, Found, Given, Said
from refms.certify.golden import Quantity
from refms.certify.inputs import doubles
from refms.definition.arrays import Number, inner
from refms.definition.norms import max_norm
from refms.definition.search import armijo as by_definition
from refms.errors import Array
from refms.optimize.line_search import armijo
from refms.optimize.options import StepOptions


def _formulas(x: Given) -> Said:
    start, b, p, c = x["x"], x["b"], x["p"], x["c_1"][0]

    def f(at: Balls) -> Number:
        return inner(at * at, at * at) / 4 - inner(b, at)

    slope = inner(start * start * start - b, p)
    point, value, k = by_definition(f, start, p, f(start), c * slope)
    size, there, n = max_norm(start) + max_norm(p), max_norm(point), start.size
    steep = n * (there * there * there + max_norm(b))
    return {
        "slope": Quantity(slope, n * (max_norm(b) + 1) * max_norm(p), "n (‖b‖_∞ + 1) ‖p‖_∞"),
        "step_length": Quantity(Fraction(1, k), 1, "1"),
        "point": Quantity(point, size, "‖x‖_∞ + ‖p‖_∞"),
        "value": Quantity(value, steep * size, "n (‖x + αp‖_∞³ + ‖b‖_∞) (‖x‖_∞ + ‖p‖_∞)"),
    }


def _refms(x: Arrays) -> Found:
    start, b, p = x["x"], x["b"], x["p"]

    def f(at: Array) -> float:
        return float((at * at) @ (at * at) / 4 - b @ at)

    slope = float((start * start * start - b) @ p)
    options = StepOptions(sufficient_decrease=float(x["c_1"][0]))
    found = armijo(f, start, f(start), slope, p, options)
    return {"slope": slope, "step_length": found.step_length, "point": found.x, "value": found.value}


def _case(name: str, seed: int, length: float, c_1: float) -> Case:
    """Step along the steepest descent, times a length; all of it rounds alike everywhere."""
    x, b = doubles(seed, {"x": (5,), "b": (5,)}).values()
    inputs = {"x": x, "b": b, "p": length * (b - x * x * x), "c_1": np.array([c_1])}
    return Case(f"line_search/{name}", inputs, _formulas, _refms)


CASES = (
    _case("taken", 95, 0.5, 2.0**-13),
    _case("halved", 96, 16.0, 2.0**-13),
    _case("strict", 97, 0.75, 0.9375),
)
"""With c₁ = 15/16 a step that decreases f is still refused."""
