"""Inputs with their targets, one column per example."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from refms.backend import backend_of, require_indices
from refms.display import short_repr
from refms.errors import Array, InputError, require_same_precision, require_shape, require_whole


@dataclass(frozen=True, eq=False)
class Examples:
    """Inputs with their targets: labels of classes, or images.

    Parameters
    ----------
    inputs : array
        Shape (rows, m), finite: channels times cells, and one more row for each scalar such as a time.
    targets : array
        Shape (ℓ, m), one-hot or soft labels, or (channels * cells, m), images; same precision and backend.

    Raises
    ------
    InputError
        If shapes do not fit, the set is empty, precisions are mixed, or a value is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> examples = Examples(np.zeros((4, 3)), np.ones((2, 3)))
    >>> examples.count, [batch.count for batch in examples.batches(2)]
    (3, [2, 1])
    """

    inputs: Array
    targets: Array

    __repr__ = short_repr

    def __post_init__(self) -> None:
        require_shape(self.inputs, (None, None), "inputs", "(rows, examples)")
        require_shape(self.targets, (None, self.inputs.shape[1]), "targets", "(rows of the output, examples)")
        require_same_precision(inputs=self.inputs, targets=self.targets)
        xp = backend_of(self.inputs, self.targets).xp
        for name, array in (("inputs", self.inputs), ("targets", self.targets)):
            if not bool(xp.isfinite(array).all()):
                raise InputError(f"{name} hold NaN or Inf; expected finite numbers. Clean the data first.")

    @property
    def count(self) -> int:
        """Number of examples m."""
        return int(self.inputs.shape[1])

    def batches(self, width: int) -> Iterator[Examples]:
        """Yield the examples in order, at most ``width`` columns at a time, as views."""
        width = require_whole(width, "width", 1)
        for start in range(0, self.count, width):
            yield self.part(start, start + width)

    def part(self, start: int, stop: int) -> Examples:
        """Return the examples from ``start`` to ``stop``, as views."""
        return self.unchecked(self.inputs[:, start:stop], self.targets[:, start:stop])

    def take(self, indices: Array) -> Examples:
        """Return the examples with the given host indices, shape (k,), k ≥ 1, in their order, as copies.

        Raises
        ------
        InputError
            If there is no index, or one is out of range.
        """
        wanted = require_indices(indices, self.count)
        chosen = backend_of(self.inputs).from_host(wanted)
        return self.unchecked(self.inputs[:, chosen], self.targets[:, chosen])

    @staticmethod
    def unchecked(inputs: Array, targets: Array) -> Examples:
        """Return examples without looking at every number: for parts of checked ones and for features."""
        part = object.__new__(Examples)
        object.__setattr__(part, "inputs", inputs)
        object.__setattr__(part, "targets", targets)
        return part
