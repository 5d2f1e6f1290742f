"""Maps next to each other: fan-out, concatenation, sums of branches, blocks of rows, the arms of a U-net."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from refms.backend import backend_of, zeros_as
from refms.errors import Array, InputError, require_whole
from refms.maps.chain import (
    frugal,
    join_times,
    joined,
    memory_of,
    name_intermediates,
    pieces_of,
    places_of,
    require_named_maps,
)
from refms.maps.layout import join_layouts
from refms.maps.map import Along, At, Map, Tangent, second_of, without_output
from refms.maps.parameterless import parameterless


def concatenate(*parts: tuple[str, Map]) -> Map:
    """Return the fan-out Y ↦ (F_1(Y); F_2(Y); …), outputs below each other.

    Parameters
    ----------
    *parts : (str, Map)
        Name and map, all with as many rows in; names prefix the parts of the joined layout.

    Returns
    -------
    Map
        With the rows of all outputs; the gradient of Y is the sum Σ_i F_iᵀ G_i.

    Raises
    ------
    InputError
        If the rows in differ, or there is no map.

    Examples
    --------
    >>> import numpy as np
    >>> both = concatenate(("", identity(1)), ("again", identity(1)))
    >>> both.apply(np.zeros(0), np.ones((1, 2))).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """
    return _branches(parts, shared=True, summed=False)


def add(*parts: tuple[str, Map]) -> Map:
    """Return the sum of branches, Y ↦ F_1(Y) + F_2(Y) + ….

    Parameters
    ----------
    *parts : (str, Map)
        Name and map, all with as many rows in and out; names prefix the parts of the joined layout.

    Returns
    -------
    Map
        The sum.

    Raises
    ------
    InputError
        If the rows differ, or there is no map.

    Examples
    --------
    >>> import numpy as np
    >>> add(("a", identity(1)), ("b", identity(1))).apply(np.zeros(0), np.ones((1, 1))).item()
    2.0
    """
    return _branches(parts, shared=True, summed=True)


def beside(*parts: tuple[str, Map]) -> Map:
    """Return the maps on blocks of rows, (Y_1; Y_2; …) ↦ (F_1(Y_1); F_2(Y_2); …).

    Parameters
    ----------
    *parts : (str, Map)
        Name and map, in the order of the blocks; a scalar of each example, such as a time, is a block of one
        row. Names prefix the parts of the joined layout.

    Returns
    -------
    Map
        With the rows of all.

    Raises
    ------
    InputError
        If there is no map.

    Examples
    --------
    >>> beside(("image", identity(4)), ("time", identity(1))).rows_in
    5
    """
    return _branches(parts, shared=False, summed=False)


def skip(name: str, F: Map) -> Map:
    """Return the arm of a U-net, Y ↦ (Y; F(Y)): features, and below them what F makes of them.

    Parameters
    ----------
    name : str
        Prefix of the parts of F in the layout.
    F : Map
        Any map.

    Returns
    -------
    Map
        With rows_in + F.rows_out rows out.

    Examples
    --------
    >>> skip("below", identity(3)).rows_out
    6
    """
    return concatenate(("", identity(F.rows_in)), (name, F))


def identity(rows: int) -> Map:
    """Return Y ↦ Y.

    Parameters
    ----------
    rows : int
        Rows of Y.

    Returns
    -------
    Map
        Without parameters; its output is Y itself, no copy.

    Raises
    ------
    InputError
        If there is no row.

    Examples
    --------
    >>> import numpy as np
    >>> identity(2).apply(np.zeros(0), np.ones((2, 1))).ravel().tolist()
    [1.0, 1.0]
    """
    rows = require_whole(rows, "rows", 1)
    same = parameterless(rows, rows, lambda Y: Y, lambda Y: (Y, lambda dY: dY, lambda G: G, None), reads=())
    return replace(same, view=True)


def _branches(parts: tuple[tuple[str, Map], ...], shared: bool, summed: bool) -> Map:
    """Return maps next to each other: on the same Y or on blocks of it, added or below each other."""
    _require_branches(parts, shared, summed)
    maps = [map_ for _, map_ in parts]
    pieces, ins = (
        places_of(sizes) for sizes in zip(*[(m.layout.size, m.rows_in) for m in maps], strict=True)
    )

    def split(theta: Array | None, Y: Array | None) -> Iterator[tuple[Any, Any]]:
        """Yield what each branch has of θ and Y, or of directions in them."""
        for piece, rows in zip(pieces, ins, strict=True):
            part = None if theta is None else theta[piece]
            yield part, (Y if shared or Y is None else Y[rows])

    def evaluate(theta: Array, Y: Array) -> Array:
        return _gather([F.evaluate(*own) for F, own in zip(maps, split(theta, Y), strict=True)], summed)

    def linearize(theta: Array, Y: Array) -> At:
        sides = [F.linearize(*own) for F, own in zip(maps, split(theta, Y), strict=True)]
        outputs = [side.output for side in sides]
        return _branches_at([without_output(F) for F in sides], outputs, split, shared, summed)

    def record(theta: Array, Y: Array) -> dict[str, Array]:
        named: dict[str, Array] = {}
        outputs = []
        for (name, F), own in zip(parts, split(theta, Y), strict=True):
            inner = F.recorded(*own)
            outputs.append(inner["output"])
            named.update(name_intermediates(name, inner))
        return {**named, "output": _gather(outputs, summed)}

    def less() -> tuple[tuple[str, Map], ...]:
        return tuple((name, frugal(F)) for name, F in parts)

    rows_out = maps[0].rows_out if summed else sum(F.rows_out for F in maps)
    stored, kept = memory_of(maps)
    spared = sum(F.rows_out for F in maps if not F.view and "output" not in F.reads)
    return Map(
        join_layouts((name, F.layout) for name, F in parts),
        maps[0].rows_in if shared else ins[-1].stop,
        rows_out,
        evaluate,
        linearize,
        record,
        multiply_adds=sum(F.multiply_adds for F in maps),
        stored=stored + rows_out - spared,
        kept=kept + rows_out - spared,
        reads=("input",) if any("input" in F.reads for F in maps) else (),
        frugal=(lambda: _branches(less(), shared, summed)) if any(F.frugal for F in maps) else None,
        times=join_times(maps),
        constants=tuple(array for F in maps for array in F.constants),
    )


def _branches_at(sides: Sequence[At], outputs: Sequence[Array], split: Any, shared: bool, summed: bool) -> At:
    """Return branches at a point, from their maps there; where Y is shared its gradients are added."""
    outs, zeros = places_of([len(output) for output in outputs]), [zeros_as(output) for output in outputs]

    def cotangents(G: Array) -> list[Array]:
        return [G if summed else G[rows] for rows in outs]

    def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
        pushed = [
            nothing() if part is None and dy is None else side.jvp(part, dy)
            for side, nothing, (part, dy) in zip(sides, zeros, split(dtheta, dY), strict=True)
        ]
        return _gather(pushed, summed)

    def pull(
        own: Sequence[Any], G: Array, *, wrt_theta: bool, wrt_input: bool
    ) -> tuple[list[Array], Array | None]:
        both = [
            pieces_of(side, part, wrt_theta=wrt_theta, wrt_input=wrt_input)
            for side, part in zip(own, cotangents(G), strict=True)
        ]
        pieces = [piece for parts, _ in both for piece in parts]
        return pieces, (_gather([g for _, g in both], shared) if wrt_input else None)

    def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
        both = [
            second_of(side)(part, wrt_input=wrt_input)
            for side, part in zip(sides, cotangents(G), strict=True)
        ]
        alongs = [one for one, _ in both]

        def along(dtheta: Array | None, dY: Array | None = None) -> Tangent:
            tangents = [one(*own) for one, own in zip(alongs, split(dtheta, dY), strict=True)]
            pieces = partial(pull, tangents)
            return Tangent(_gather([one.output for one in tangents], summed), joined(pieces), pieces)

        return along, (_gather([g for _, g in both], shared) if wrt_input else None)

    pieces = partial(pull, sides)
    return At(_gather(outputs, summed), jvp, joined(pieces), second, pieces)


def _gather(found: Sequence[Array], by_sum: bool) -> Array:
    """Return arrays added, or below each other."""
    if not by_sum:
        return backend_of(*found).xp.concatenate(found)
    total = found[0]
    for one in found[1:]:
        total = total + one
    return total


def _require_branches(parts: tuple[tuple[str, Map], ...], shared: bool, summed: bool) -> None:
    require_named_maps(parts)
    for what, wanted in (("rows_in", shared), ("rows_out", summed)):
        numbers = {name: getattr(map_, what) for name, map_ in parts}
        if wanted and len(set(numbers.values())) > 1:
            raise InputError(f"branches have {what} {numbers}; expected equal numbers.")
