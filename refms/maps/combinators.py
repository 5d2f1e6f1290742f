"""The chain rule and its kin, written once: chain, step, branches, frozen parameters, recomputation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from refms.backend import backend_of, zeros_like
from refms.errors import Array, InputError
from refms.maps.layout import EMPTY, Layout, join_layouts
from refms.maps.map import Along, At, Gradients, Map, Second, Tangent, second_of


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
    names, maps = [name for name, _ in parts], [map_ for _, map_ in parts]
    sizes = [map_.layout.size for map_ in maps]
    places = [slice(start, stop) for start, stop in pairwise(_bounds(sizes))]
    varying = [before.start > 0 for before in places]  # whether anything before map i has parameters

    def evaluate(theta: Array, Y: Array) -> Array:
        for map_, place in zip(maps, places, strict=True):
            Y = map_.evaluate(theta[place], Y)
        return Y

    def linearize(theta: Array, Y: Array) -> At:
        steps: list[At] = []
        for map_, place in zip(maps, places, strict=True):
            steps.append(map_.linearize(theta[place], Y))
            Y = steps[-1].output

        def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
            for F, place, size in zip(steps, places, sizes, strict=True):
                part = None if dtheta is None or size == 0 else dtheta[place]
                if part is not None or dY is not None:
                    dY = F.jvp(part, dY)
            return zeros_like(steps[-1].output) if dY is None else dY

        def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
            gY: Array | None = G
            alongs: list[Along | None] = [None] * len(steps)
            for i in reversed(range(len(steps))):
                if gY is None:  # nothing before this map varies
                    break
                alongs[i], gY = second_of(steps[i])(gY, wrt_input=wrt_input or varying[i])
            return _chained_along(alongs, places, backward), gY

        return At(steps[-1].output, jvp, _backward_of(steps, backward), second)

    def backward(
        steps: Sequence[Any], G: Array, wrt_theta: bool, wrt_input: bool
    ) -> tuple[Array | None, Array | None]:
        """Sweep over what the maps have at hand, linearisations or tangents, from the last one."""
        gY: Array | None = G
        found: list[Array] = []
        for i in reversed(range(len(steps))):
            needed = wrt_input or (wrt_theta and varying[i])
            gtheta, gY = steps[i].vjp(gY, wrt_theta=wrt_theta and sizes[i] > 0, wrt_input=needed)
            if gtheta is not None:
                found.append(gtheta)
            if gY is None:
                break
        return (_join(found[::-1], G) if wrt_theta else None), gY

    def record(theta: Array, Y: Array) -> dict[str, Array]:
        named: dict[str, Array] = {}
        for name, map_, place in zip(names, maps, places, strict=True):
            inner = map_.recorded(theta[place], Y)
            Y = inner["output"]
            named.update({f"{name}/{key}" if name else key: value for key, value in inner.items()})
        return {**named, "output": Y}

    stored, kept = _memory(maps)
    return Map(
        layout=_layout_of(parts),
        rows_in=maps[0].rows_in,
        rows_out=maps[-1].rows_out,
        evaluate=evaluate,
        linearize=linearize,
        record=record,
        multiply_adds=sum(map_.multiply_adds for map_ in maps),
        stored=stored,
        kept=kept,
        frugal=(lambda: chain(*[(name, frugal(map_)) for name, map_ in parts]))
        if any(map_.frugal for map_ in maps)
        else None,
        parts=parts,
        constants=tuple(array for map_ in maps for array in map_.constants),
    )


def step(F: Map, dt: float) -> Map:
    """Return one step of forward Euler, (θ, Y) ↦ Y + δt F(θ, Y); eq. (3) of [LAS].

    Parameters
    ----------
    F : Map
        With as many rows out as in; where it has a ``fused_step``, that is taken.
    dt : float
        δt.

    Returns
    -------
    Map
        dY + δt (F_θ dθ + F_Y dY) forwards, (δt F_θᵀ G, G + δt F_Yᵀ G) backwards.
    """
    if F.fused_step is not None:
        return F.fused_step(dt)

    def linearize(theta: Array, Y: Array) -> At:
        inner = F.linearize(theta, Y)

        def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
            update = dt * inner.jvp(dtheta, dY)
            return update if dY is None else dY + update

        def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
            gtheta, gY = inner.vjp(G, wrt_theta=wrt_theta, wrt_input=wrt_input)
            return (None if gtheta is None else dt * gtheta), (None if gY is None else G + dt * gY)

        return At(Y + dt * inner.output, jvp, vjp, second_of_step(second_of(inner), dt))

    return Map(
        F.layout,
        F.rows_in,
        F.rows_out,
        lambda theta, Y: Y + dt * F.evaluate(theta, Y),
        linearize,
        lambda theta, Y: record_step(F, dt, theta, Y),
        multiply_adds=F.multiply_adds,
        stored=F.stored + F.rows_out,
        constants=F.constants,
    )


def second_of_step(second: Second, dt: float) -> Second:
    """Return the second derivatives of Y + δt F from those of F.

    The adjoint of the step is (F_θᵀ (δt G), G + F_Yᵀ (δt G)); its derivative is that of F's adjoint along
    (dθ, dY, δt dG), and dG besides.
    """

    def of_step(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
        inner_along, gY = second(dt * G, wrt_input=wrt_input)

        def along(dtheta: Array | None, dY: Array | None = None) -> Tangent:
            inner = inner_along(dtheta, dY)
            update = dt * inner.output

            def vjp(dG: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
                dgtheta, dgY = inner.vjp(dt * dG, wrt_theta=wrt_theta, wrt_input=wrt_input)
                return dgtheta, (None if dgY is None else dG + dgY)

            return Tangent(update if dY is None else dY + update, vjp)

        return along, (None if gY is None else G + gY)

    return of_step


def concatenate(*parts: tuple[str, Map]) -> Map:
    """Return the fan-out Y ↦ (F_1(Y); F_2(Y); …), outputs below each other; parameters joined."""
    return _branches(parts, shared=True, summed=False)


def add(*parts: tuple[str, Map]) -> Map:
    """Return the sum of branches, Y ↦ F_1(Y) + F_2(Y) + …; parameters joined."""
    return _branches(parts, shared=True, summed=True)


def beside(*parts: tuple[str, Map]) -> Map:
    """Return the maps on blocks of rows, (Y_1; Y_2; …) ↦ (F_1(Y_1); F_2(Y_2); …); parameters joined."""
    return _branches(parts, shared=False, summed=False)


def skip(name: str, F: Map) -> Map:
    """Return the arm of a U-net, Y ↦ (Y; F(Y)): features, and below them what F makes of them."""
    return concatenate(("", identity(F.rows_in)), (name, F))


def identity(rows: int) -> Map:
    """Return Y ↦ Y on so many rows."""

    def at(theta: Array, Y: Array) -> At:
        def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
            return (theta[:0] if wrt_theta else None), (G if wrt_input else None)

        def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
            return zeros_like(Y) if dY is None else dY

        return At(Y, jvp, vjp, second_of_linear(jvp, vjp))

    return Map(EMPTY, rows, rows, lambda theta, Y: Y, at)


def second_of_linear(jvp: Any, vjp: Any) -> Second:
    """Return the second derivatives of a map that is linear in Y and has no parameters: there are none."""

    def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
        return lambda dtheta, dY=None: Tangent(jvp(None, dY), vjp), (vjp(G)[1] if wrt_input else None)

    return second


def frozen(F: Map, theta: Array) -> Map:
    """Return Y ↦ F(θ, Y) with θ held fixed: a map without parameters.

    Parameters
    ----------
    F : Map
        The map.
    theta : array
        Its parameters, shape (F.layout.size,).

    Returns
    -------
    Map
        Of Y alone.

    Raises
    ------
    InputError
        If the parameters do not fit the map.
    """
    F.layout.require(theta)

    def linearize(none: Array, Y: Array) -> At:
        inner = F.linearize(theta, Y)

        def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
            return zeros_like(inner.output) if dY is None else inner.jvp(None, dY)

        def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
            gY = inner.vjp(G, wrt_theta=False)[1] if wrt_input else None
            return (none if wrt_theta else None), gY

        def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
            if not wrt_input:  # nothing varies
                return lambda dtheta, dY=None: Tangent(zeros_like(inner.output), _nothing(none)), None
            inner_along, gY = second_of(inner)(G)

            def along(dtheta: Array | None, dY: Array | None = None) -> Tangent:
                tangent = inner_along(None, dY)

                def vjp(dG: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
                    dgY = tangent.vjp(dG, wrt_theta=False)[1] if wrt_input else None
                    return (none if wrt_theta else None), dgY

                return Tangent(tangent.output, vjp)

            return along, gY

        return At(inner.output, jvp, vjp, second)

    return Map(
        EMPTY,
        F.rows_in,
        F.rows_out,
        lambda none, Y: F.evaluate(theta, Y),
        linearize,
        lambda none, Y: F.recorded(theta, Y),
        multiply_adds=F.multiply_adds,
        stored=F.stored,
        kept=F.kept,
        frugal=None if F.frugal is None else lambda: frozen(frugal(F), theta),
        constants=(*F.constants, theta),
    )


def recomputed(F: Map) -> Map:
    """Return F with points that keep θ and Y alone and run F again in every product.

    The same bits for less memory and more work: every product costs one more forward pass. A chain of such
    maps has checkpoints between them.
    """

    def linearize(theta: Array, Y: Array) -> At:
        def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
            return F.linearize(theta, Y).jvp(dtheta, dY)

        def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
            return F.linearize(theta, Y).vjp(G, wrt_theta=wrt_theta, wrt_input=wrt_input)

        def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
            def again() -> tuple[Along, Array | None]:
                return second_of(F.linearize(theta, Y))(G, wrt_input=wrt_input)

            def along(dtheta: Array | None, dY: Array | None = None) -> Tangent:
                def vjp(dG: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
                    return again()[0](dtheta, dY).vjp(dG, wrt_theta=wrt_theta, wrt_input=wrt_input)

                return Tangent(again()[0](dtheta, dY).output, vjp)

            return along, (again()[1] if wrt_input else None)

        return At(F.evaluate(theta, Y), jvp, vjp, second)

    return replace(F, linearize=linearize, stored=F.rows_out + F.stored, kept=F.rows_out, frugal=None)


def reparametrize(
    F: Map,
    layout: Layout,
    along: Callable[[Array], Array],
    transposed: Callable[[Array], Array],
    value: Callable[[Array], Array] | None = None,
) -> Map:
    """Return F(Bθ + a, Y): parameters of F as an affine function of others, which may share them.

    Parameters
    ----------
    F : Map
        The map.
    layout : Layout
        Of θ.
    along, transposed : callable
        dθ ↦ B dθ and g ↦ Bᵀ g, both of dtype and backend of their argument.
    value : callable or None
        θ ↦ Bθ + a; None where a = 0.

    Returns
    -------
    Map
        dF = F_θ B dθ + F_Y dY, and the gradient with respect to θ is Bᵀ F_θᵀ G; a fused step is kept.
    """
    value = along if value is None else value

    def pulled(inner: Any) -> Any:
        def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
            gtheta, gY = inner.vjp(G, wrt_theta=wrt_theta, wrt_input=wrt_input)
            return (None if gtheta is None else transposed(gtheta)), gY

        return vjp

    def linearize(theta: Array, Y: Array) -> At:
        inner = F.linearize(value(theta), Y)

        def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
            return inner.jvp(None if dtheta is None else along(dtheta), dY)

        def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
            inner_along, gY = second_of(inner)(G, wrt_input=wrt_input)

            def outer_along(dtheta: Array | None, dY: Array | None = None) -> Tangent:
                tangent = inner_along(None if dtheta is None else along(dtheta), dY)
                return Tangent(tangent.output, pulled(tangent))

            return outer_along, gY

        return At(inner.output, jvp, pulled(inner), second)

    def fused_step(dt: float) -> Map:
        return reparametrize(step(F, dt), layout, along, transposed, value)

    return replace(
        F,
        layout=layout,
        evaluate=lambda theta, Y: F.evaluate(value(theta), Y),
        linearize=linearize,
        record=lambda theta, Y: F.recorded(value(theta), Y),
        fused_step=fused_step if F.fused_step is not None else None,
        frugal=None,
        parts=(),
    )


def frugal(F: Map) -> Map:
    """Return a map with the same results that keeps less, where there is one; else F itself."""
    return F if F.frugal is None else F.frugal()


def _branches(parts: tuple[tuple[str, Map], ...], shared: bool, summed: bool) -> Map:
    """Return maps next to each other: on the same Y or on blocks of it, added or below each other."""
    if not parts:
        raise InputError("there are no branches; expected at least one map.")
    maps = [map_ for _, map_ in parts]
    _require_branches(parts, shared, summed)
    pieces = _bounds([map_.layout.size for map_ in maps])
    outs = _bounds([map_.rows_out for map_ in maps])
    ins = _bounds([map_.rows_in for map_ in maps])

    def own(array: Array | None, bounds: list[int], whole: bool = False) -> list[Array | None]:
        if array is None or whole:
            return [array] * len(maps)
        return [array[start:stop] for start, stop in pairwise(bounds)]

    def gather(found: Sequence[Array], by_sum: bool) -> Array:
        if not by_sum:
            return backend_of(*found).xp.concatenate(found)
        total = found[0]
        for one in found[1:]:
            total = total + one
        return total

    def backward(sides: Sequence[Any], G: Array, wrt_theta: bool, wrt_input: bool) -> Gradients:
        both = [
            side.vjp(part, wrt_theta=wrt_theta, wrt_input=wrt_input)
            for side, part in zip(sides, own(G, outs, summed), strict=True)
        ]
        gtheta = _join([g for g, _ in both], G) if wrt_theta else None
        return gtheta, (gather([g for _, g in both], shared) if wrt_input else None)

    def evaluate(theta: Array, Y: Array) -> Array:
        found = [
            map_.evaluate(t, y)
            for map_, t, y in zip(maps, own(theta, pieces), own(Y, ins, shared), strict=True)
        ]
        return gather(found, summed)

    def linearize(theta: Array, Y: Array) -> At:
        sides = [
            map_.linearize(t, y)
            for map_, t, y in zip(maps, own(theta, pieces), own(Y, ins, shared), strict=True)
        ]

        def forward(functions: Sequence[Any], dtheta: Array | None, dY: Array | None) -> list[Any]:
            directions = zip(functions, own(dtheta, pieces), own(dY, ins, shared), strict=True)
            return [function(dt if dt is None or dt.size else None, dy) for function, dt, dy in directions]

        def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
            pushes = [_or_zero(side) for side in sides]
            return gather(forward(pushes, dtheta, dY), summed)

        def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
            both = [
                second_of(side)(part, wrt_input=wrt_input)
                for side, part in zip(sides, own(G, outs, summed), strict=True)
            ]
            alongs = [one for one, _ in both]

            def along(dtheta: Array | None, dY: Array | None = None) -> Tangent:
                tangents = forward(alongs, dtheta, dY)
                output = gather([one.output for one in tangents], summed)
                return Tangent(output, _backward_of(tangents, backward))

            return along, (gather([g for _, g in both], shared) if wrt_input else None)

        return At(gather([side.output for side in sides], summed), jvp, _backward_of(sides, backward), second)

    def record(theta: Array, Y: Array) -> dict[str, Array]:
        named: dict[str, Array] = {}
        outputs = []
        for (name, map_), t, y in zip(parts, own(theta, pieces), own(Y, ins, shared), strict=True):
            inner = map_.recorded(t, y)
            outputs.append(inner["output"])
            named.update({f"{name}/{key}" if name else key: value for key, value in inner.items()})
        return {**named, "output": gather(outputs, summed)}

    rows_out = maps[0].rows_out if summed else outs[-1]
    stored, kept = _memory(maps)
    return Map(
        _layout_of(parts),
        maps[0].rows_in if shared else ins[-1],
        rows_out,
        evaluate,
        linearize,
        record,
        multiply_adds=sum(map_.multiply_adds for map_ in maps),
        stored=stored + rows_out,
        kept=kept + rows_out,
        constants=tuple(array for map_ in maps for array in map_.constants),
    )


def _or_zero(side: At) -> Any:
    """Return the jvp of F at a point, which is zero along two Nones."""
    return lambda dtheta, dY: (
        zeros_like(side.output) if dtheta is None and dY is None else side.jvp(dtheta, dY)
    )


def _backward_of(steps: Sequence[Any], backward: Any) -> Any:
    """Return a backward sweep over linearisations or tangents as a ``vjp``."""

    def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
        found: Gradients = backward(steps, G, wrt_theta, wrt_input)
        return found

    return vjp


def _chained_along(alongs: Sequence[Along | None], places: Sequence[slice], backward: Any) -> Along:
    """Return the tangents of a chain along a direction; maps before the first that varies have none."""

    def along(dtheta: Array | None, dY: Array | None = None) -> Tangent:
        tangents: list[Any] = []
        for one, place in zip(alongs, places, strict=True):
            part = None if dtheta is None or place.start == place.stop else dtheta[place]
            tangents.append(_STILL if one is None else one(part, dY))
            dY = tangents[-1].output
        return Tangent(tangents[-1].output, _backward_of(tangents, backward))

    return along


def _nothing(none: Array) -> Any:
    """Return the vjp of what does not vary: no gradients."""
    return lambda dG, *, wrt_theta=True, wrt_input=True: (none if wrt_theta else None, None)


_STILL = Tangent(None, lambda dG, *, wrt_theta=True, wrt_input=True: (None, None))
"""The tangent of a map before everything that varies: it is never pulled back through."""


def record_step(F: Map, dt: float, theta: Array, Y: Array) -> dict[str, Array]:
    """Return the intermediates of a step; F itself under ``increment``."""
    inner = F.recorded(theta, Y)
    increment = inner.pop("output")
    return {**inner, "increment": increment, "output": Y + dt * increment}


def _join(parts: list[Array], like: Array) -> Array:
    xp = backend_of(like).xp
    return xp.concatenate(parts) if parts else xp.zeros(0, dtype=like.dtype)


def _bounds(sizes: Sequence[int]) -> list[int]:
    bounds = [0]
    for size in sizes:
        bounds.append(bounds[-1] + size)
    return bounds


def _layout_of(parts: tuple[tuple[str, Map], ...]) -> Layout:
    return join_layouts((name, map_.layout) for name, map_ in parts)


def _memory(maps: Sequence[Map]) -> tuple[int, int]:
    """Return what maps need together with the largest need of one of them for a while, and what they keep."""
    kept = [map_.stored if map_.kept is None else map_.kept for map_ in maps]
    beside = max(map_.stored - own for map_, own in zip(maps, kept, strict=True))
    return sum(kept) + beside, sum(kept)


def _require_neighbours(parts: tuple[tuple[str, Map], ...]) -> None:
    if not parts:
        raise InputError("a chain needs at least one map.")
    for (before, first), (after, second) in pairwise(parts):
        if first.rows_out != second.rows_in:
            raise InputError(
                f"map {before!r} gives {first.rows_out} rows but {after!r} takes {second.rows_in}; "
                "expected equal numbers (channels * cells)."
            )


def _require_branches(parts: tuple[tuple[str, Map], ...], shared: bool, summed: bool) -> None:
    for what, wanted in (("rows_in", shared), ("rows_out", summed)):
        numbers = {name: getattr(map_, what) for name, map_ in parts}
        if wanted and len(set(numbers.values())) > 1:
            raise InputError(f"branches have {what} {numbers}; expected equal numbers.")
