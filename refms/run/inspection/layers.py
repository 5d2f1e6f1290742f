"""Norms of each layer's stencils and of its convolution."""

from __future__ import annotations

from typing import Any

from refms.errors import Array
from refms.linear.vectors import norm
from refms.model import Model
from refms.stencils.symbol import frobenius_norm, infinity_norm, one_norm, spectral_norm


def layer_norms(model: Model) -> list[dict[str, Any]]:
    """Return what is known of every layer without an image.

    Its number ``layer`` and ``name``, ``time`` t_k = k δt, ``stencil_norm`` ‖S_k‖_F and ``bias_norm`` ‖b_k‖₂
    of the numbers themselves, and of the matrix K(S_k) ``largest_singular_value``, that of the symbol,
    max_ω σ_max(λ(ω)), and None with a zero boundary, where K has no symbol, and its norms.
    """
    boundary = getattr(model.architecture, "boundary", "periodic")
    rows = []
    for number, layer in enumerate(model.layers):
        S, (stencil_norm, bias_norm) = layer.stencil, map(_size, (layer.stencil, layer.bias))
        row = {"layer": number, "name": layer.name, "time": layer.time}
        row |= {"stencil_norm": stencil_norm, "bias_norm": bias_norm}
        row["largest_singular_value"] = spectral_norm(S, model.grid) if boundary == "periodic" else None
        for norm_of in (frobenius_norm, one_norm, infinity_norm):
            row[norm_of.__name__] = norm_of(S, model.grid, boundary=boundary)
        rows.append(row)
    return rows


def _size(array: Array | None) -> float | None:
    return None if array is None else norm(array)
