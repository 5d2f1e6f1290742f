"""Register tiles of the compiled route, written as LLVM instructions.

A *tile* is a block of results that stays in the processor's registers while a loop runs over what they sum:
the taps of the stencil for ``correlation_tile``, the numbers of a line for ``gradient_tile``. Compilers do
not find such tiles in plain loops, and without them every multiply-add waits for a load and a store.

A tap is one entry κ of the stencil. The table ``taps`` holds two integers for each: κ, which finds its
weights, and the cell that it reads. Input channels c run outside of the taps, K weights and n cells apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import llvmlite.binding
import llvmlite.ir as ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

REGISTER_BYTES = next(
    size
    for feature, size in (("avx512f", 64), ("avx", 32), ("", 16))
    if not feature or llvmlite.binding.get_host_cpu_features().get(feature)
)
"""Width of this processor's vector registers; numba keeps what it compiles apart by processor."""


def lanes(itemsize: int) -> int:
    """Return how many numbers a vector register holds."""
    return REGISTER_BYTES // itemsize


class _Builder:
    """An IR builder with the few compound instructions of tiles; ``wide`` values are vector registers."""

    def __init__(self, codegen: Any, builder: Any, signature: Any, arguments: Any, wide: bool) -> None:
        self.b, self.codegen, self.signature, self.arguments = builder, codegen, signature, arguments
        self.itemsize = signature.args[0].dtype.bitwidth // 8
        self.element = ir.DoubleType() if self.itemsize == 8 else ir.FloatType()
        self.width = lanes(self.itemsize) if wide else 1
        self.value = ir.VectorType(self.element, self.width) if wide else self.element

    def array(self, index: int) -> tuple[Any, Any]:
        """Return address of the data and number of elements of an array argument."""
        made = self.codegen.make_array(self.signature.args[index])(
            self.codegen, self.b, self.arguments[index]
        )
        return made.data, made.nitems

    def number(self, value: int) -> Any:
        return ir.Constant(self.codegen.get_value_type(types.intp), value)

    def zero(self) -> Any:
        return ir.Constant(self.value, [0.0] * self.width if self.width > 1 else 0.0)

    def load(self, data: Any, at: Any) -> Any:
        address = self.b.bitcast(self.b.gep(data, [at]), self.value.as_pointer())
        return self.b.load(address, align=self.itemsize)

    def pair(self, data: Any, index: Any) -> tuple[Any, Any]:
        """Return the two integers in a row of a table."""
        entry = self.b.mul(index, self.number(2))
        first = self.b.load(self.b.gep(data, [entry]))
        return first, self.b.load(self.b.gep(data, [self.b.add(entry, self.number(1))]))

    def store(self, value: Any, data: Any, at: Any) -> None:
        address = self.b.bitcast(self.b.gep(data, [at]), self.value.as_pointer())
        self.b.store(value, address, align=self.itemsize)

    def spread(self, data: Any, at: Any) -> Any:
        """Return one number in all lanes."""
        single = self.b.load(self.b.gep(data, [at]))
        if self.width == 1:
            return single
        nothing = ir.Constant(self.value, ir.Undefined)
        first = self.b.insert_element(nothing, single, ir.Constant(ir.IntType(32), 0))
        everywhere = ir.Constant(ir.VectorType(ir.IntType(32), self.width), [0] * self.width)
        return self.b.shuffle_vector(first, nothing, everywhere)

    def multiply_add(self, x: Any, y: Any, z: Any) -> Any:
        """Return x·y + z, rounded once."""
        suffix = ("" if self.width == 1 else f"v{self.width}") + f"f{8 * self.itemsize}"
        kind = ir.FunctionType(self.value, [self.value] * 3)
        return self.b.call(
            cgutils.get_or_insert_function(self.b.module, kind, f"llvm.fma.{suffix}"), [x, y, z]
        )

    def weighted(self, total: Any, weight: float, x: Any) -> Any:
        """Return total + weight·x for a number that is known, rounded once; no total counts as 0."""
        if abs(weight) == 1 and total is not None:
            return (self.b.fadd if weight > 0 else self.b.fsub)(total, x)
        factor = ir.Constant(self.value, [weight] * self.width if self.width > 1 else weight)
        if total is None:
            return x if weight == 1 else self.b.fmul(factor, x)
        return self.multiply_add(factor, x, total)

    def loop(
        self, stop: Any, step: int, start: Sequence[Any], body: Callable[[Any, list[Any]], list[Any]]
    ) -> list[Any]:
        """Return values after a loop of an index from 0 to stop; none of them touches memory."""
        before = self.b.block
        head, inside, after = (self.b.append_basic_block(name) for name in ("head", "inside", "after"))
        self.b.branch(head)
        self.b.position_at_end(head)
        index = self.b.phi(stop.type)
        index.add_incoming(self.number(0), before)
        values = [self.b.phi(self.value) for _ in start]
        for value, first in zip(values, start, strict=True):
            value.add_incoming(first, before)
        self.b.cbranch(self.b.icmp_signed("<", index, stop), inside, after)
        self.b.position_at_end(inside)
        changed = body(index, list(values))
        index.add_incoming(self.b.add(index, self.number(step)), self.b.block)
        for value, new in zip(values, changed, strict=True):
            value.add_incoming(new, self.b.block)
        self.b.branch(head)
        self.b.position_at_end(after)
        return list(values)

    def unless_empty(self, size: Any, values: list[Any], changed: Callable[[], list[Any]]) -> list[Any]:
        """Return changed values where an array has elements, the same values where it has none."""
        before = self.b.block
        inside, after = self.b.append_basic_block("given"), self.b.append_basic_block("either")
        self.b.cbranch(self.b.icmp_signed(">", size, self.number(0)), inside, after)
        self.b.position_at_end(inside)
        new = changed()
        end = self.b.block
        self.b.branch(after)
        self.b.position_at_end(after)
        found = []
        for old, other in zip(values, new, strict=True):
            joined = self.b.phi(self.value)
            joined.add_incoming(old, before)
            joined.add_incoming(other, end)
            found.append(joined)
        return found


