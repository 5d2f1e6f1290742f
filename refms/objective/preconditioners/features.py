"""Sums over the examples of what the classifier sees: features, and the curvature of their loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from refms.errors import Array
from refms.objective.classifier import Classifier

if TYPE_CHECKING:
    from refms.objective.examples import Examples
    from refms.objective.losses import LossEvaluation
    from refms.objective.risk import EmpiricalRisk


def sums_over_features(
    risk: EmpiricalRisk,
    classifier: Classifier,
    x: Array,
    addends: Callable[[Array, LossEvaluation], tuple[Any, ...]],
    start: tuple[Any, ...],
) -> tuple[Any, ...]:
    """Return sums over all examples of the classifier block, at the cost of one look at each."""
    before = risk.map.parts[:-1]

    def of_batch(batch: Examples) -> tuple[Any, ...]:
        Y = batch.inputs
        for _, fixed in before:
            Y = fixed.evaluate(x[:0], Y)
        return addends(Y, risk.loss.evaluate(classifier.map.evaluate(x, Y), batch.targets, count=1))

    found = risk.sum(of_batch, start)
    risk.count_passes(1, risk.total)
    return found
