"""Chains of element-wise operations; on a GPU one kernel each, where passes over memory are what costs."""

from __future__ import annotations

from typing import Any

from refms.backend import Backend
from refms.errors import Array


def finish(
    backend: Backend, out: Array, bias: Array | None, factor: Array | None, add: Array | None
) -> Array:
    """Return add + factor ∘ (bias + out), in place where the dtype allows it.

    ``out`` (c·n, m) is a new array in C order that may be overwritten; bias (c,); factor, add (c·n, m).
    """
    mixed = False
    for array in (bias, factor, add):
        if array is not None and array.dtype != out.dtype:
            out = out.astype(backend.xp.result_type(out, array), copy=False)
            mixed = mixed or array.dtype != out.dtype
    if backend.name == "cupy" and not mixed:
        return _finish_at_once(backend.xp, out, bias, factor, add)
    if bias is not None:
        by_channel = out.reshape(bias.shape[0], -1)
        by_channel += bias[:, None]
    if factor is not None:
        out *= factor
    if add is not None:
        out += add
    return out


def _finish_at_once(
    xp: Any, out: Array, bias: Array | None, factor: Array | None, add: Array | None
) -> Array:
    """Return the same by one kernel; kernels with a type parameter promote nothing."""
    expression, names, arrays = "x", ["T x"], [out]
    if bias is not None:
        expression, names = "(x + bias)", [*names, "T bias"]
        arrays = [out.reshape(bias.shape[0], -1), bias[:, None]]
    for name, array, operator in (("factor", factor, "*"), ("add", add, "+")):
        if array is not None:
            expression, names = f"{name} {operator} {expression}", [*names, f"T {name}"]
            arrays.append(array.reshape(arrays[0].shape))
    if len(arrays) > 1:
        kernel = xp.ElementwiseKernel(", ".join(names), "T y", f"y = {expression}", "refms_finish")
        kernel(*arrays, arrays[0])
    return out


def tanh_step(xp: Any, Z: Array, Y: Array, dt: float) -> tuple[Array, Array]:
    """Return Y + δt tanh(Z) and 1 − tanh²(Z) by one CuPy kernel; all of one dtype, Z is overwritten."""
    kernel = xp.ElementwiseKernel(
        "T z, T y, T dt",
        "T next, T slope",
        "slope = tanh(z); next = y + dt * slope; slope = T(1) - slope * slope",
        "refms_tanh_step",
    )
    following = xp.empty_like(Z)
    kernel(Z, Y, dt, following, Z)
    return following, Z
