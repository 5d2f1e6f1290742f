"""Reading HDF5 and .mat files of strangers in a process of its own, whose memory and time are limited.

What a file declares is checked before it is believed; but to see what it declares HDF5 has to parse it, and
there are files that make HDF5 itself crash or go round in a circle (``scripts/fuzz.py`` finds some soon). In
a child process that ends the child alone, and here it becomes a sentence.
"""

from __future__ import annotations

import importlib
import math
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any

import h5py
import numpy as np

from refms.errors import Array, FileError, InputError
from refms.io.artifact import DTYPES, LONGEST_TEXT, MOST_OBJECTS, Artifact, canonical_json, stored_form
from refms.io.files import fill, regular_file_size
from refms.io.reading import read_arrays, read_artifact
from refms.io.strict_json import parse_json

LEAST_SECONDS = 10.0
"""Processor time a child has at least; to that comes a second for every ``_BYTES_PER_SECOND`` of the file."""

_BUSY = 6
"""The clock stops a child after so many times its processor time: a busy machine makes no file a bad one."""

LEAST_ADDRESSES = 2**29
"""Bytes of address space of a child, to which come four times the file's: Python and HDF5 need a quarter."""

_BYTES_PER_SECOND = 2**24
_LONGEST_WORDS = 2**16
_ANOTHER = "Take another copy of the file."
_LONGEST_HEAD = 2 * LONGEST_TEXT + 512 * MOST_OBJECTS
_CHILD = "import sys; sys.path[:] = sys.argv[5:]; import refms.io.contained as c; c.serve(*sys.argv[1:5])"


def read_artifact_contained(path: str | os.PathLike[str], *, max_bytes: int = 2**32) -> Artifact:
    """Return the artefact in a file, read by a child process: as ``read_artifact``, for files of strangers.

    Parameters
    ----------
    path : str or path
        A file written by ``write_artifact``.
    max_bytes : int
        Largest sum of the arrays' sizes to accept, in bytes.

    Returns
    -------
    Artifact
        Kind, attributes and arrays.

    Raises
    ------
    FileError
        As for ``read_artifact``, and if HDF5 crashes, does not come to an end, or wants too much memory.

    Examples
    --------
    >>> from importlib import resources
    >>> with resources.as_file(resources.files("refms.certify") / "goldens.h5") as path:
    ...     read_artifact_contained(path).kind
    'golden'
    """
    head, arrays = _from_child(read_artifact, path, max_bytes)
    return Artifact(head["kind"], head["attributes"], arrays)


def read_arrays_contained(
    path: str | os.PathLike[str],
    *,
    max_bytes: int = 2**24,
    read: Callable[..., dict[str, Array]] = read_arrays,
) -> dict[str, Array]:
    """Return the arrays of a file, read by a child process: as ``read_arrays``, for files of strangers.

    Parameters
    ----------
    path : str or path
        Any HDF5 file.
    max_bytes : int
        Largest sum of the arrays' sizes to accept, in bytes.
    read : callable
        Path, ``max_bytes`` -> arrays by name: what the child calls, a function of a module; for .mat files
        :func:`~refms.io.mat.read_mat`.

    Returns
    -------
    dict of str to numpy.ndarray
        Every dataset by its path.

    Raises
    ------
    FileError
        As for ``read``, and if that crashes, does not come to an end, or wants too much memory.

    Examples
    --------
    >>> import h5py, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with h5py.File(f"{folder}/a.h5", "w") as file:
    ...         file["layer/bias"] = [1.0, 2.0]
    ...     read_arrays_contained(f"{folder}/a.h5")["layer/bias"].tolist()
    [1.0, 2.0]
    """
    return _from_child(read, path, max_bytes)[1]


def serve(read: str, path: str, max_bytes: str, seconds: str) -> None:
    """Let ``module:function`` read a file and write what it holds to standard output: the child's part.

    A line of JSON, which is either ``{"refused": sentence}`` or names the arrays; then their bytes, one after
    the other, little-endian and in C order.
    """
    _limit(4 * regular_file_size(path), math.ceil(float(seconds)))
    stream = sys.stdout.buffer
    head: dict[str, Any] = {}
    arrays: Mapping[str, Array] = {}
    try:
        module, _, name = read.partition(":")
        found = getattr(importlib.import_module(module), name)(path, max_bytes=int(max_bytes))
        if isinstance(found, Artifact):
            head, found = {"kind": found.kind, "attributes": found.attributes}, found.arrays
        arrays = found
        head["arrays"] = [[name, stored_form(a).dtype.str, list(a.shape)] for name, a in arrays.items()]
    except InputError as error:
        head, arrays = {"refused": str(error)}, {}
    except MemoryError:
        head, arrays = {"refused": f"{path!r} wants more memory than its size can need. {_ANOTHER}"}, {}
    stream.write(canonical_json(head).encode("ascii") + b"\n")
    for array in arrays.values():
        stream.write(stored_form(array).reshape(-1).view("u1").data)
    stream.flush()
    os._exit(0)  # what HDF5 left in memory is not asked to clean up after itself


