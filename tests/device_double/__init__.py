"""A stand-in for CuPy that needs no GPU: NumPy underneath, but as unforgiving as a device.

It keeps the CuPy code paths honest on machines without a GPU. Its arrays refuse what CuPy's refuse, implicit
conversion to NumPy and meeting NumPy arrays, and a little more: NumPy's functions. Its modules offer only
functions and keyword arguments that CuPy 14.2 has. Reductions return zero-dimensional arrays, `empty` returns
NaN, and every read of a value by the host is counted. What it cannot show: rounding, speed and races of a
device.
"""

from device_double.array import LEDGER, Ledger, ndarray
from device_double.sparse import make_modules

__all__ = ["LEDGER", "Ledger", "make_modules", "ndarray"]
