"""Several processes on one problem: who computes which shard of a sum, and how the shards come together.

A sum over examples is cut into shards that depend on the number of examples alone. Each process sums its own
shards, all processes gather all shards and add them in the same order: one, two or four processes then
compute the same bits. Every process holds the same parameters and makes the same steps.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from refms.backend import backend_of
from refms.errors import Array, InputError

SHARDS = 12
"""Shards of a sum: as many for 1, 2, 3, 4 and 6 processes."""

LEAST_EXAMPLES = 32
"""Examples that a shard has at least; sums over fewer than twelve times as many are not cut."""

_LAUNCHED = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "PMIX_SIZE", "MPI_LOCALNRANKS")
"""Variables by which mpiexec tells a process that it is one of several."""


@dataclass(frozen=True)
class Comm:
    """What connects the processes: the number of this one, from 0, and of all; here, one process alone.

    >>> SERIAL.gathered([1.0, 2.0], 2)
    [1.0, 2.0]
    """

    rank: int = 0
    size: int = 1

    def gathered(self, parts: Sequence[Array], total: int) -> list[Array]:
        """Return the shards of all processes in their order, or what adds up to the same sum."""
        return list(parts)

    def abort(self, code: int) -> None:
        """End all processes at once, where there are others."""


SERIAL = Comm()


@dataclass(frozen=True)
class MPI(Comm):
    """Processes that mpiexec started, connected by a communicator ``world`` of mpi4py (extra ``mpi``).

    ``reproducible``: shards are gathered and added in order, so that the number of processes changes no bit;
    otherwise each adds its own, and one allreduce adds these: less traffic, but other bits. ``cuda_aware``:
    CuPy arrays are handed to MPI as they are, which must have been built for that, not through the host.
    """

    world: Any = None
    reproducible: bool = True
    cuda_aware: bool = False

    def gathered(self, parts: Sequence[Array], total: int) -> list[Array]:
        """See :class:`Comm`; the fast way returns one array, the sum."""
        direct = self.cuda_aware and len(parts) > 0
        xp = backend_of(parts[0]).xp if direct else np
        own = [xp.asarray(part if direct or not hasattr(part, "get") else part.get()) for part in parts]
        # A process without a shard of its own learns shape and dtype from the first process, which has one.
        shape, dtype = self.world.bcast((own[0].shape, str(own[0].dtype)) if self.rank == 0 else None)
        stack = xp.stack(own) if own else np.empty((0, *shape), dtype=dtype)
        if not self.reproducible:
            mine, found = stack.sum(axis=0), xp.empty(shape, dtype=dtype)
            _wait_for(xp)
            self.world.Allreduce(xp.ascontiguousarray(mine), found)
            return [_like(found, parts)]
        length = math.prod(shape)
        counts = [len(own_shards(total, rank, self.size)) * length for rank in range(self.size)]
        everything = xp.empty((total, *shape), dtype=dtype)
        _wait_for(xp)
        self.world.Allgatherv(stack, (everything, counts))
        return [_like(shard, parts) for shard in everything]

    def abort(self, code: int) -> None:
        """End all processes."""
        self.world.Abort(code)


def own_shards(total: int, rank: int, size: int) -> range:
    """Return the shards of one process: neighbours, as many as the others' or one fewer.

    Examples
    --------
    >>> [list(own_shards(5, rank, 2)) for rank in range(2)]
    [[0, 1, 2], [3, 4]]
    """
    return range(-(-total * rank // size), -(-total * (rank + 1) // size))


def shard_bounds(count: int) -> tuple[int, ...]:
    """Return where the shards of a sum over examples begin, and the end.

    Examples
    --------
    >>> shard_bounds(100), shard_bounds(1200)[:3]
    ((0, 100), (0, 100, 200))
    """
    number = SHARDS if count >= SHARDS * LEAST_EXAMPLES else 1
    return tuple(k * count // number for k in range(number + 1))


def communicator(reproducible: bool = True, cuda_aware: bool = False) -> Comm:
    """Return what connects this process with the others that mpiexec started; alone, ``SERIAL``."""
    if not any(int(os.environ.get(name) or 1) > 1 for name in _LAUNCHED):
        return SERIAL
    try:
        from mpi4py import MPI as library  # noqa: N811 - an extra that takes time to start, and a module
    except ImportError:
        raise InputError(
            "mpiexec started several processes, but mpi4py is not installed: each would train alone. Install "
            "the extra `mpi` (pip install 'refms[mpi]'), or start one process."
        ) from None
    world = library.COMM_WORLD
    rank, size = int(world.Get_rank()), int(world.Get_size())
    return SERIAL if size == 1 else MPI(rank, size, world, reproducible, cuda_aware)


def _wait_for(xp: Any) -> None:
    """Wait until a GPU has written what MPI is about to read."""
    if xp is not np:
        xp.cuda.Device().synchronize()


def _like(array: Array, parts: Sequence[Array]) -> Array:
    """Return an array where the parts live."""
    device = parts and hasattr(parts[0], "get") and not hasattr(array, "get")
    return backend_of(parts[0]).from_host(array) if device else array
