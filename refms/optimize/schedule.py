"""What a run is told: which blocks to step and how, and whom to ask and to tell after each iteration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from refms.errors import Array, InputError
from refms.optimize.history import History, HistoryRow
from refms.optimize.objective import Objective
from refms.optimize.step import Method


class BlockProblem(Protocol):
    """A function of several blocks of parameters, each one flat vector under a name."""

    def block(self, name: str, blocks: Mapping[str, Array], iteration: int) -> Objective:
        """Return the objective in one block, with the other blocks frozen at the given values.

        Parameters
        ----------
        name : str
            The block that will be stepped.
        blocks : mapping of str to array
            Current values of all blocks, to be read only.
        iteration : int
            Counted from 1; a seed for the sample of the Hessian may be drawn from it.
        """


@dataclass(frozen=True)
class BlockSteps:
    """How one block is stepped within an iteration.

    Parameters
    ----------
    name : str
        Name of the block.
    method : Method
        ``Newton(...)`` or ``GaussNewton(...)``.
    steps : int
        Number of steps, all on the same block objective.

    Raises
    ------
    InputError
        If ``steps`` is below 1.
    """

    name: str
    method: Method
    steps: int = 1

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise InputError(f"block {self.name!r} has {self.steps} steps; expected 1 or more.")


@dataclass(frozen=True)
class Report:
    """What a monitor has to say about an iteration.

    Parameters
    ----------
    extra : mapping of str to float
        Numbers for the iteration's last history row, such as ``validation_accuracy``.
    stop : str
        Why the run shall stop, as a sentence; empty to go on.
    """

    extra: Mapping[str, float] = field(default_factory=dict)
    stop: str = ""


Monitor = Callable[[int, Mapping[str, Array], tuple[HistoryRow, ...]], "Report | None"]
"""Called after each iteration with its number, all blocks (to be read only) and its history rows."""


@dataclass(frozen=True, eq=False)
class Standing:
    """Where a run stands after an iteration: with it, it goes on as if it had not been interrupted.

    Parameters
    ----------
    iteration : int
        The last one done, counted from 1.
    blocks : mapping of str to array
        All blocks, to be read only.
    history : History
        Rows of this run.
    notes : tuple of str
        What went wrong so far.
    schedule : tuple of BlockSteps
        With the methods as they are now.
    """

    iteration: int
    blocks: Mapping[str, Array]
    history: History
    notes: tuple[str, ...]
    schedule: tuple[BlockSteps, ...]


Keeper = Callable[[Standing], None]
"""Called after each iteration after which the run could go on, with what is worth keeping."""
