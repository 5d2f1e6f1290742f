"""Chains of element-wise operations as one kernel on a GPU, where each pass over memory is what costs."""

from __future__ import annotations

from typing import Any

from refms.errors import Array


def finish(xp: Any, out: Array, bias: Array | None, factor: Array | None, add: Array | None) -> Array:
    """Return add + factor ∘ (bias + out), in the memory of ``out``, by one kernel.

    Parameters
    ----------
    xp : module
        CuPy.
    out : array
        Shape (c·n, m), C-contiguous; a new array that may be overwritten.
    bias : array or None
        Shape (c,), dtype of ``out``.
    factor, add : array or None
        Shape (c·n, m), dtype of ``out``.

    Returns
    -------
    array
        ``out``.

    Raises
    ------
    TypeError
        If the dtypes differ: CuPy's kernels with a type parameter promote nothing.
    """
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
    """Return Y + δt tanh(Z) and 1 − tanh²(Z) by one kernel.

    Parameters
    ----------
    xp : module
        CuPy.
    Z, Y : array
        Same shape and dtype; Z may be overwritten.
    dt : float
        δt.

    Returns
    -------
    next, slope : array
        Shape and dtype of Z.

    Raises
    ------
    TypeError
        If the dtypes differ.
    """
    kernel = xp.ElementwiseKernel(
        "T z, T y, T dt",
        "T next, T slope",
        "slope = tanh(z); next = y + dt * slope; slope = T(1) - slope * slope",
        "refms_tanh_step",
    )
    following = xp.empty_like(Z)
    kernel(Z, Y, dt, following, Z)
    return following, Z
