"""Values of a declared type and shape from a stream: bounded before they are allocated, no less, no more."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from refms.errors import Array, FileError
from refms.io.files import Stream, fill


def read_values(
    stream: Stream, path: Path, dtype: np.dtype[Any], shape: tuple[int, ...], max_bytes: int
) -> Array:
    """Return the array that is all the rest of a stream, C-contiguous and in native byte order."""
    payload = math.prod(shape) * dtype.itemsize
    sizes = f"{str(path)!r} declares {payload} bytes of shape {shape}"
    # what they would be if no extent were zero: NumPy refuses shapes by that, empty or not
    if math.prod(max(n, 1) for n in shape) * dtype.itemsize > max_bytes:
        raise FileError(
            f"{sizes}; the limit is {max_bytes} bytes. Raise max_bytes if the file can be trusted."
        )
    values = np.empty(payload, dtype=np.uint8)
    filled = fill(stream, values.data)
    if filled < payload:
        raise FileError(f"{sizes}, but ends after {filled}: it is truncated. Fetch it again.")
    if stream.read(1):
        raise FileError(f"{sizes}, but holds more: it is not the file it claims to be. Fetch it again.")
    return values.view(dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)
