"""The softmax cross entropy: value, gradient and Hessian product, at tame and at extreme logits."""

from __future__ import annotations

import numpy as np

from refms.certify.cases.case import Arrays, Case, Found, Given, Said
from refms.certify.golden import Quantity
from refms.certify.inputs import doubles, one_hot
from refms.definition.norms import max_norm
from refms.definition.softmax import cross_entropy, cross_entropy_gradient, cross_entropy_hessian
from refms.errors import Array
from refms.objective.losses import SoftmaxCrossEntropy


def _formulas(x: Given) -> Said:
    Z, C, V = x["Z"], x["C"], x["V"]
    value, z = cross_entropy(Z, C), max_norm(Z)
    share = max_norm(C) * (1 + z) / Z.shape[1]
    curved = cross_entropy_hessian(Z, C, V)
    return {
        "value": Quantity(value, abs(value) + z, "|f| + ‖Z‖_∞"),
        "gradient": Quantity(cross_entropy_gradient(Z, C), share, "‖C‖_∞ (1 + ‖Z‖_∞) / m"),
        "hessian_product": Quantity(curved, share * max_norm(V), "‖C‖_∞ (1 + ‖Z‖_∞) ‖V‖_∞ / m"),
    }


def _refms(x: Arrays) -> Found:
    E = SoftmaxCrossEntropy().evaluate(x["Z"], x["C"])
    return {"value": E.value, "gradient": E.gradient, "hessian_product": E.hessian_product(x["V"])}


def _case(name: str, seed: int, size: float, labels: Array | None) -> Case:
    drawn = doubles(seed, {"Z": (5, 7), "C": (5, 7), "V": (5, 7)})
    inputs = {"Z": size * drawn["Z"], "C": np.abs(drawn["C"]) if labels is None else labels, "V": drawn["V"]}
    return Case(f"loss/{name}", inputs, _formulas, _refms)


CASES = (
    _case("tame", 41, 4.0, one_hot(42, 5, 7)),
    _case("soft_labels", 43, 2.0, None),
    _case("extreme", 44, 512.0, one_hot(45, 5, 7)),
    _case("overflowing", 46, 1024.0, one_hot(47, 5, 7)),
)
"""Logits up to 4, 2, 512 and 1024, where e^z is no double; soft labels do not sum to one, so that shows."""
