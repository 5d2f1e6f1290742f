"""What a peer gets from the harness: the quadratic regulariser, the same for all, on NumPy vectors."""

from dataclasses import dataclass
from typing import Any

import scipy.sparse

from refms.objective.regularizers import Quadratic
from refms.optimize import Objective, Product


@dataclass(frozen=True, eq=False)
class Regularized:
    """A peer's mean loss plus R(x) and a constant, the regularisers of the frozen blocks."""

    loss: Objective
    regularizer: Quadratic
    constant: float

    def value(self, x: Any) -> float:
        """Return the value at x."""
        return self.loss.value(x) + self.regularizer.value(x) + self.constant

    def value_and_gradient(self, x: Any) -> tuple[float, Any]:
        """Return value and gradient at x."""
        value, gradient = self.loss.value_and_gradient(x)
        return value + self.regularizer.value(x) + self.constant, gradient + self.regularizer.gradient(x)

    def curvature(self, x: Any) -> Product:
        """Return the product with the Gauss–Newton matrix at x."""
        product = self.loss.curvature(x)
        return lambda v: product(v) + self.regularizer.gradient(v)


def regularized(control: Any, name: str, blocks: Any, loss: Objective) -> Regularized:
    """Return a peer's loss in one block with refms' regularisers: what ``control.block`` is."""
    R = {key: block.regularizer for key, block in control.blocks.items()}
    if name == "joint":
        Q = scipy.sparse.block_diag([quadratic.Q for quadratic in R.values()], format="csr")
        return Regularized(loss, Quadratic(Q), 0.0)
    constant = sum(R[other].value(blocks[other]) for other in R if other != name)
    return Regularized(loss, R[name], float(constant))
