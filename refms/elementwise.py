"""Chains of element-wise operations; on a GPU one kernel each, where passes over memory are what costs."""

from __future__ import annotations

from itertools import product
from typing import Any

from refms.backend import Backend
from refms.errors import Array


def _finishing_kernels() -> dict[str, tuple[str, str, str]]:
    """Return add + factor ∘ (bias + x) with each choice of one or more of the three."""
    kernels = {}
    for bias, factor, add in list(product((False, True), repeat=3))[1:]:
        expression, names = ("(x + bias)", ["x", "bias"]) if bias else ("x", ["x"])
        for given, name, operator in ((factor, "factor", "*"), (add, "add", "+")):
            if given:
                expression, names = f"{name} {operator} {expression}", [*names, name]
        inputs = ", ".join(f"T {name}" for name in names)
        kernels["refms_finish_" + "_".join(names[1:])] = (inputs, "T y", f"y = {expression}")
    return kernels


KERNELS = {
    **_finishing_kernels(),
    "refms_tanh_step": (
        "T z, T y, T dt",
        "T next, T slope",
        "slope = tanh(z); next = y + dt * slope; slope = T(1) - slope * slope",
    ),
}
"""Every kernel of refms that is not CuPy's own: inputs, outputs, statements, by name. All of one type T."""


def _kernel(xp: Any, name: str) -> Any:
    """Return the kernel of that name; no other place makes one."""
    return xp.ElementwiseKernel(*KERNELS[name], name)


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
    name, arrays = "refms_finish", [out]
    if bias is not None:
        name, arrays = f"{name}_bias", [out.reshape(bias.shape[0], -1), bias[:, None]]
    for word, array in (("factor", factor), ("add", add)):
        if array is not None:
            name = f"{name}_{word}"
            arrays.append(array.reshape(arrays[0].shape))
    if len(arrays) > 1:
        _kernel(xp, name)(*arrays, arrays[0])
    return out


def tanh_step(xp: Any, Z: Array, Y: Array, dt: float) -> tuple[Array, Array]:
    """Return Y + δt tanh(Z) and 1 − tanh²(Z) by one CuPy kernel; all of one dtype, Z is overwritten."""
    following = xp.empty_like(Z)
    _kernel(xp, "refms_tanh_step")(Z, Y, dt, following, Z)
    return following, Z
