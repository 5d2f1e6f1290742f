"""σ(γ x̂ + β), what stands between two convolutions: norm, learned weights and activation in one.

Map by map, fields are read and written some thirty times, and four are kept. The compiled loops (extra
``fast``) read and write each about three times, and keep x̂ and ρ alone: z = γ x̂ + β and σ′(z) are made from
them again. :func:`plainly_normalized`, the chain of three maps, is the definition, and is taken elsewhere.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from refms.backend import backend_of
from refms.errors import Array
from refms.grid import Grid
from refms.maps.activation import Activation
from refms.maps.chain import chain, chain_at, places_of
from refms.maps.layers.channels import channel_scale
from refms.maps.layers.entrywise import entrywise
from refms.maps.layers.norms import EPSILON, normalization, normalized_point
from refms.maps.map import Along, At, Gradients, Map, second_of
from refms.maps.parameterless import at_of
from refms.stencils.routes.table import COMPILED

COMPILED_FROM = 2**9
"""Rows of a field from which the loops are taken: below, numba need not be loaded."""

LINE = 256
"""Numbers of a line at least, where a channel has as many: several registers."""

KINDS = {"identity": 0, "relu": 1, "leaky_relu": 1, "silu": 2}
"""Activations that the loops know; none counts as the identity."""


def plainly_normalized(
    grid: Grid, channels: int, activation: Activation | None, groups: int = 1, weights: bool = False
) -> Map:
    """Return the same as a chain of maps: x̂, then γ x̂ + β with ``weights``, then σ where there is one."""
    scale = [("", channel_scale(grid, channels))] if weights else []
    sigma = [("", entrywise(channels * grid.cells, activation))] if activation else []
    return chain(("", normalization(grid, channels, groups)), *scale, *sigma)


def normalized(
    grid: Grid, channels: int, activation: Activation | None, groups: int = 1, weights: bool = False
) -> Map:
    """Return y ↦ σ(γ x̂ + β), or σ(x̂) without weights; None for no σ.

    With A = σ′(z) ⊙ G, v = γ A and means over the numbers of a group,

        F_yᵀ G = ρ (v − mean v − x̂ mean(x̂ ⊙ v)),   F_γᵀ G = Σ x̂ ⊙ A,   F_βᵀ G = Σ A,

    so that the sums of A and x̂ ⊙ A over the cells of each channel serve the weights and both means.
    """
    definition = plainly_normalized(grid, channels, activation, groups, weights)
    loops = _Loops(grid.cells, channels, groups, activation, weights)
    if not loops.exist:
        return definition
    maps = [map_ for _, map_ in definition.parts]

    def evaluate(theta: Array, Y: Array) -> Array:
        return loops.forward(theta, Y)[0] if loops.take(theta, Y) else definition.evaluate(theta, Y)

    def linearize(theta: Array, Y: Array) -> At:
        if not loops.take(theta, Y):
            return definition.linearize(theta, Y)
        output, unit, rho = loops.forward(theta, Y)

        def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
            places = places_of([map_.layout.size for map_ in maps])
            steps = [at_of(normalized_point(groups, unit, rho), theta[places[0]])]
            for map_, place in zip(maps[1:], places[1:], strict=True):
                steps.append(map_.linearize(theta[place], steps[-1].output))
            return second_of(chain_at(steps, places, steps[-1].output))(G, wrt_input=wrt_input)

        return At(
            output,
            lambda dtheta, dY=None: loops.jvp(theta, unit, rho, dtheta, dY),
            lambda G, *, wrt_theta=True, wrt_input=True: loops.vjp(theta, unit, rho, G, wrt_theta, wrt_input),
            second,
        )

    stored = 2 * definition.rows_out + groups  # the output, x̂ and ρ
    return replace(
        definition,
        evaluate=evaluate,
        linearize=linearize,
        stored=stored,
        kept=None,
        reads=(),
        record=None,
        parts=(),
    )


@dataclass(frozen=True)
class _Loops:
    """The compiled loops for one layer."""

    cells: int
    channels: int
    groups: int
    activation: Activation | None
    weights: bool

    @property
    def exist(self) -> bool:
        return COMPILED and self._name in KINDS and self.channels * self.cells >= COMPILED_FROM

    @property
    def _name(self) -> str:
        return self.activation.name if self.activation else "identity"

    def take(self, theta: Array, Y: Array) -> bool:
        """Return whether they take these arrays."""
        real = Y.dtype in ("float32", "float64") and (theta.dtype == Y.dtype or not self.weights)
        return backend_of(Y).name == "numpy" and real

    def forward(self, theta: Array, Y: Array) -> tuple[Array, Array, Array]:
        """Return σ(γ x̂ + β), x̂ and ρ (groups, m)."""
        from refms.maps.layers.normalized_kernels import forward  # numba is an extra, and slow to load

        y = self._fields(Y)
        unit, out = np.empty_like(y), np.empty_like(y)
        rho = np.empty((self.groups, Y.shape[1]), dtype=Y.dtype)
        forward(y, *self._given(theta, Y.dtype), EPSILON, Y.shape[1], unit, out, rho)
        return out.reshape(Y.shape), unit.reshape(Y.shape), rho

    def vjp(
        self, theta: Array, unit: Array, rho: Array, G: Array, wrt_theta: bool, wrt_input: bool
    ) -> Gradients:
        from refms.maps.layers.normalized_kernels import backward

        u, sums = self._fields(unit), np.zeros((2, self.groups, self.channels // self.groups, unit.shape[1]))
        given, found = self._given(theta, unit.dtype), np.empty_like(u)
        backward(
            u, rho, *given, self._fields(G.astype(unit.dtype, copy=False)), wrt_input, sums[1], sums[0], found
        )
        gtheta = sums.sum(axis=3).reshape(-1).astype(unit.dtype) if self.weights else theta
        return (gtheta if wrt_theta else None), (found.reshape(G.shape) if wrt_input else None)

    def jvp(self, theta: Array, unit: Array, rho: Array, dtheta: Array | None, dY: Array | None) -> Array:
        from refms.maps.layers.normalized_kernels import along

        gamma, beta, kind, slope = self._given(theta, unit.dtype)
        changes = np.zeros(2 * self.channels, unit.dtype) if dtheta is None or not self.weights else dtheta
        u = self._fields(unit)
        dy, found = np.zeros_like(u) if dY is None else self._fields(dY), np.empty_like(u)
        along(u, rho, gamma, beta, kind, slope, *self._of_channels(changes), dy, found)
        return found.reshape(unit.shape)

    def _fields(self, Y: Array) -> Array:
        """Return (groups, channels of a group, lines, R·m)."""
        R = math.gcd(self.cells, 2 ** max(0, math.ceil(math.log2(LINE / Y.shape[1]))))
        return np.ascontiguousarray(Y).reshape(self.groups, self.channels // self.groups, self.cells // R, -1)

    def _given(self, theta: Array, dtype: Any) -> tuple[Array, Array, int, Any]:
        """Return γ and β by channel, which σ, and its slope for negative numbers."""
        theta = theta if self.weights else np.repeat(np.array([1, 0], dtype), self.channels)
        slope = -self.activation.value(-np.ones(1, dtype))[0] if self.activation else 1
        return *self._of_channels(theta), KINDS[self._name], dtype.type(slope)

    def _of_channels(self, theta: Array) -> tuple[Array, Array]:
        gamma, beta = np.ascontiguousarray(theta).reshape(2, self.groups, -1, 1)
        return gamma, beta
