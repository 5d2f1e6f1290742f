"""The arguments of a trial with one of them changed, or all of them by a rounding error."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

import numpy as np

from refms.conformance.adapters.profile import Problem, Profile
from refms.conformance.instances.domain import Instance
from refms.conformance.measures.trials import Trial, scaled
from refms.conformance.operations import OPERATIONS
from refms.definition.galerkin import closed
from refms.definition.transfer import PAIRS
from refms.errors import Array

_KERNELS, _BORDERS = ("linear", "box", "cubic"), ("clamp", "periodic")
_BLOCKS, _RULES = ("propagation", "classifier"), ("keep", "galerkin")

FEW = 7
"""So many arguments are all changed, of more every second one."""

Name = TypeVar("Name")

_STEPS = {"size": -1, "seed": 1, "k": -1, "total": 1, "count": 1, "examples": 1, "m": 1, "finest": -1}
"""Whole numbers -> by how much another one differs."""


def other(name: str, trial: Trial, x: Instance, profile: Profile) -> Any:
    """Return another value of an argument that is no array; the same one where shapes hang on it."""
    given = trial.given
    value = given[name]
    match value:
        case bool():
            return not value
        case float():
            return 0.75 * value
        case str():
            return _next(value, _choices(given, profile).get(name, ()))
        case Problem():
            return Problem(
                value.grid,
                0.75 * value.final_time,
                _next(value.boundary, profile.boundaries),
                _next(value.activation, profile.activations),
            )
        case int() if name == "iterations":
            return 2
        case int() if name == "groups" and "stride" not in given:
            return x.c_in
        case int() if name == "dimension":
            return value % 3 + 1
        case int():
            return value + _STEPS.get(name, 0)
        case tuple() if name in ("to", "batches") and trial.operation != "mge":
            return tuple(n + 1 for n in value)
        case tuple() if name in ("coefficients", "weights"):
            return tuple(0.75 * one for one in value)
        case tuple() if name in ("dilation", "pool"):
            return (1,) * len(value)
    return value


def others(trial: Trial, drawn: Trial, x: Instance, profile: Profile) -> Iterator[tuple[str, Trial]]:
    """Yield (argument, the trial with another one): arrays and functions are those of a second trial.

    Of many, every second one: which, hangs on the seed.
    """
    for name in _chosen(list(trial.given), x):
        value = trial.given[name]
        drawable = isinstance(value, np.ndarray | Mapping) or callable(value) or name == "objective"
        changed = drawn.given[name] if drawable else other(name, trial, x, profile)
        if drawable or changed != value:
            yield name, scaled(trial, {**trial.given, name: changed}, x)


def entries_changed(trial: Trial, drawn: Trial, x: Instance) -> Iterator[tuple[str, Trial]]:
    """Yield (array, the trial after some of its entries became those of a second trial), one after the other.

    Of many arrays every second one, as in ``others``; about a half of its entries, or a single one, but never
    the first, so that it tells nothing.
    """
    rng, given = x.rng("entries"), dict(trial.given)
    for name, key in _chosen(list(_arrays(trial)), x):
        value, new = given[name], drawn.given[name]
        if key is None:
            given[name] = _mixed(value, new, rng, name)
        else:
            given[name] = {**value, key: _mixed(value[key], new[key], rng, key)}
        yield name if key is None else f"{name}[{key!r}]", scaled(trial, given, x)


def slightly_changed(trial: Trial, x: Instance) -> Iterator[tuple[str, Trial]]:
    """Yield (argument, the trial with it 1 + 2⁻²⁰ times as large, 1 + 2⁻¹⁰ in single precision).

    Every real array by itself, or all of a mapping; no labels, and nothing of a step.
    """
    delta = 2.0**-10 if x.dtype == "float32" else 2.0**-20

    def grown(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: grown(one) for key, one in value.items()}
        return value + value * value.dtype.type(delta)

    for name, value in trial.given.items():
        arrays = list(value.values()) if isinstance(value, Mapping) else [value]
        real = all(isinstance(one, np.ndarray) and one.dtype.kind == "f" for one in arrays)
        if real and name != "C" and OPERATIONS[trial.operation].splits:
            yield name, scaled(trial, {**trial.given, name: grown(value)}, x)


def nudged(trial: Trial, x: Instance, number: int) -> Trial:
    """Return the trial with the first and another entry of every real array moved by rounding errors.

    They are moved up and down by some units in the last place, by others for every ``number``: nothing that
    was kept for other arguments can be mistaken for what belongs to these. Labels stay as they are, and so
    does all of a step, in which rounding decides how many iterations there are.
    """
    rng, steps = x.rng("nudged"), number // 2 + 1
    towards = np.inf if number % 2 == 0 else -np.inf
    if not OPERATIONS[trial.operation].splits:
        return trial

    def nudge(array: Array) -> Array:
        if array.dtype.kind != "f" or array.size == 0:
            return array
        found = array.copy()
        for place in {0, int(rng.integers(array.size))}:
            for _ in range(steps):
                found.flat[place] = np.nextafter(found.flat[place], np.asarray(towards, array.dtype))
        return found

    def changed(name: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: nudge(array) for key, array in value.items()}
        return nudge(value) if isinstance(value, np.ndarray) and name != "C" else value

    given = {name: changed(name, value) for name, value in trial.given.items()}
    return dataclasses.replace(trial, arguments=tuple(given.values()))


def constant(trial: Trial, x: Instance) -> Trial:
    """Return the trial with all examples alike, and with the same entries along the last axis elsewhere."""
    row = OPERATIONS[trial.operation]

    def alike(array: Array, axis: int) -> Array:
        return np.repeat(array.take([0], axis), array.shape[axis], axis)

    given = dict(trial.given)
    for number, one in enumerate(row.given):
        value = given[one.name]
        if isinstance(value, Mapping):
            given[one.name] = {key: alike(array, -1) for key, array in value.items()}
        elif isinstance(value, np.ndarray) and (row.splits or number not in row.examples):
            axis = next((k for k, axis in enumerate(one.axes) if axis in ("m", "M")), -1)
            given[one.name] = alike(value, axis)
    return scaled(trial, given, x)


def _chosen(names: list[Name], x: Instance) -> list[Name]:
    """Return some names; of more than a few, the even or the odd ones."""
    return names if len(names) <= FEW else names[x.seed // 2 % 2 :: 2]


def _arrays(trial: Trial) -> Iterator[tuple[str, str | None]]:
    """Yield where arrays stand: the name of an argument, and the key in a mapping."""
    for name, value in trial.given.items():
        if isinstance(value, Mapping):
            yield from ((name, key) for key in value)
        elif isinstance(value, np.ndarray):
            yield name, None


def _mixed(one: Array, two: Array, rng: np.random.Generator, name: str) -> Array:
    """Return an array with some entries of another one; labels change by whole columns."""
    differs = one != two
    if name == "C":
        two = np.where(differs.any(axis=0), two, np.roll(one, 1, axis=0))
        differs = (one != two).any(axis=0)
    places = np.flatnonzero(differs.ravel()[1:]) + 1 if differs.size > 1 else np.zeros(1, int)
    new = np.zeros(differs.shape, bool)
    if rng.random() < 0.5:
        new.flat[places[rng.random(len(places)) < 0.5]] = True
    if len(places):
        new.flat[rng.choice(places)] = True
    return np.where(new, two, one)


def _next(value: str, choices: tuple[str, ...]) -> str:
    """Return the choice that follows a value, the first after the last."""
    return choices[(choices.index(value) + 1) % len(choices)] if value in choices else value


def _choices(given: Mapping[str, Any], profile: Profile) -> dict[str, tuple[str, ...]]:
    """Return what may be chosen for each argument that is a word."""
    pairs, sizes = profile.pairs, _stencil_sizes(given)
    if "pair" in given and sizes:  # to go up again, a pair must map stencils of their size one to one
        pairs = tuple(pair for pair in pairs if all(closed(PAIRS[pair], n) for n in sizes)) or (
            given["pair"],
        )
    named: dict[str, tuple[str, ...]] = {
        "pair": pairs,
        "boundary": profile.boundaries,
        "name": profile.activations,
        "activation": profile.activations,
        "kernel": _KERNELS,
        "border": _BORDERS,
        "block": _BLOCKS,
        "rule": _RULES,
        "weights": ("pair", "adjoint"),
    }
    return named


def _stencil_sizes(given: Mapping[str, Any]) -> set[int]:
    """Return the extents of all stencils among some arguments."""
    extents = [given["S"].shape[2:]] if "S" in given else []
    extents += [value["stencils"].shape[3:] for value in given.values() if isinstance(value, Mapping)]
    return {n for one in extents for n in one}
