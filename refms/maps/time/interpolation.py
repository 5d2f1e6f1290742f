"""Parameters between the layers: θ(t) at the stages of a step, as one explicit matrix on the θ_k."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from refms.errors import InputError, require_choice, require_whole

INTERPOLATIONS = ("constant", "linear", "cubic")
"""Degrees of θ(t) between the layers: 0, 1 and 3."""


def stage_matrix(layers: int, steps: Sequence[int], nodes: Sequence[float], interpolation: str) -> Any:
    """Return the matrix that takes the parameters θ_k of N layers to θ(t) at given times.

    Layer k lives at t_k = k δt (conventions). For samples θ_k = θ(t_k) of a smooth function the error is
    O(δt) with ``"constant"``; O(δt²) with ``"linear"``, beyond t_{N-1} O(δt), which in one step of N does no
    harm to a second-order method; O(δt⁴) with ``"cubic"``.

    ``"linear"`` is the function of time that prolongation in depth keeps: doubling the layers with linear
    interpolation leaves this θ(t) as it is, so that a method of order p approaches one limit with δt^p. The
    continuation of ``"cubic"`` has weights up to 6, exact for smooth θ(t) and unsuited to rough ones.

    Examples
    --------
    >>> stage_matrix(2, [0, 0, 1, 1], [0.0, 0.5, 0.0, 0.5], "linear").toarray().tolist()
    [[1.0, 0.0], [0.5, 0.5], [0.0, 1.0], [0.0, 1.0]]
    """
    layers = require_whole(layers, "layers", 1)
    require_choice(interpolation, INTERPOLATIONS, "interpolation")
    step, node = np.asarray(steps, dtype=np.int64), np.asarray(nodes, dtype=float)
    if step.shape != node.shape or step.ndim != 1:
        raise InputError(f"there are {step.size} steps and {node.size} nodes; expected a pair for each time.")
    if not ((step >= 0) & (step < layers) & (node >= 0) & (node <= 1)).all():
        raise InputError(
            f"a time lies outside its step; expected steps 0 to {layers - 1} and nodes 0 to 1 within them."
        )
    if interpolation == "constant":
        columns, weights = step[:, None], np.ones((step.size, 1))
    elif interpolation == "linear":
        after = np.minimum(step + 1, layers - 1)
        columns, weights = np.stack([step, after], axis=1), np.stack([1 - node, node], axis=1)
    else:
        degree = min(3, layers - 1)
        first = np.clip(step - 1, 0, layers - 1 - degree)
        columns = first[:, None] + np.arange(degree + 1)
        weights = _lagrange(step - first + node, degree)
    rows = np.broadcast_to(np.arange(step.size)[:, None], columns.shape)
    matrix = sp.csr_array(
        sp.coo_array((weights.ravel(), (rows.ravel(), columns.ravel())), (step.size, layers))
    )
    matrix.eliminate_zeros()
    return matrix


def _lagrange(x: Any, degree: int) -> Any:
    """Return the weights of the polynomial through 0, 1, …, degree at the points x, one row a point."""
    points = np.arange(degree + 1)
    factors = (x[:, None, None] - points) / np.where(points[:, None] == points, 1, points[:, None] - points)
    return np.where(points[:, None] == points, 1.0, factors).prod(axis=2)