def correlation_tile(channels: int, vectors: int) -> Any:
    """Return the tile of some output channels o and a piece of a line with numbers j; 0 vectors: one number.

    ``tile(out, factor, add, bias, Y1, W1, Y2, W2, taps, first, count, K, c_in, at, stride, shift, m, o,
    c_out)`` writes, with p = at + o·stride + j,

        out[p] = add[p] + factor[p] · (bias[o] + Σ_c Σ_κ W1[(c·K + κ)·c_out + o] · Y1[c·stride + cell_κ·m +
        shift + j] + the same of 2),

    κ running over ``count`` taps from ``first`` on. Arrays of size 0 leave their part out.
    """

    @intrinsic
    def tile(  # numba counts the arguments
        context, out, factor, add, bias, Y1, W1, Y2, W2, taps,
        first, count, K, c_in, at, stride, shift, m, o, c_out,
    ):  # fmt: skip
        given = (out, factor, add, bias, Y1, W1, Y2, W2, taps, *[types.intp] * 10)

        def generate(codegen: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            t = _Builder(codegen, builder, signature, arguments, wide=vectors > 0)
            b = t.b
            (out, _), (factor, factors), (add, adds), (bias, _) = (t.array(i) for i in range(4))
            taps, _ = t.array(8)
            first, count, K, c_in, at, stride, shift, m, o, c_out = arguments[9:]
            along = [t.number(v * t.width) for v in range(max(vectors, 1))]
            places = [
                b.add(b.add(at, b.mul(b.add(o, t.number(k)), stride)), j)
                for k in range(channels)
                for j in along
            ]
            sums = [t.spread(bias, b.add(o, t.number(k))) for k in range(channels) for _ in along]
            for index in (4, 6):
                (Y, _), (W, weights) = t.array(index), t.array(index + 1)
                given_channels = b.select(b.icmp_signed(">", weights, t.number(0)), c_in, t.number(0))

                def channel(c: Any, sums: list[Any], Y: Any = Y, W: Any = W) -> list[Any]:
                    image, stencil = b.add(b.mul(c, stride), shift), b.mul(c, K)

                    def tap(i: Any, sums: list[Any]) -> list[Any]:
                        number, cell = t.pair(taps, b.add(first, i))
                        start = b.add(image, b.mul(cell, m))
                        inputs = [t.load(Y, b.add(start, j)) for j in along]
                        own = b.add(b.mul(b.add(stencil, number), c_out), o)
                        weights = [t.spread(W, b.add(own, t.number(k))) for k in range(channels)]
                        pairs = [(w, y) for w in weights for y in inputs]
                        return [t.multiply_add(y, w, s) for (w, y), s in zip(pairs, sums, strict=True)]

                    return t.loop(count, 1, sums, tap)

                sums = t.loop(given_channels, 1, sums, channel)
            for data, size, combine in ((factor, factors, b.fmul), (add, adds, b.fadd)):

                def combined(data: Any = data, combine: Any = combine, sums: list[Any] = sums) -> list[Any]:
                    return [combine(s, t.load(data, p)) for s, p in zip(sums, places, strict=True)]

                sums = t.unless_empty(size, sums, combined)
            for value, place in zip(sums, places, strict=True):
                t.store(value, out, place)
            return codegen.get_dummy_value()

        return types.void(*given), generate

    return tile


def gradient_tile(channels: int, taps_together: int, wide: bool) -> Any:
    """Return the tile of some output channels o and some neighbouring taps that sums along a line.

    ``tile(sums, Z, Y, taps, first, base, at, stride, shift, length, m, o, c_out)`` adds to the lanes of sums
    (c·K + κ, c_out, lanes) for base = c·K the products Z[at + o·stride + j] · Y[cell_κ·m + shift + j] over
    j < length, a multiple of the lanes; where it is not ``wide``, single numbers go to the first lane.
    """

    @intrinsic
    def tile(  # numba counts the arguments, and passes types
        context, sums, Z, Y, taps, first, base, at, stride, shift, length, m, o, c_out
    ):
        given = (sums, Z, Y, taps, *[types.intp] * 9)

        def generate(codegen: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            t = _Builder(codegen, builder, signature, arguments, wide)
            b = t.b
            (sums, _), (Z, _), (Y, _), (taps, _) = (t.array(i) for i in range(4))
            first, base, at, stride, shift, length, m, o, c_out = arguments[4:]
            rows, places = [], []
            for i in range(taps_together):
                number, cell = t.pair(taps, b.add(first, t.number(i)))
                rows.append(b.add(b.mul(cell, m), shift))
                for k in range(channels):
                    own = b.add(b.mul(b.add(base, number), c_out), b.add(o, t.number(k)))
                    places.append(b.mul(own, t.number(lanes(t.itemsize))))
            lines = [b.add(at, b.mul(b.add(o, t.number(k)), stride)) for k in range(channels)]

            def body(j: Any, totals: list[Any]) -> list[Any]:
                cotangents = [t.load(Z, b.add(line, j)) for line in lines]
                inputs = [t.load(Y, b.add(row, j)) for row in rows]
                pairs = [(z, y) for y in inputs for z in cotangents]
                return [t.multiply_add(z, y, s) for (z, y), s in zip(pairs, totals, strict=True)]

            found = t.loop(length, t.width, [t.zero()] * len(places), body)
            for value, place in zip(found, places, strict=True):
                t.store(b.fadd(t.load(sums, place), value), sums, place)
            return codegen.get_dummy_value()

        return types.void(*given), generate

    return tile


def lines_tile(M: Any) -> Any:
    """Return the tile that sums lines with the numbers of a matrix, which become constants of the code.

    ``tile(out, at, apart, lines, start, pitch, phases, step, length)`` writes for j < length, a multiple of
    the lanes,

        out[at + k·apart + j] = Σ_l M[k, l] lines[start + (l mod phases)·pitch + ⌊l / phases⌋·step + j].
    """

    @intrinsic
    def tile(  # numba counts the arguments, and passes types
        context, out, at, apart, lines, start, pitch, phases, step, length
    ):
        given = (out, types.intp, types.intp, lines, *[types.intp] * 5)

        def generate(codegen: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            t = _Builder(codegen, builder, signature, arguments, wide=True)
            b, (out, _), (lines, _) = t.b, t.array(0), t.array(3)
            _, at, apart, _, start, pitch, phases, step, length = arguments
            places = []
            for line in map(t.number, range(M.shape[1])):
                along = b.add(b.mul(b.srem(line, phases), pitch), b.mul(b.sdiv(line, phases), step))
                places.append(b.add(start, along))
            ends = [b.add(at, b.mul(t.number(k), apart)) for k in range(len(M))]

            def body(j: Any, _: list[Any]) -> list[Any]:
                inputs = [t.load(lines, b.add(place, j)) for place in places]
                for row, end in zip(M, ends, strict=True):
                    total = None
                    for weight, x in zip(row, inputs, strict=True):
                        total = t.weighted(total, float(weight), x) if weight else total
                    t.store(total, out, b.add(end, j))
                return []

            t.loop(length, t.width, [], body)
            return codegen.get_dummy_value()

        return types.void(*given), generate

    return tile
