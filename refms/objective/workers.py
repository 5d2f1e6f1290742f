"""Sums over examples: shard by shard, batch by batch, by several threads and processes, in a fixed order."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from refms.display import short_repr
from refms.errors import Array
from refms.objective.examples import Examples
from refms.parallel import SERIAL, Comm, own_shards, shard_bounds

T = TypeVar("T")
U = TypeVar("U")
Addends = tuple[Array | float | complex, ...]
"""What a batch adds to several sums."""

PAIRED_ROW = 128
"""Bytes of one cell of all examples that a batch keeps where an odd number of batches is made even."""


@dataclass(frozen=True)
class Workers:
    """Who computes: the processes, and the threads of each.

    Parameters
    ----------
    comm : Comm
        The processes.
    threads : int
        Threads of this process; results do not depend on their number.

    Examples
    --------
    >>> workers = Workers(threads=4)
    >>> workers.threads, workers.comm.size
    (4, 1)
    """

    comm: Comm = SERIAL
    threads: int = 1

    __repr__ = short_repr


ONE_WORKER = Workers()


def own_range(count: int, comm: Comm) -> tuple[int, int]:
    """Return first and last + 1 of the examples in this process's shards."""
    bounds = shard_bounds(count)
    own = own_shards(len(bounds) - 1, comm.rank, comm.size)
    return (bounds[own.start], bounds[own.stop])


def own_batches(
    examples: Examples, count: int, first: int, width: int, comm: Comm
) -> tuple[tuple[Examples, ...], ...]:
    """Return the batches of each of this process's shards."""
    bounds = shard_bounds(count)
    shards = []
    for shard in own_shards(len(bounds) - 1, comm.rank, comm.size):
        start, stop = bounds[shard] - first, bounds[shard + 1] - first
        part = examples.part(start, stop)
        pairs = len(bounds) == 2  # several shards are an even number of batches anyway
        shards.append(tuple(part.batches(_even(part, width, pairs))) if stop > start else ())
    return tuple(shards)


def _even(examples: Examples, width: int, pairs: bool) -> int:
    """Return the width of equally wide batches, by preference an even number of them for two threads."""
    number = -(-examples.count // width)
    if pairs and number % 2 and examples.count // (number + 1) * examples.inputs.dtype.itemsize >= PAIRED_ROW:
        number += 1
    return -(-examples.count // number)


@dataclass(frozen=True)
class Sum(Generic[T]):
    """start + Σ over the shards of all processes of Σ over their batches: what is to be added, and how.

    Parameters
    ----------
    shards : sequence of sequence
        The batches of this process's shards.
    addends : callable
        A batch -> what it adds.
    start : tuple
        What the sums begin with.
    total : int
        Shards of all processes.
    threads : int
        How many batches may be at work at once, for the memory budget.
    """

    shards: Sequence[Sequence[T]]
    addends: Callable[[T], Addends]
    start: Addends
    total: int
    threads: int


def add_in_order(sums: Sequence[Sum[T]], comm: Comm) -> list[Addends]:
    """Return several sums, each in its own order, their batches side by side on one pool of threads.

    Where t batches of each sum fit into the memory budget, any t of all do: the least t is that of the pool.
    """
    tasks = [(one.addends, piece) for one in sums for shard in one.shards for piece in shard]
    results = map_in_order(lambda task: task[0](task[1]), tasks, min(one.threads for one in sums))
    return [_add(one, results, comm) for one in sums]


def _add(one: Sum[T], results: Iterator[Addends], comm: Comm) -> Addends:
    """Return a sum from what its batches add, which comes in their order."""
    own: list[list[Array]] = [[] for _ in one.start]
    for shard in one.shards:
        sums: list[Array] = []
        for _ in shard:
            parts = next(results)
            sums = [a + b for a, b in zip(sums, parts, strict=True)] if sums else list(parts)
        for column, value in zip(own, sums, strict=bool(sums)):
            column.append(value)
    found = []
    for value, column in zip(one.start, own, strict=True):
        for shard_sum in comm.gathered(column, one.total):
            value = value + shard_sum
        found.append(value)
    return tuple(found)


def map_in_order(function: Callable[[T], U], pieces: Sequence[T], threads: int) -> Iterator[U]:
    """Yield function(piece) for all pieces in their order, several at a time; after an error none begins."""
    if threads == 1 or len(pieces) < 2:
        yield from map(function, pieces)
        return
    pool = ThreadPoolExecutor(threads)
    try:
        # each with a copy of the context, in which NumPy keeps what happens at an overflow
        futures = [pool.submit(contextvars.copy_context().run, function, piece) for piece in pieces]
        for future in futures:
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)
