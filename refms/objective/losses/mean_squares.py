"""The mean squared error of images: least squares over channels and cells, as a mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from refms.errors import Array
from refms.objective.losses.least_squares import half_squares
from refms.objective.losses.separable import SeparableEvaluation, sum_of_terms


@dataclass(frozen=True)
class MeanSquares:
    """Mean over examples, channels and cells of the squared difference of images.

    Notes
    -----
    Per example, with c·n rows,

        E = ‖z − y‖² / (c n),   ∇E = 2 (z − y) / (c n),   ∇²E = 2 I / (c n):

    the midpoint rule for ∫ |z − y|² on the unit cube, so that it means the same on every mesh; 2/(c n) times
    :class:`~refms.objective.losses.least_squares.LeastSquares`. The loss of [MST] for denoising, deblurring
    and, with it, of PSNR = 10 log10(4/E) for images in [−1, 1].

    Examples
    --------
    >>> import numpy as np
    >>> E = MeanSquares().evaluate(np.array([[3.0], [0.0]]), np.array([[1.0], [0.0]]))
    >>> E.value, E.gradient.ravel().tolist()
    (2.0, [2.0, 0.0])
    """

    def evaluate(self, Z: Array, C: Array, count: int | None = None) -> SeparableEvaluation:
        """Return the loss, its gradient and its Hessian at the images Z.

        Parameters and errors are those of :func:`~refms.objective.losses.separable.sum_of_terms`.
        """
        return sum_of_terms(_terms, Z, C, count)


def _terms(xp: Any, Z: Array, C: Array) -> tuple[Array, Array, Array]:
    value, slope, curvature = half_squares(xp, Z, C)
    factor = 2.0 / Z.shape[0]
    return factor * value, factor * slope, factor * curvature
