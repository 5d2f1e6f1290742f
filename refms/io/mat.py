"""MATLAB's .mat files (version 5), read by SciPy: plain numeric arrays alone, and no more than is allowed.

SciPy looks up types of elements without looking whether there are such types: a damaged file can make it
crash. Files of strangers are therefore read in a process of its own, by
:func:`~refms.io.contained.read_arrays_contained`.
"""

from __future__ import annotations

import io
import math
import os
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from refms.errors import Array, FileError
from refms.io.artifact import stored_form
from refms.io.files import regular_file_size

MOST_VARIABLES = 2000
"""How many arrays there may be."""

_BYTES = {"double": 8, "single": 4, "int64": 8, "uint8": 1}
"""Classes of MATLAB that are loaded; never cells, structs, objects, functions, text or sparse matrices."""

_DTYPES = ("float64", "float32", "int64", "uint8")


def read_mat(path: str | os.PathLike[str], *, max_bytes: int) -> dict[str, Array]:
    """Return the arrays of a .mat file that was saved as version 5 (``-v6`` or ``-v7`` in MATLAB and Octave).

    ``max_bytes`` bounds the file, and all arrays that it declares before any is read. They are float64,
    float32, int64 or uint8 with at least two axes; a FileError refuses all else.
    """
    name = os.fspath(path)
    if regular_file_size(path) > max_bytes:
        raise FileError(f"{name!r} is larger than {max_bytes} bytes; expected results of the cases alone.")
    try:
        image = Path(path).read_bytes()
        _require_version(image)
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # SciPy warns of what it cannot read, and goes on
            stream: Any = io.BytesIO(image)  # the stubs know of files' names only
            declared = scipy.io.whosmat(stream, appendmat=False)
            _require_plain(declared, max_bytes)
            found = scipy.io.loadmat(stream, appendmat=False, mat_dtype=True)
        return {key: _plain(key, found[key]) for key, _, _ in declared}
    except FileError as error:
        raise FileError(f"{name!r} {error}") from error
    except MemoryError:  # a sentence is made of it where it is known how much there was
        raise
    except np.exceptions.ComplexWarning as error:
        raise FileError(f"{name!r} holds a complex array; expected double.") from error
    except Exception as error:  # SciPy lets out whatever it stumbles over
        raise FileError(f"{name!r} is damaged: {error or type(error).__name__}. Save it anew.") from error


def _require_version(image: bytes) -> None:
    if b"MATLAB 7.3" in image[:128]:
        raise FileError("is a .mat file of version 7.3; save it with -v7.")
    if image[126:128] not in (b"IM", b"MI"):
        raise FileError("is no .mat file of version 5; save it with -v7.")


def _require_plain(declared: Sequence[tuple[str, tuple[int, ...], str]], max_bytes: int) -> None:
    """Refuse what the headers declare, before anything else is read."""
    counts = Counter(name for name, _, _ in declared)
    if len(declared) > MOST_VARIABLES:
        raise FileError(f"holds {len(declared)} arrays; at most {MOST_VARIABLES} are read.")
    for name, shape, kind in declared:
        if not name.isidentifier() or name.startswith("_") or counts[name] > 1:
            raise FileError(f"holds {name[:63]!r} twice, or it is damaged: that is no variable's name.")
        if kind not in _BYTES:
            raise FileError(f"holds {name!r} of class {kind!r}, which is not read; expected double.")
        if len(shape) < 2 or min(shape) < 0:
            raise FileError(f"holds {name!r} of shape {shape}; expected two or more extents, none negative.")
    total = sum(math.prod(shape) * _BYTES[kind] for _, shape, kind in declared)
    if total > max_bytes:
        raise FileError(f"holds arrays of {total} bytes; the limit is {max_bytes}.")


def _plain(name: str, value: Any) -> Array:
    if not isinstance(value, np.ndarray) or value.dtype.name not in _DTYPES:
        raise FileError(f"holds {name!r} as {getattr(value, 'dtype', 'no array')}; expected double.")
    return stored_form(value)
