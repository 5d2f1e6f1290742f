"""Conjugate gradients on coarse stencils in the unknowns of the finer mesh."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from refms.backend import backend_of
from refms.display import short_repr
from refms.errors import Array
from refms.maps.layout import Layout
from refms.maps.time.steps import TimeSteps
from refms.stencils.galerkin import prolong_stencil
from refms.stencils.transfer import transfer_pair

if TYPE_CHECKING:
    from refms.linear.product import Product
    from refms.objective.risk import EmpiricalRisk


@dataclass(frozen=True)
class FineCoordinates:
    """M⁻¹ = A Aᵀ for every stencil of the layers, and the identity for biases and a learned opening.

    Parameters
    ----------
    layout : Layout
        Of θ: what stands before the layers (a learned opening), then layer after layer.
    steps : TimeSteps
        Gives N and the parameters of a layer.
    pair : str
        The transfer pair that moves the trained stencils to the finer mesh.
    orientation : str
        How K reads stencils.

    Notes
    -----
    To train the coarse net in the stencils s_h of the finer mesh, K_H = R K_h P, is to put s = A s_h ([LAS]
    eqs. (8), (9)). The gradient with respect to s_h is Aᵀ g, the Gauss–Newton matrix Aᵀ G A. After k steps of
    conjugate gradients for Aᵀ G A p_h = −Aᵀ g the step in s is A p_h, which is the k-th iterate of conjugate
    gradients for G p = −g with the preconditioner M⁻¹ = A Aᵀ. A has the eigenvalues 1, ½ and ¼ in each
    dimension with the pair of Example 1: directions that prolongation makes large are the last to be taken.
    With the penalty ``"norm"`` of :func:`~refms.objective.transfer_penalty.stencil_penalty`, which is
    Tikhonov's term in s_h, the whole problem is the one in fine coordinates.

    Examples
    --------
    >>> from refms import Grid, Residual
    >>> net = Residual(Grid((8,)), channels=1, layers=1, stencil_shape=(3,), opening_shape=(1,))
    >>> theta, steps = net.map.layout, net.propagation.time
    >>> solve = FineCoordinates(theta, steps, "averaging-constant")(None, np.zeros(5), None)
    >>> solve(np.array([1.0, 1.0, 0.0, 0.0, 1.0])).round(12).tolist()  # opening and bias stay
    [1.0, 0.25, 0.25, 0.0, 1.0]
    """

    layout: Layout
    steps: TimeSteps
    pair: str
    orientation: str = "correlation"

    __repr__ = short_repr

    def __call__(self, risk: EmpiricalRisk, x: Array, curvature: Product) -> Product:
        """Return r -> M⁻¹ r, the same at every x."""
        backend = backend_of(x)
        (_, shape), *_ = self.steps.layer.layout.parts
        stencil, stencils = shape[2:], math.prod(shape[:2])
        p, N = math.prod(stencil), self.steps.layers
        basis = np.eye(p).reshape(p, *stencil)
        moved = prolong_stencil(basis, transfer_pair(self.pair), d=len(stencil), orientation=self.orientation)
        A = np.linalg.inv(moved.reshape(p, p).T)
        M = backend.from_host((A @ A.T).astype(str(x.dtype)))
        leading = self.layout.size - self.steps.layout.size

        def product(r: Array) -> Array:
            layers = r[leading:].reshape(N, -1)
            on_stencils = layers[:, : stencils * p].reshape(-1, p) @ M
            whole = backend.xp.concatenate([on_stencils.reshape(N, -1), layers[:, stencils * p :]], axis=1)
            return backend.xp.concatenate([r[:leading], whole.reshape(-1)])

        return product
