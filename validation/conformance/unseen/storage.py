"""Memory that is used again, one piece for every thread, and limits on how much is needed at once."""

import threading

import numpy as np

CHUNK = 4  # examples that are worked on at once

_here = threading.local()


def workspace(shape, dtype):
    """Return memory of this thread for a short while; what was in it is lost."""
    size, dtype = int(np.prod(shape)), np.dtype(dtype)
    held = getattr(_here, "held", None)
    if held is None:
        held = _here.held = {}
    if dtype not in held or held[dtype].size < size:
        held[dtype] = np.empty(size, dtype)
    return held[dtype][:size].reshape(shape)


def chunks(m, size=CHUNK):
    """Return slices of at most ``size`` examples; the last one may be shorter."""
    return [slice(start, min(start + size, m)) for start in range(0, m, size)]
