"""E1-E3: the same result again, at the same time from several threads, and from parts of the examples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from refms.conformance.adapters.around import Around
from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.determinism import (
    LIBRARY_THREADS,
    call_at_once,
    classify,
    each_operation,
    library_threads,
    same_bits,
    varied,
)
from refms.conformance.measures.outcome import Note, Outcome, holds
from refms.conformance.measures.trials import Trial, numbers, trials
from refms.conformance.operations import OPERATIONS, SPLIT, TRIED
from refms.conformance.property import Claims, family

law = family("determinism")
SMALL = Domain(small=True, smallest=2)
FUNCTION = "an operation is a function of its arguments"

THREADS, CALLS = 3, 2
PARTS = ((0, 1), (1, 3), (3, 5))
"""From which example to which, of five."""


@law("E1", "", FUNCTION, SMALL, cost=2, uses=TRIED)
def _repeats(a: Gate, x: Instance) -> Claims:
    """Repeats of a call give the same, and leave earlier results as they are.

    F(A), F(B), F(A), F(A): the three results for A are the same, the one for B is another, and the array that
    came back first is not overwritten by later calls; criterion: every operation is bitwise the same, or the
    same within ρ <= 30, and says which of both
    Catches: something kept from call to call: gradients that add up, a cache, a first call that is computed
    differently; a view of a buffer that the next call overwrites.
    """
    last: list[Any] = []

    def keep(name: str, operation: Callable[..., Any], *arguments: Any) -> Any:
        """Keep the result as it came back, not as the gate reads it."""
        last[:] = [operation(*arguments)]
        return last[0]

    gate = Gate(Around(a.adapter, keep), a.where)

    def check(trial: Trial, other: Trial) -> Iterator[Outcome]:
        name, first = trial.operation, trial.call(gate)
        returned, seen = last[0], numbers(last[0])
        different = other.call(gate)
        untouched = same_bits(numbers(returned), seen)
        again = [trial.call(gate) for _ in range(2)]
        yield classify(trial, first, again, trial.scale(first), x.dtype, "called again")
        yield holds(untouched, f"results of {name} stay as they are", "the next call overwrote one")
        yield varied(name, first)
        differs = not same_bits(first, different)
        yield holds(differs, f"{name} depends on its arguments", "other ones give the same")

    yield each_operation(zip(trials(a, x, "A"), trials(a, x, "B"), strict=True), check)


@law("E2", "", FUNCTION, SMALL, cost=4, uses=TRIED)
def _threads(a: Gate, x: Instance) -> Claims:
    """Calls from several threads at the same time give what they give one after the other.

    three threads that call F(A_1), F(A_2), F(A_3) at the same time, twice each; then F(A_1) with 1 and 2
    threads of BLAS and OpenMP, where threadpoolctl is installed; criterion: every operation is bitwise the
    same, or the same within ρ <= 30, and says which of both
    Catches: arguments or results put down where other threads write theirs, a global random generator, sums
    in an order that depends on the number of threads and is not stable.
    """
    limited = library_threads()
    said = "not varied, threadpoolctl is not installed"
    if limited is not None:
        said = " and ".join(map(str, LIBRARY_THREADS))

    def check(*made: Trial) -> Iterator[Outcome]:
        name, text = made[0].operation, "called from several threads"
        a.where.enter(name)
        # One gate for each thread: what a gate notes of its calls is for one thread alone.
        gates = [Gate(a.adapter) for _ in made]
        expected = [trial.call(gate) for trial, gate in zip(made, gates, strict=True)]
        calls = [lambda t=trial, g=gate: t.call(g) for trial, gate in zip(made, gates, strict=True)]
        for trial, one, several in zip(made, expected, call_at_once(calls, CALLS), strict=True):
            yield classify(trial, one, several, trial.scale(one), x.dtype, text)
        yield varied(name, expected[0])
        for number in LIBRARY_THREADS if limited else ():
            with limited(number):  # type: ignore[misc]  # it is not None here
                found = made[0].call(gates[0])
            text = f"with {number} thread(s) of BLAS and OpenMP"
            yield classify(made[0], expected[0], [found], made[0].scale(found), x.dtype, text)

    drawn = [trials(a, x, f"thread {number}") for number in range(THREADS)]
    found = each_operation(zip(*drawn, strict=True), check)
    yield found
    yield Outcome("PASS", None, found.criterion, "", (Note("threads of BLAS and OpenMP", said, -1.0),))


@law("E3", "", "examples are independent of each other, [LAS] eq. (6)", SMALL, cost=2, uses=SPLIT)
def _parts(a: Gate, x: Instance) -> Claims:
    """Parts of the examples give what all of them give together.

    five examples in parts of 1, 2 and 2: results for single examples are those of the whole, sums over the
    examples add up, means average with the shares of the parts; a step of an optimiser is the same for the
    examples in another order; criterion: every operation is bitwise the same, or the same within ρ <= 30, and
    says which of both
    Catches: a normalisation over the batch, batches that are padded or left out, a last batch that counts
    like a full one.
    """

    def check(trial: Trial) -> Iterator[Outcome]:
        if not OPERATIONS[trial.operation].splits:
            backwards = range(2 * x.classes)[::-1]
            whole, turned = trial.call(a), trial.of(backwards).call(a)
            yield classify(trial, whole, [turned], trial.scale(whole), x.dtype, "examples in another order")
            yield varied(trial.operation, whole)
            return
        whole, parts = trial.call(a), [trial.part(*part).call(a) for part in PARTS]
        shares = [(end - start) / PARTS[-1][-1] if trial.mean else 1.0 for start, end in PARTS]
        weighed = [
            [one if share == 1 else one * one.dtype.type(share) for one in part]
            for share, part in zip(shares, parts, strict=True)
        ]
        together = tuple(
            sum(arrays[1:], arrays[0]) if trial.joined is None else np.concatenate(arrays, trial.joined)
            for arrays in zip(*weighed, strict=True)
        )
        scale, text = trial.scale(whole, *parts), "in parts of the examples"
        yield classify(trial, whole, [together], scale, x.dtype, text)
        yield varied(trial.operation, whole)

    split = (trial for trial in trials(a, x, "", PARTS[-1][-1]) if trial.examples)
    yield each_operation(((trial,) for trial in split), check)
