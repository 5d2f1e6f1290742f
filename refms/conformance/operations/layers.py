"""Layers beyond K(s): strided, dilated and grouped convolutions, pooling, biases in cells, tied stencils."""

from __future__ import annotations

import math
from typing import Any

from refms.conformance.operations.networks import STEEPEST
from refms.conformance.operations.operation import paragraphs, row
from refms.definition.activation import at_zero
from refms.definition.arrays import norm
from refms.definition.convolution import transpose
from refms.definition.norms import max_norm, row_sum_norm

_CONVOLUTION = """``stride`` s and ``dilation`` δ, one number an axis; S (c_out, c_in/groups, *sizes k).

Output cell i = 0 … ⌈n/s⌉ − 1 of each axis is Σ_q S_q y_{s i + κ_q}, κ_q = δ q − ⌊δ(k − 1)/2⌋, q = 0 … k − 1
(y_{s i − κ_q} for the orientation "convolution"): odd stencils are centred, even ones reach one cell further
behind. Beyond the border are zeros, or the image again if the ``boundary`` is "periodic", even where n is no
multiple of s, or smaller than the stencil. With groups, output channels g c_out/groups … see the input
channels g c_in/groups … alone, g = 0 … groups − 1. It must raise where c_in is not groups times the second
extent of S, or c_out no multiple of groups.
"""

_POOLING = """``pool`` w and ``stride`` s: one number an axis.

Output cell i = 0 … ⌈n/s⌉ − 1 of each axis has the cells s i + q, q = −⌊(w − 1)/2⌋ … ⌊w/2⌋, that lie in the
grid; windows at the border have fewer cells.
"""


def _wide(t: Any) -> Any:
    """Row sums of the transpose, whose rows are the c_in/groups channels of a group: a bound, no less."""
    return row_sum_norm(transpose(t.S))


def _both(t: Any) -> Any:
    """Row sums of K(S) and of its transpose, added up."""
    return row_sum_norm(t.S) + row_sum_norm(transpose(t.S))


def _inner(t: Any) -> Any:
    """Size of what the inner activation of a symmetric layer gives."""
    return norm(t.Y) + norm(t.b) * t.Y[0, 0].size + at_zero(t.activation) * math.sqrt(t.Y.size)


def _steepest(t: Any) -> Any:
    """By how much errors of what σ′ is taken of count: its slope times their size."""
    return max(1.0, STEEPEST * (_both(t) * max_norm(t.Y) + max_norm(t.b)))


ROWS = (
    row(
        "strided_convolution(S[A H stencil], Y[m J grid], grid, stride, dilation, groups, boundary)"
        " -> field[m A grid/s]",
        paragraphs("the convolution with stride, dilation and groups of frameworks.", _CONVOLUTION),
        lambda t: row_sum_norm(t.S) * max_norm(t.Y),
    ),
    row(
        "strided_convolution_adjoint(S[A H stencil], Z[m A grid/s], grid, stride, dilation, groups, boundary)"
        " -> field[m H*groups grid]",
        """the transpose of ``strided_convolution`` in the Euclidean inner product, applied to Z.

        Z lies on the ⌈n/s⌉ cells of the output, the result on the n cells of ``grid``.
        """,
        lambda t: _wide(t) * max_norm(t.Z),
    ),
    row(
        "strided_stencil_gradient(Z[m A grid/s], Y[m J grid], grid, stencil, stride, dilation, groups,"
        " boundary) -> array[A J/groups stencil]",
        "∂⟨Z, strided_convolution(S, Y)⟩/∂S, summed over examples, shape (c_out, c_in/groups, *stencil).",
        lambda t: norm(t.Z) * norm(t.Y),
    ),
    row(
        "average_pool(Y[m c grid], grid, pool, stride) -> field[m c grid/s]",
        paragraphs("the mean over the cells of each window, divided by how many it has.", _POOLING),
        lambda t: max_norm(t.Y),
    ),
    row(
        "average_pool_adjoint(Z[m c grid/s], grid, pool, stride) -> field[m c grid]",
        "the transpose of ``average_pool``, Euclidean inner product, from ⌈n/s⌉ cells to the n of ``grid``.",
        lambda t: 2**t.x.d * max_norm(t.Z),
    ),
    row(
        "max_pool(Y[m c grid], grid, pool, stride) -> field[m c grid/s]",
        paragraphs("the largest number in each window; there are no zeros beyond the border.", _POOLING),
        lambda t: max_norm(t.Y),
    ),
    row(
        "max_pool_gradient(Z[m c grid/s], Y[m c grid], grid, pool, stride) -> field[m c grid]",
        """∂⟨Z, max_pool(Y)⟩/∂Y: every window gives its z to its largest cell; a cell adds up what it gets.

        Where several cells of a window are largest there is no derivative: any of them may have z, or each a
        part that is not negative, all parts together z.
        """,
        lambda t: 2**t.x.d * max_norm(t.Z),
    ),
    row(
        "cell_bias_layer(S[o c stencil], b[o grid], Y[m c grid], grid, activation, boundary)"
        " -> field[m o grid]",
        "σ(K(S)Y + b) with a bias for every channel and cell, b (c, *grid) under every layout.",
        lambda t: row_sum_norm(t.S) * max_norm(t.Y) + max_norm(t.b) + at_zero(t.activation),
    ),
    row(
        "cell_bias_gradient(S[o c stencil], b[o grid], Y[m c grid], Z[m o grid], grid, activation, boundary)"
        " -> array like b",
        "∂⟨Z, cell_bias_layer⟩/∂b, summed over the examples, of shape (c, *grid).",
        lambda t: len(t.Z) * max_norm(t.Z) * _steepest(t),
    ),
    row(
        "antisymmetric_layer(S[G G stencil], b[G], Y[m G grid], grid, activation, damping, boundary)"
        " -> field[m G grid]",
        "σ((K(S) − K(S)ᵀ − γI)Y + b), γ >= 0 the ``damping``, b one number a channel.",
        lambda t: (_both(t) + t.damping) * max_norm(t.Y) + max_norm(t.b) + at_zero(t.activation),
    ),
    row(
        "antisymmetric_layer_gradient(S[G G stencil], b[G], Y[m G grid], Z[m G grid], grid, activation,"
        " damping, boundary) -> array like S",
        "∂⟨Z, antisymmetric_layer⟩/∂S, from K and from Kᵀ, summed over the examples.",
        lambda t: 2 * norm(t.Z) * norm(t.Y) * _steepest(t),
    ),
    row(
        "symmetric_layer(S[G G stencil], b[G], Y[m G grid], grid, activation, boundary) -> field[m G grid]",
        "−K(S)ᵀ σ(K(S)Y + b) of Haber and Ruthotto, b one number a channel.",
        lambda t: (
            row_sum_norm(transpose(t.S))
            * (row_sum_norm(t.S) * max_norm(t.Y) + max_norm(t.b) + at_zero(t.activation))
        ),
    ),
    row(
        "symmetric_layer_gradient(S[G G stencil], b[G], Y[m G grid], Z[m G grid], grid, activation, boundary)"
        " -> array like S",
        "∂⟨Z, symmetric_layer⟩/∂S, from K and from Kᵀ, summed over the examples.",
        lambda t: (1 + _both(t)) * norm(t.Z) * _inner(t) * _steepest(t),
    ),
)
