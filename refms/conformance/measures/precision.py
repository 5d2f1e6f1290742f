"""Numbers rounded to a precision: NumPy has no bfloat16, so arrays of float32 hold such numbers."""

from __future__ import annotations

import numpy as np

from refms.errors import Array
from refms.names import HALVES

EPS = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
"""Distance from 1 to the next number."""

LIMITS = {**dict.fromkeys(EPS, 30.0), **dict.fromkeys(HALVES, 2.0)}
"""Largest ρ that passes. 30 eps of bfloat16 are a quarter of the scale, and would hide most mistakes; sums of
random terms that are rounded one by one err by about eps/5 of Σ|terms|, however many there are."""


def storage(dtype: str) -> str:
    """Return the dtype of the arrays that hold numbers of a precision.

    >>> storage("bfloat16"), storage("float16")
    ('float32', 'float16')
    """
    return "float32" if dtype == "bfloat16" else dtype


def rounded(array: Array, dtype: str) -> Array:
    """Return an array rounded to nearest, ties to even, in its storage.

    >>> rounded(np.array([1.0, 1.004, 1.0041, 3.0e38]), "bfloat16").tolist()[:3]
    [1.0, 1.0078125, 1.0078125]
    """
    if dtype != "bfloat16":
        return np.asarray(array).astype(dtype)
    # An array of its own, which has the first 16 of 32 bits: sign, 8 of the exponent, 7 of the fraction.
    single = np.array(array, dtype="float32", order="C")
    bits = single.reshape(-1).view("uint32")
    up = bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))
    kept = np.where(np.isfinite(single.reshape(-1)), up, bits) & np.uint32(0xFFFF0000)
    found: Array = kept.astype("uint32").view("float32").reshape(np.shape(array))
    return found
