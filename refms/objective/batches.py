"""LabelledColumns in batches of columns, so that no pass needs all activations at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from refms.backend import backend_of
from refms.errors import Array, InputError, require_same_precision, require_shape, require_whole

DEFAULT_MEMORY = 2 * 1024**3
"""Default memory budget for activations, in bytes."""

PREFERRED_BYTES = 2**24
"""Activations of a batch when memory allows, in bytes: they then stay near the processor's caches."""

LEAST_ROW = 512
"""Bytes of one cell of all examples in a batch: shorter rows cost the kernels more than the cache saves."""


@dataclass(frozen=True, eq=False)
class LabelledColumns:
    """Inputs with their labels, one column per example.

    Parameters
    ----------
    X : array
        Inputs, shape (rows, m), finite.
    C : array
        Labels, shape (ℓ, m), one-hot or soft; same precision and backend.

    Raises
    ------
    InputError
        If shapes do not fit, the set is empty, precisions are mixed, or a value is not finite.

    Examples
    --------
    >>> examples = LabelledColumns(np.zeros((4, 3)), np.ones((2, 3)))
    >>> examples.count, [batch.count for batch in examples.batches(2)]
    (3, [2, 1])
    """

    X: Array
    C: Array

    def __post_init__(self) -> None:
        require_shape(self.X, (None, None), "X", "(rows, examples)")
        require_shape(self.C, (None, self.X.shape[1]), "C", "(classes, examples)")
        require_same_precision(X=self.X, C=self.C)
        xp = backend_of(self.X, self.C).xp
        for name, array in (("X", self.X), ("C", self.C)):
            if not bool(xp.isfinite(array).all()):
                raise InputError(f"{name} holds NaN or Inf; expected finite numbers. Clean the data first.")

    @property
    def count(self) -> int:
        """Number of examples m."""
        return int(self.X.shape[1])

    def batches(self, width: int) -> Iterator[LabelledColumns]:
        """Yield the examples in order, at most ``width`` columns at a time, as views.

        Parameters
        ----------
        width : int
            Columns per batch, at least 1.

        Yields
        ------
        LabelledColumns
            A batch.

        Raises
        ------
        InputError
            If the width is not positive.
        """
        require_whole(width, "width", 1)
        for start in range(0, self.count, width):
            yield self.unchecked(self.X[:, start : start + width], self.C[:, start : start + width])

    def take(self, indices: Array) -> LabelledColumns:
        """Return the examples with the given indices, as copies.

        Parameters
        ----------
        indices : numpy.ndarray
            Host integers, shape (k,), k ≥ 1.

        Returns
        -------
        LabelledColumns
            The chosen columns, in the order of the indices.

        Raises
        ------
        InputError
            If there is no index, or one is out of range.
        """
        wanted = np.asarray(indices)
        if wanted.ndim != 1 or wanted.size == 0 or wanted.dtype.kind not in "iu":
            raise InputError(
                f"indices have shape {wanted.shape} and dtype {wanted.dtype}; expected one or more integers."
            )
        if wanted.min() < 0 or wanted.max() >= self.count:
            raise InputError(
                f"indices run from {wanted.min()} to {wanted.max()}; expected 0 to {self.count - 1}."
            )
        chosen = backend_of(self.X).from_host(wanted)
        return self.unchecked(self.X[:, chosen], self.C[:, chosen])

    @staticmethod
    def unchecked(X: Array, C: Array) -> LabelledColumns:
        """Return examples without looking at every number: for parts of checked ones and for features.

        Parameters
        ----------
        X, C : array
            As for the class.

        Returns
        -------
        LabelledColumns
            The pair.
        """
        part = object.__new__(LabelledColumns)
        object.__setattr__(part, "X", X)
        object.__setattr__(part, "C", C)
        return part


def batch_width(stored: int, itemsize: int, memory: int, rows: int = 0) -> int:
    """Return how many columns a batch may have within a memory budget.

    Parameters
    ----------
    stored : int
        Numbers kept per example (``Mapping.stored``).
    itemsize : int
        Bytes per number.
    memory : int
        Budget in bytes for the activations of one batch.
    rows : int
        Numbers per example that a batch reads but does not keep (its input).

    Returns
    -------
    int
        At least 1; by preference as many as fill :data:`PREFERRED_BYTES`, and :data:`LEAST_ROW` in any case.

    Raises
    ------
    InputError
        If not even one example fits.

    Examples
    --------
    >>> batch_width(stored=1000, itemsize=8, memory=10**6)
    62
    """
    # the backward sweep holds about as much again in cotangents and patches
    need = 2 * stored * itemsize
    if need > memory:
        raise InputError(
            f"one example needs about {need} bytes of activations but the memory budget is {memory}; "
            "raise the budget (option memory) or use fewer channels, layers or cells."
        )
    preferred = max(PREFERRED_BYTES // ((stored + rows) * itemsize), LEAST_ROW // itemsize)
    return max(1, min(preferred, memory // need))


def hessian_sample(count: int, fraction: float, seed: int, iteration: int) -> Array:
    """Return the sorted indices of the examples on which curvature is measured in one iteration.

    Parameters
    ----------
    count : int
        Number of examples m.
    fraction : float
        0 < fraction ≤ 1; at least one example is drawn, without repetition.
    seed, iteration : int
        Name the draw: equal pairs give equal samples.

    Returns
    -------
    numpy.ndarray
        Host int64, shape (max(1, round(fraction·m)),).

    Raises
    ------
    InputError
        If the fraction is not in (0, 1], or a number that names the draw is negative or no integer.

    Examples
    --------
    >>> hessian_sample(10, 0.2, seed=0, iteration=1).size
    2
    """
    if not 0 < fraction <= 1:
        raise InputError(f"hessian fraction is {fraction}; expected a number in (0, 1].")
    require_whole(seed, "seed")
    require_whole(iteration, "iteration")
    size = max(1, round(fraction * count))
    return np.sort(np.random.default_rng([seed, iteration]).choice(count, size, replace=False))