def _limit(room: int, seconds: int) -> None:
    """Bound memory and time of this process, and of what it may write into a file."""
    try:
        import resource  # Unix only; elsewhere the parent's clock is the only limit
    except ImportError:
        return
    wanted = {
        resource.RLIMIT_AS: LEAST_ADDRESSES + room,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: _LONGEST_WORDS,
        resource.RLIMIT_CORE: 0,
    }
    for kind, limit in wanted.items():
        hard = resource.getrlimit(kind)[1]
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (limit, limit))


def _from_child(
    read: Callable[..., Any], path: str | os.PathLike[str], max_bytes: int
) -> tuple[Mapping[str, Any], dict[str, Array]]:
    """Let a child read the file, and believe nothing of what it says that is not checked."""
    name, size = os.fsdecode(path), regular_file_size(path)
    what = f"{read.__module__}:{read.__name__}"
    seconds = LEAST_SECONDS + size / _BYTES_PER_SECOND
    with (
        tempfile.TemporaryFile() as words,
        subprocess.Popen(
            # -B: under the limit on files, a compiled module would be left behind cut short
            [sys.executable, "-I", "-B", "-c", _CHILD, what, name, str(max_bytes), str(seconds), *sys.path],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=words,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # each of its threads would take address space
        ) as child,
    ):
        clock = threading.Timer(_BUSY * seconds, child.kill)
        clock.start()
        try:
            # an artefact is not packed; a .mat file may be
            room = min(max_bytes, size) if read in (read_artifact, read_arrays) else max_bytes
            said = _listen(child.stdout, room)
            code = child.wait()
        finally:
            in_time = clock.is_alive()
            clock.cancel()
        words.seek(0)
        last = words.read(_LONGEST_WORDS).decode("utf-8", "replace").strip().rpartition("\n")[2]
    if said is None or code:
        raise FileError(f"{name!r} {_why(read, code, in_time, seconds, last)}")
    head, arrays = said
    if "refused" in head:
        raise FileError(head["refused"])
    return head, arrays


def _listen(stream: IO[bytes] | None, room: int) -> tuple[dict[str, Any], dict[str, Array]] | None:
    """Return what a child wrote; None if that is not all, or not what a child may write.

    A child that has more to say than that finds nobody listening, and ends by it.
    """
    if stream is None:
        return None
    with stream:
        line = stream.readline(_LONGEST_HEAD)
        try:
            head = parse_json(line)
            arrays = _arrays(stream, head.get("arrays", []), room)
        except (ValueError, TypeError, AttributeError, RecursionError):  # a child astray may say anything
            return None
        whole = line.endswith(b"\n") and not stream.read(1)
    return (head, arrays) if whole and arrays is not None else None


def _arrays(stream: IO[bytes], listed: Iterable[Any], room: int) -> dict[str, Array] | None:
    """Read the arrays of a list that says (name, type, shape), if there is room for them."""
    arrays: dict[str, Array] = {}
    for name, code, shape in listed:
        room -= math.prod(shape) * np.dtype(code).itemsize
        if code not in DTYPES or room < 0:
            return None
        arrays[name] = np.empty(shape, dtype=code)
        values = memoryview(arrays[name].reshape(-1).view("u1"))
        if values.nbytes and fill(stream, values) < values.nbytes:
            return None
    return arrays


def _why(read: Callable[..., Any], code: int, in_time: bool, seconds: float, words: str) -> str:
    """Return why a child did not say what is in the file."""
    library = "SciPy" if read.__module__.endswith(".mat") else f"HDF5 {h5py.version.hdf5_version}"
    if not in_time or -code == getattr(signal, "SIGXCPU", None):
        return f"is damaged or hostile: {library} does not come to an end within {seconds:.0f} s. {_ANOTHER}"
    if code < 0:
        name = signal.Signals(-code).name
        return (
            f"is damaged or hostile: it makes {library} crash ({name}), in a process of its own. {_ANOTHER}"
        )
    return f"cannot be read: the process that had to read it ended with code {code} and {words!r}."
