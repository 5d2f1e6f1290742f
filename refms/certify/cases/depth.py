"""Parameters from shallow to deep networks: twice as many layers, and three more, where few times meet."""

from __future__ import annotations

from refms.certify.cases.case import Arrays, Case, Found, Given, Said, Setting
from refms.certify.golden import Quantity
from refms.certify.inputs import doubles
from refms.definition import depth
from refms.definition.arrays import combine
from refms.definition.norms import max_norm, row_sum_norm
from refms.multiscale.depth import prolong_in_time

_WEIGHTS = {"linear": depth.linear_weights, "cubic": depth.cubic_weights}


def _case(name: str, seed: int, layers: int, new_layers: int, size: int, kind: str = "linear") -> Case:
    def formulas(x: Given) -> Said:
        weights = _WEIGHTS[kind](layers, new_layers)
        norm = row_sum_norm(weights)
        scale = max_norm(x["Theta"]) * norm.numerator / norm.denominator
        return {"prolongation": Quantity(combine(weights, x["Theta"]), scale, "‖w‖_∞ ‖Θ‖_∞")}

    def refms(x: Arrays) -> Found:
        return {"prolongation": prolong_in_time(x["Theta"], new_layers, kind)}

    setting: dict[str, Setting] = {"layers": layers, "new_layers": new_layers, "kind": kind}
    return Case(f"depth/{name}", doubles(seed, {"Theta": (layers, size)}), formulas, refms, setting)


CASES = (
    _case("doubled", 91, layers=4, new_layers=8, size=7),
    _case("uneven", 92, layers=5, new_layers=8, size=3),
    _case("cubic_doubled", 93, layers=6, new_layers=12, size=4, kind="cubic"),
    _case("cubic_uneven", 94, layers=5, new_layers=8, size=3, kind="cubic"),
)
"""N to 2N and N to N + 3, as [LAS] interpolates and with the smoother option."""
