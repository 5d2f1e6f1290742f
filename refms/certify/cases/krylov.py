"""Conjugate gradients of a fixed length on an explicit matrix: four steps where seven would be exact."""

from __future__ import annotations

import numpy as np

from refms.certify.cases.case import Arrays, Case, Found, Given, Said
from refms.certify.golden import Quantity
from refms.certify.inputs import doubles
from refms.definition.arrays import inner
from refms.definition.krylov import conjugate_gradients as by_definition
from refms.definition.linear_system import inverse
from refms.definition.norms import euclidean, row_sum_norm
from refms.linear.cg import conjugate_gradients

_STEPS = 4


def _formulas(x: Given) -> Said:
    A, b = x["A"], x["b"]
    iterates = by_definition(lambda v: A @ v, b, _STEPS)
    norms = np.array([euclidean(r) for r in (b, *(b - A @ iterate for iterate in iterates))])
    models = np.array([-inner(b, iterate) / 2 for iterate in iterates])
    condition = row_sum_norm(A) * row_sum_norm(inverse(A))
    x_size, b_size = euclidean(iterates[-1]), euclidean(b)
    return {
        "iterates": Quantity(np.stack(iterates), condition * x_size, "κ_∞(A) ‖x‖₂"),
        "residual_norms": Quantity(norms, condition * b_size, "κ_∞(A) ‖b‖₂"),
        "model_values": Quantity(models, condition * b_size * x_size, "κ_∞(A) ‖b‖₂ ‖x‖₂"),
    }


def _refms(x: Arrays) -> Found:
    runs = [
        conjugate_gradients(lambda v: x["A"] @ v, x["b"], tolerance=0.0, max_iterations=k + 1)
        for k in range(_STEPS)
    ]
    return {
        "iterates": np.stack([run.x for run in runs]),
        "residual_norms": np.array(runs[-1].residual_norms),
        "model_values": np.array(runs[-1].model_values[1:]),
    }


def _inputs() -> Arrays:
    """Return a symmetric matrix with dominant diagonal, all of whose entries are exact doubles, and b."""
    drawn = doubles(61, {"A": (7, 7), "b": (7,)})
    below = np.tril(drawn["A"], -1)
    return {"A": below + below.T + np.diag(5.0 + np.arange(7) ** 2 / 2), "b": drawn["b"]}


CASES = (Case("conjugate_gradients", _inputs(), _formulas, _refms, {"steps": _STEPS}),)
