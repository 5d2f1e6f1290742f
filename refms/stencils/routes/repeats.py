"""The values that K(s) stores, as a few gathered ones and copies of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from refms.backend import Backend
from refms.errors import Array

SHORTEST_PERIOD = 512
"""Values that a period has at least: copies of fewer cost more than gathering them one by one."""


@dataclass(frozen=True)
class Repeats:
    """The values of one output channel: ``head``, then ``count`` times the next ``period``, then ``tail``.

    Away from the ends of the first axis, all rows of K(S) hold the same values in the same order.
    """

    head: int
    period: int
    count: int
    tail: int

    @property
    def gathered(self) -> Array:
        """Positions of the values to gather among those of one output channel, integers."""
        first_of_tail = self.head + self.period * self.count
        return np.r_[: self.head + self.period, first_of_tail : first_of_tail + self.tail]

    def spread(self, values: Array, backend: Backend) -> Array:
        """Return all stored values, flat, for the gathered ones (c_out, head + period + tail)."""
        if not self.count:
            return values.reshape(-1)
        rows, end = values.shape[0], self.head + self.period * self.count
        data = backend.xp.empty((rows, end + self.tail), dtype=values.dtype)
        data[:, : self.head] = values[:, : self.head]
        inner = data[:, self.head : end].reshape(rows, self.count, self.period)
        inner[...] = values[:, None, self.head : self.head + self.period]
        data[:, end:] = values[:, self.head + self.period :]
        return data.reshape(-1)


def repeats_of(values: Array, reach: int) -> Repeats:
    """Return the repeats for a number of stored values at each position along the first axis.

    At ``reach`` positions from either end rows differ from those in between; without repetition all is head.

    >>> repeats_of(np.full(1000, 512), reach=1)
    Repeats(head=512, period=512, count=998, tail=512)
    """
    everything, inner = int(values.sum()), values.size - 2 * reach
    alike = int(values[reach]) if inner > 0 else 1
    together = -(-SHORTEST_PERIOD // alike)
    count = inner // together
    if count < 2:
        return Repeats(everything, 0, 0, 0)
    head, period = int(values[:reach].sum()), together * alike
    return Repeats(head, period, count, everything - head - count * period)
