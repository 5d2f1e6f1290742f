"""The network that all tables measure, its sizes, and its numbers, which every engine is given alike."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from refms.grid import Grid, columns_from_nchw
from refms.maps.architectures.residual import Residual
from refms.model import Model
from refms.objective.examples import Examples
from refms.objective.problem import TrainingProblem
from refms.objective.reading import Classes
from refms.run.config import OptimizationSection, RegularizationSection
from refms.run.training import problem_of

CLASSES = 10
STENCIL = 3
WEIGHTS = RegularizationSection(W_smoothness=1e-8, theta_tikhonov=0.1)
"""So much of Tikhonov that 20 CG iterations are well-conditioned: engines must come to the same step."""


@dataclass(frozen=True)
class Case:
    """A residual network of [LAS] on n×n images: tanh, periodic, fixed 1×1 opening, forward Euler to T = 1.

    Examples
    --------
    >>> Case(28, 8, 4, 256).multiply_adds
    115605504
    """

    n: int
    channels: int
    layers: int
    examples: int
    dtype: str = "float64"

    @property
    def size(self) -> str:
        """(n, c, N, m) as the tables write it."""
        return f"{self.n}, {self.channels}, {self.layers}, {self.examples}"

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of one convolution of all examples."""
        return (self.channels * STENCIL * self.n) ** 2 * self.examples

    def counted(self, operation: str, cg_iterations: int = 0) -> int:
        """Return the multiply-adds of the convolutions that an operation needs if nothing is done twice.

        *forward*: N applications. *gradient*: these, N stencil gradients, N − 1 adjoints. *product*: N
        products with dS and N − 1 with S, N stencil gradients and N − 1 adjoints, for a network that is
        linearised already. *step*: a gradient, a linearisation at the same point, a product for every CG
        iteration.
        """
        layers = self.layers
        product = 4 * layers - 2
        convolutions = {
            "forward": layers,
            "gradient": 3 * layers - 1,
            "product": product,
            "step": 4 * layers - 1 + cg_iterations * product,
        }
        return convolutions[operation] * self.multiply_adds


SIZES = ((28, 8, 4, 256), (28, 8, 2, 1024), (28, 16, 8, 256), (14, 8, 4, 1024), (56, 4, 4, 64))
"""(n, c, N, m) of the tables; the first is the one to quote."""


@dataclass(frozen=True, eq=False)
class Problem:
    """The numbers of a case: random; pre-activations and logits are of order one.

    ``held_in="float64"`` has the same numbers as a single-precision case, held in double.
    """

    case: Case
    held_in: str = ""

    @property
    def dtype(self) -> str:
        """The dtype of the arrays."""
        return self.held_in or self.case.dtype

    @cached_property
    def network(self) -> Residual:
        """Configuration of the network."""
        return Residual(Grid((self.case.n,) * 2), self.case.channels, layers=self.case.layers)

    @cached_property
    def model(self) -> Model:
        """The network with its parameters."""
        case, rng, shapes = self.case, np.random.default_rng(1), self.network.arrays.shapes
        rows, root = case.channels * case.n**2, case.channels**0.5
        drawn = {
            "opening": rng.standard_normal(shapes["opening"]),
            "stencils": rng.standard_normal(shapes["stencils"]) / (STENCIL * root),
            "biases": rng.standard_normal(shapes["biases"]) / 10,
            "W": rng.standard_normal((rows, CLASSES)) * case.n / root,
            "mu": rng.standard_normal(CLASSES) / 10,
        }
        arrays = {name: self._rounded(array) for name, array in drawn.items()}
        return Model(self.network, arrays, Classes(CLASSES))

    @cached_property
    def images(self) -> Any:
        """Shape (m, 1, n, n)."""
        case = self.case
        return self._rounded(np.random.default_rng(2).random((case.examples, 1, case.n, case.n)))

    @cached_property
    def classes(self) -> Any:
        """The class of each example, int64 (m,)."""
        return np.random.default_rng(3).integers(0, CLASSES, self.case.examples)

    @cached_property
    def control(self) -> TrainingProblem:
        """Problem (6) in refms; its Gauss–Newton matrix is that of all examples, without preconditioner."""
        X = columns_from_nchw(self.images)
        one_hot = (np.arange(CLASSES)[:, None] == self.classes).astype(self.dtype)
        options = OptimizationSection(
            hessian_fraction=1.0, dtype=self.dtype, classifier_preconditioner="none"
        )
        return problem_of(self.model, Examples(X, one_hot), WEIGHTS, options)

    def direction(self, size: int) -> Any:
        """Return the vector that products are taken with, shape (size,)."""
        return self._rounded(np.random.default_rng(4).standard_normal(size))

    def in_double(self) -> Problem:
        """Return the same numbers in double precision: what results in single precision are compared with."""
        return Problem(self.case, "float64")

    def _rounded(self, array: Any) -> Any:
        return array.astype(self.case.dtype).astype(self.dtype)
