"""The chain rule, written once: maps one after the other, differentiated once and once more."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from itertools import accumulate, pairwise
from typing import Any

from refms.backend import backend_of, zeros_as
from refms.errors import Array, InputError
from refms.maps.layout import join_layouts
from refms.maps.map import Along, At, Gradients, Map, Pieces, Tangent, Vjp, second_of, without_output
from refms.maps.time.steps import TimeSteps


def chain(*parts: tuple[str, Map]) -> Map:
    """Return F = F_last ∘ … ∘ F_first, the parameters joined in this order.

    Parameters
    ----------
    *parts : (str, Map)
        Name and map, first map first; names prefix the parts of the joined layout, ``""`` does not.

    Returns
    -------
    Map
        Its ``parts`` are the arguments.

    Raises
    ------
    InputError
        If neighbours do not fit or there is no map.

    Notes
    -----
    With states Y_{i+1} = F_i(θ_i, Y_i):

        dY_{i+1} = J_θi dθ_i + J_Yi dY_i,   G_i = J_Yiᵀ G_{i+1},   g_i = J_θiᵀ G_{i+1},

    and differentiated once more

        dG_i = J_Yiᵀ dG_{i+1} + D(J_Yiᵀ)[dθ_i, dY_i] G_{i+1},   dg_i likewise.

    A backward sweep ends at the first map with parameters where the gradient of Y is not asked for.

    Examples
    --------
    >>> import numpy as np
    >>> from refms.maps.layers.linear import matrix_map
    >>> F = chain(("double", matrix_map(2 * np.eye(1))), ("triple", matrix_map(3 * np.eye(1))))
    >>> F.apply(np.zeros(0), np.ones((1, 1))).item()
    6.0
    """
    _require_neighbours(parts)
    maps = [map_ for _, map_ in parts]
    places = places_of([map_.layout.size for map_ in maps])

    def evaluate(theta: Array, Y: Array) -> Array:
        for map_, place in zip(maps, places, strict=True):
            Y = map_.evaluate(theta[place], Y)
        return Y

    def linearize(theta: Array, Y: Array) -> At:
        steps: list[At] = []
        for map_, place in zip(maps, places, strict=True):
            F = map_.linearize(theta[place], Y)
            Y = F.output
            steps.append(without_output(F))
        return chain_at(steps, places, Y)

    def record(theta: Array, Y: Array) -> dict[str, Array]:
        named: dict[str, Array] = {}
        for (name, map_), place in zip(parts, places, strict=True):
            inner = map_.recorded(theta[place], Y)
            Y = inner["output"]
            named.update(name_intermediates(name, inner))
        return {**named, "output": Y}

    stored, kept = memory_of(maps)
    spared = sum(F.rows_out for i, F in enumerate(maps[:-1]) if not _is_needed(maps, i))
    smaller = any(map_.frugal for map_ in maps)
    return Map(
        layout=join_layouts((name, map_.layout) for name, map_ in parts),
        rows_in=maps[0].rows_in,
        rows_out=maps[-1].rows_out,
        evaluate=evaluate,
        linearize=linearize,
        record=record,
        multiply_adds=sum(map_.multiply_adds for map_ in maps),
        stored=stored - spared,
        kept=kept - spared,
        reads=(
            *(["input"] if _is_read(maps, 0) else []),
            *(["output"] if "output" in maps[-1].reads else []),
        ),
        view=all(map_.view for map_ in maps),
        frugal=(lambda: chain(*[(name, frugal(map_)) for name, map_ in parts])) if smaller else None,
        parts=parts,
        times=join_times(maps),
        constants=tuple(array for map_ in maps for array in map_.constants),
    )


def _is_read(maps: Sequence[Map], start: int) -> bool:
    """Return whether what goes into a map of a chain is needed, by it or by one that sees a view of it."""
    for map_ in maps[start:]:
        if "input" in map_.reads or not map_.view:
            return "input" in map_.reads
    return True  # the output of the chain is a view of it


def _is_needed(maps: Sequence[Map], i: int) -> bool:
    """Return whether the output of a map of a chain is needed by its own derivatives or after it."""
    return maps[i].view or "output" in maps[i].reads or _is_read(maps, i + 1)


def chain_at(steps: Sequence[At], places: Sequence[slice], output: Array) -> At:
    """Return a chain at a point, from its maps there, and the output of the last."""
    zeros = zeros_as(output)

    def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
        for F, place in zip(steps, places, strict=True):
            part = None if dtheta is None or place.start == place.stop else dtheta[place]
            if part is not None or dY is not None:
                dY = F.jvp(part, dY)
        return zeros() if dY is None else dY

    def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
        gY: Array | None = G
        alongs: list[Along | None] = [None] * len(steps)
        for i in reversed(range(len(steps))):
            if gY is None:  # nothing before this map varies
                break
            alongs[i], gY = second_of(steps[i])(gY, wrt_input=wrt_input or places[i].start > 0)
        return partial(_along_chain, alongs, places), gY

    pieces = partial(_pull_chain, steps, places)
    return At(output, jvp, joined(pieces), second, pieces)


def _pull_chain(
    steps: Sequence[Any],
    places: Sequence[slice],
    G: Array,
    *,
    wrt_theta: bool = True,
    wrt_input: bool = True,
) -> tuple[list[Array], Array | None]:
    """Sweep backwards over what the maps have at hand, their points or their tangents."""
    gY: Array | None = G
    found: list[Array] = []
    for F, place in zip(reversed(steps), reversed(places), strict=True):
        needed = wrt_input or (wrt_theta and place.start > 0)  # whether anything before has parameters
        own = wrt_theta and place.stop > place.start
        if gY is None or not (own or needed):
            return found, None
        parts, gY = pieces_of(F, gY, wrt_theta=own, wrt_input=needed)
        found = parts + found
    return found, gY


def _along_chain(
    alongs: Sequence[Along | None],
    places: Sequence[slice],
    dtheta: Array | None,
    dY: Array | None = None,
) -> Tangent:
    """Return the tangents of a chain along a direction; maps before the first that varies have none."""
    tangents: list[Tangent] = []
    for along, place in zip(alongs, places, strict=True):
        part = None if dtheta is None or place.start == place.stop else dtheta[place]
        tangents.append(_STILL if along is None else along(part, dY))
        dY = tangents[-1].output
    pieces = partial(_pull_chain, tangents, places)
    return Tangent(tangents[-1].output, joined(pieces), pieces)


_STILL = Tangent(None, lambda dG, *, wrt_theta=True, wrt_input=True: (None, None))
"""The tangent of a map before everything that varies: it is never pulled back through."""


def frugal(F: Map) -> Map:
    """Return a map with the same results that keeps less, where there is one; else F itself."""
    return F if F.frugal is None else F.frugal()


def places_of(sizes: Sequence[int]) -> list[slice]:
    """Return where pieces of these sizes stand in a row."""
    return [slice(start, stop) for start, stop in pairwise(accumulate(sizes, initial=0))]


def name_intermediates(name: str, inner: dict[str, Array]) -> dict[str, Array]:
    """Return what a map records under its name; without one its output is that of the whole, or no news."""
    if name:
        return {f"{name}/{key}": value for key, value in inner.items()}
    return {key: value for key, value in inner.items() if key != "output"}


def join_times(maps: Sequence[Map]) -> tuple[tuple[int, TimeSteps], ...]:
    """Return where the propagations in time of all maps stand in the joined layout."""
    places = places_of([F.layout.size for F in maps])
    return tuple(
        (place.start + start, steps)
        for F, place in zip(maps, places, strict=True)
        for start, steps in F.times
    )


def pieces_of(F: Any, G: Array, *, wrt_theta: bool, wrt_input: bool) -> tuple[list[Array], Array | None]:
    """Return what the ``vjp`` of a point or of a tangent does, F_θᵀ G in pieces."""
    if F.pieces is not None:
        found: tuple[list[Array], Array | None] = F.pieces(G, wrt_theta=wrt_theta, wrt_input=wrt_input)
        return found
    gtheta, gY = F.vjp(G, wrt_theta=wrt_theta, wrt_input=wrt_input)
    return ([] if gtheta is None else [gtheta]), gY


def joined(pieces: Pieces) -> Vjp:
    """Return the vjp that makes one vector of pieces."""

    def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
        parts, gY = pieces(G, wrt_theta=wrt_theta, wrt_input=wrt_input)
        if not wrt_theta:
            return None, gY
        some = [part for part in parts if part.size]
        if len(some) == 1:
            return some[0], gY
        xp = backend_of(G).xp
        return (xp.concatenate(some) if some else xp.zeros(0, dtype=G.dtype)), gY

    return vjp


def memory_of(maps: Sequence[Map]) -> tuple[int, int]:
    """Return what maps need together with the largest need of one of them for a while, and what they keep."""
    kept = [map_.stored if map_.kept is None else map_.kept for map_ in maps]
    beside = max(map_.stored - own for map_, own in zip(maps, kept, strict=True))
    return sum(kept) + beside, sum(kept)


def require_named_maps(parts: tuple[tuple[str, Map], ...]) -> None:
    """Refuse anything but pairs of a name and a map, at least one."""
    for part in parts or (None,):
        if not (isinstance(part, tuple) and len(part) == 2 and isinstance(part[1], Map)):
            raise InputError(
                f"got {part!r:.60}; expected at least one map, each with its name: ('layer', F), …"
            )


def _require_neighbours(parts: tuple[tuple[str, Map], ...]) -> None:
    require_named_maps(parts)
    for (before, first), (after, second) in pairwise(parts):
        if first.rows_out != second.rows_in:
            raise InputError(
                f"map {before!r} gives {first.rows_out} rows but {after!r} takes {second.rows_in}; "
                "expected equal numbers (channels * cells)."
            )
