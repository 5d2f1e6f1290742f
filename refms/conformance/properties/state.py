"""E4-E9: neither what an operation keeps from call to call matters, nor how its arguments are stored.

Every operation of the table is tried. What a call must give is computed from fresh copies with two entries of
every array a rounding error away, so that nothing kept for one call can be mistaken for the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from refms.conformance.adapters.around import Around, in_other_precision
from refms.conformance.adapters.gate import Gate, copied
from refms.conformance.adapters.misbehaviour import Misbehaviour, in_words
from refms.conformance.instances.domain import Domain, Instance, instances
from refms.conformance.measures.determinism import call_at_once, classify, each_operation
from refms.conformance.measures.meeting import Line, between_lines, in_another_thread
from refms.conformance.measures.outcome import Outcome, holds, too_little
from refms.conformance.measures.storage import STORAGES, in_place, kept_while_equal, repeated, stored
from refms.conformance.measures.trials import Numbers, Trial, numbers, parts, trials
from refms.conformance.measures.variants import constant, entries_changed, nudged, others, slightly_changed
from refms.conformance.operations import OPERATIONS, TRIED
from refms.conformance.property import Claims, family
from refms.errors import Array

law = family("state")
SMALL = Domain(small=True, smallest=2)
FUNCTION = "an operation is a function of the numbers in its arguments"

SIZES, VALUES = 3, 2
"""How many sizes and, of each, how many different arguments are called in turn."""

THREADS, INTERRUPTIONS = 3, 12
"""Threads that call together, and how often one call is interrupted at most."""


@law("E4", "", FUNCTION, SMALL, cost=3, uses=TRIED)
def _changed_in_place(a: Gate, x: Instance) -> Claims:
    """A call after an argument was changed in place gives what fresh copies give.

    the same arrays in every call; before each, entries of one of them are overwritten, a half of them or a
    single one, but never the first: every result is that of fresh copies; criterion: bitwise or ρ <= 30
    Catches: something kept under the address of an array, under its shape or its first entries: matrices,
    spectra, forward passes, labels.
    """
    gate = Gate(a.adapter, a.where, in_place())

    def check(first: Trial, drawn: Trial) -> Iterator[Outcome]:
        found = [(first, [first.call(gate)], "the same arrays as in other operations")]
        for name, trial in entries_changed(first, drawn, x):
            found.append((trial, [trial.call(gate)], f"{name} changed in place"))
        yield from _as_fresh(a, x, found)

    yield each_operation(_every_second(a, x), check)


@law("E5", "", FUNCTION, SMALL, cost=3, uses=TRIED)
def _one_other(a: Gate, x: Instance) -> Claims:
    """A call with one other argument gives what fresh copies give.

    F(A), F(A with one argument of B), F(A), … for every argument in turn, all others being the same objects,
    also from operation to operation: the same images with other parameters, other images with the same
    parameters, another boundary, pair, T: every result is that of fresh copies; F(A), F(A with one array a
    millionth larger), a thousandth in single precision: the second is what it is after F(B); criterion:
    bitwise or ρ <= 30
    Catches: something kept for one argument that hangs on another one, too, or for one that is nearly equal.
    """
    gate, fresh = Gate(a.adapter, a.where, kept_while_equal()), Gate(a.adapter, a.where)

    def check(first: Trial, drawn: Trial) -> Iterator[Outcome]:
        again = [first.call(gate)]
        found = [(first, again, "the same objects again")]
        for name, trial in others(first, drawn, x, a.profile):
            found.append((trial, [trial.call(gate)], f"{name} alone is another one"))
            again.append(first.call(gate))
        yield from _as_fresh(a, x, found)
        for name, trial in slightly_changed(first, x):
            drawn.call(fresh)
            expected = trial.call(fresh)
            drawn.call(fresh)
            first.call(fresh)
            yield _alike(trial, expected, [trial.call(fresh)], x, f"{name} a little larger than just before")

    yield each_operation(_every_second(a, x), check)


@law("E6", "", FUNCTION, SMALL, cost=3, uses=TRIED)
def _own_memory(a: Gate, x: Instance) -> Claims:
    """Results do not change when arguments are overwritten, nor arguments when the next call is made.

    r = F(A); A is overwritten by other numbers: r is what it was, but for arrays that came back as they were
    given, such as the block that a step leaves alone; F(A), F(B): the arrays of A are what they were;
    criterion: equality of all bits
    Catches: a view of an argument as a result, an argument kept as work space for later calls.
    """
    last: list[Any] = []

    def keep(name: str, operation: Callable[..., Any], *arguments: Any) -> Any:
        last[:] = [operation(*arguments), arguments]
        return last[0]

    adapter, store = Around(a.adapter, keep), in_place()
    overwriting, leaving = Gate(adapter, a.where, store), Gate(adapter, a.where)

    def check(first: Trial, drawn: Trial) -> Iterator[Outcome]:
        name = first.operation
        first.call(overwriting)
        result, given = last
        seen = numbers(result)
        overwriting.hand_over(OPERATIONS[name], *drawn.arguments)
        same = all(
            np.array_equal(one, other, equal_nan=True) or any(_is(array, part) for array in _arrays(given))
            for part, one, other in zip(parts(result), seen, numbers(result), strict=True)
        )
        yield holds(same, f"the result of {name} is its own", "it changes with an argument")
        first.call(leaving)
        given = _arrays(last[1])
        before = [one.copy() for one in given]
        drawn.call(leaving)
        pairs = zip(given, before, strict=True)
        same = all(np.array_equal(one, other, equal_nan=True) for one, other in pairs)
        yield holds(same, f"{name} leaves arguments alone", "a later call overwrote one")

    yield each_operation(_every_second(a, x), check)


@law("E7", "", FUNCTION, SMALL, cost=3, uses=TRIED)
def _stored(a: Gate, x: Instance) -> Claims:
    """It does not matter how arrays are stored.

    arguments in Fortran order, with gaps between the entries, with negative strides, read-only, and with
    stride 0 where entries repeat: the result is that of fresh arrays in C order; criterion: bitwise or
    ρ <= 30; MARGINAL where an operation refuses, other than read-only arrays
    Catches: memory read in its own order, strides whose sign or size is left out, writing to arguments.
    """

    def check(first: Trial) -> Iterator[Outcome]:
        fresh, alike = Gate(a.adapter, a.where), constant(first, x)
        expected, same = first.call(fresh), alike.call(fresh)
        for text, change in STORAGES.items():
            yield _with_storage(a, x, first, expected, change, text)
        yield _with_storage(a, x, alike, same, repeated, "with stride 0")

    yield each_operation(((trial,) for trial in trials(a, x, "A")), check)


@law("E8", "", FUNCTION, SMALL, cost=6, uses=TRIED)
def _in_turn(a: Gate, x: Instance) -> Claims:
    """Many calls with different sizes in turn give what each gave the first time.

    arguments of three sizes, two of each, called in turn, then in another order, after the same in the other
    precision if there is an adapter of the same class in it: all results for the same arguments are the same;
    criterion: bitwise or ρ <= 30
    Catches: what is kept and thrown out again under the wrong name, work space for the largest size or the
    last one, and for the precision that came first.
    """
    cases = [x, *instances(SMALL, a.profile, SIZES - 1, x.seed % 10_000 + 1)]
    drawn, twin = _in_turn_of(a, cases), in_other_precision(a.adapter)
    other = Gate(twin or a.adapter, a.where)
    y = replace(x, dtype=other.profile.dtype)
    there = _in_turn_of(other, [replace(one, dtype=y.dtype) for one in cases]) if twin else []
    twins = {made[0].operation: made for made in zip(*there, strict=True)}

    def check(*made: Trial) -> Iterator[Outcome]:
        between = twins.get(made[0].operation, ())
        first, seen = [trial.call(a) for trial in made], [trial.call(other) for trial in between]
        again = {k: made[k].call(a) for k in x.rng("turn").permutation(len(made))}
        for k, trial in enumerate(made):
            yield _alike(trial, first[k], [again[k]], x, "called in turn with other sizes or precisions")
        for trial, one in zip(between, seen, strict=True):
            yield _alike(trial, one, [trial.call(other)], y, "called in turn with another precision")

    yield each_operation(zip(*drawn, strict=True), check)


def _in_turn_of(a: Gate, cases: Sequence[Instance]) -> list[tuple[Trial, ...]]:
    """Return trials of several sizes, with several numbers of each."""
    return [trials(a, one, f"turn {k}", 2 + k) for k in range(VALUES) for one in cases]


@law("E9", "", FUNCTION, SMALL, cost=6, uses=TRIED)
def _same_arguments_in_threads(a: Gate, x: Instance) -> Claims:
    """Threads that share arguments, and threads with different sizes, get what one thread gets.

    three threads that call F(A) with the same arrays at the same time; three that call F(A), F(B), F(C) of
    three sizes; F(A), and between two of its lines, the first of which puts something down, F(B) of the same
    size in another thread, after some such lines: each result is that of a single thread; criterion: bitwise
    or ρ <= 30
    Catches: arguments that are changed and changed back, one work space for all threads that grows, a result
    that is put down and then returned from where others put theirs.
    """
    cases = [x, *instances(SMALL, a.profile, THREADS - 1, x.seed % 10_000 + 1)]
    drawn = [trials(a, one, "thread", 2 + k) for k, one in enumerate(cases)]
    others = trials(a, x, "another thread", 2)

    def check(*made: Trial) -> Iterator[Outcome]:
        *made_together, other = made
        yield from _together(a, x, made_together)
        yield from _interrupted(a, x, made[0], other)

    yield each_operation(zip(*drawn, others, strict=True), check)


def _together(a: Gate, x: Instance, made: Sequence[Trial]) -> Iterator[Outcome]:
    """Judge calls from threads with the same arrays, and with those of other sizes."""
    expected, row = [trial.call(a) for trial in made], OPERATIONS[made[0].operation]
    names = [one.name for one in row.arguments]
    shared = dict(zip(names, Gate(a.adapter).hand_over(row, *made[0].arguments), strict=True))
    together = [Gate(a.adapter, store=lambda name, value: shared[name]) for _ in range(THREADS)]
    apart = [Gate(a.adapter) for _ in made]
    a.where.enter(row.name)
    for calls, right, gates, text in (
        ([made[0]] * THREADS, [expected[0]] * THREADS, together, "the same arrays"),
        (made, expected, apart, "other sizes"),
    ):
        work = [partial(trial.call, gate) for trial, gate in zip(calls, gates, strict=True)]
        for trial, one, found in zip(calls, right, call_at_once(work, 1), strict=True):
            yield _alike(trial, one, found, x, f"called from threads with {text}")


def _interrupted(a: Gate, x: Instance, first: Trial, other: Trial) -> Iterator[Outcome]:
    """Judge a call that is interrupted by that of another thread, and this one."""
    lines: list[Line] = []
    expected, between = first.call(a), other.call(_telling(a, lines.append))
    # Which lines there are, the other call has said; the last ones are nearest to the result.
    chosen = set(lines[-INTERRUPTIONS:])
    found, errors = list[Numbers](), list[BaseException]()
    apart = Gate(a.adapter)

    def meet(line: Line) -> None:
        if line in chosen:
            in_another_thread(lambda: other.call(apart), found, errors)

    again = first.call(_telling(a, meet))
    if errors:
        raise errors[0]
    text = "between two lines of which another thread called it"
    yield _alike(first, expected, [again], x, text)
    if found:
        yield _alike(other, between, found, x, "called from a thread between two lines of another call")


def _telling(a: Gate, meet: Callable[[Line], None]) -> Gate:
    """Return a gate to the operations that tell the lines that put something down."""
    return Gate(Around(a.adapter, lambda name, *call: between_lines(meet, *call)), a.where)


def _every_second(a: Gate, x: Instance) -> list[tuple[Trial, Trial]]:
    """Return two trials of every second operation; instances whose seeds follow each other have them all."""
    pairs = list(zip(trials(a, x, "A"), trials(a, x, "B"), strict=True))
    return pairs[x.seed % 2 :: 2] or pairs


def _as_fresh(a: Gate, x: Instance, found: list[tuple[Trial, list[Numbers], str]]) -> Iterator[Outcome]:
    """Yield how results compare with those of fresh copies that are a rounding error away.

    The copies stay in memory, so that no two have one address.
    """
    held: list[Any] = []

    def hold(name: str, argument: Any) -> Any:
        held.append(copied(name, argument))
        return held[-1]

    fresh = Gate(a.adapter, a.where, hold)
    for number, (trial, results, text) in enumerate(found):
        yield _alike(trial, nudged(trial, x, number).call(fresh), results, x, text)


def _alike(trial: Trial, expected: Numbers, found: list[Numbers], x: Instance, text: str) -> Outcome:
    """Judge how alike results are, without a note."""
    judged = classify(trial, expected, found, trial.scale(expected), x.dtype, text)
    return Outcome(judged.verdict, judged.rho, judged.criterion, judged.sentence)


def _with_storage(
    a: Gate, x: Instance, trial: Trial, expected: Numbers, change: Callable[[Array], Array], text: str
) -> Outcome:
    """Judge the result for arguments that are stored in some way, and which argument makes the difference."""

    def judged(*names: str) -> Outcome:
        found = trial.call(Gate(a.adapter, a.where, stored(change, *names)))
        return _alike(trial, expected, [found], x, f"{' and '.join(names) or 'arguments'} {text}")

    try:
        whole = judged()
    except NotImplementedError:
        raise
    except Exception as error:
        if change is STORAGES["read-only"] or isinstance(error, Misbehaviour):
            raise
        return too_little(f"{trial.operation}, arguments {text}", f"it refuses them, {in_words(error)}")
    if whole.verdict == "PASS":
        return whole
    arrays = [one.name for one in OPERATIONS[trial.operation].arguments if one.axes or one.is_mapping]
    alone = (judged(name) for name in arrays)
    return next((one for one in alone if one.verdict != "PASS"), whole)


def _arrays(arguments: tuple[Any, ...]) -> list[Array]:
    """Return all arrays among the arguments of an adapter."""
    parts = [list(one.values()) if isinstance(one, Mapping) else [one] for one in arguments]
    return [one for part in parts for one in part if isinstance(one, np.ndarray)]


def _is(array: Array, found: Any) -> bool:
    """Return whether a part of a result is an argument, entry by entry in the same memory."""
    if not isinstance(found, np.ndarray):
        return False
    layouts = ((one.__array_interface__["data"], one.shape, one.strides) for one in (array, found))
    return next(layouts) == next(layouts)
