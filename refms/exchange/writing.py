"""Writing cases: HDF5, NumPy's .npz or MATLAB's .mat, put in place in one step."""

from __future__ import annotations

import io
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from refms.certify.cases import CASES
from refms.errors import Array, InputError, require_choice
from refms.exchange.layout import LAYOUT, ORDER, case_arrays, expectations, flat_name, operations
from refms.io import Artifact, write_artifact
from refms.io.files import atomic_write

FORMATS = ("h5", "npz", "mat")


def write_cases(
    path: str | os.PathLike[str], form: str = "h5", dtype: str = "float64", *, overwrite: bool = False
) -> None:
    """Write inputs and expectations of everything that is proved.

    Parameters
    ----------
    path : str or path
        The file; its folder must exist.
    form : str
        ``"h5"`` (HDF5, an artefact of refms), ``"npz"`` or ``"mat"`` (version 5, which Octave reads, too).
    dtype : str
        ``"float64"`` or ``"float32"``: precision of the inputs.
    overwrite : bool
        Whether an existing file may be replaced.

    Raises
    ------
    InputError
        If the format or the precision is not one of these.
    FileError
        If the file cannot be written.
    """
    require_choice(form, FORMATS, "format")
    require_choice(dtype, ("float64", "float32"), "dtype")
    arrays = case_arrays(dtype)
    if form == "h5":
        write_artifact(path, Artifact("cases", _attributes(dtype), arrays), overwrite=overwrite)
        return
    image = npz_image(arrays) if form == "npz" else mat_image(arrays)
    with atomic_write(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(image)


def format_of(path: str | os.PathLike[str]) -> str:
    """Return the one of ``FORMATS`` that a file's name asks for by its ending.

    Examples
    --------
    >>> format_of("cases.mat")
    'mat'
    """
    ending = Path(path).suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        raise InputError(f"{os.fspath(path)!r} ends in none of .h5, .npz and .mat; say which with --format.")
    return ending


def npz_image(arrays: Mapping[str, Array]) -> bytes:
    """Return the bytes of an .npz file, without compression."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:  # numpy.savez has no room for an array named "file"
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asanyarray(array), allow_pickle=False)
    return buffer.getvalue()


def mat_image(arrays: Mapping[str, Array]) -> bytes:
    """Return the bytes of a .mat file of version 5 with flat names, without compression."""
    buffer: Any = io.BytesIO()  # the stubs know of files' names only
    named = {flat_name(name): array for name, array in arrays.items()}
    scipy.io.savemat(buffer, named, oned_as="column")
    image: bytes = buffer.getvalue()
    return image


def _attributes(dtype: str) -> dict[str, Any]:
    goldens = expectations()
    return {
        "dtype": dtype,
        "layout": LAYOUT,
        "order": ORDER,
        "operations": operations(goldens),
        "scales": {
            name: {"scale": golden.scale, "formula": golden.recipe} for name, golden in goldens.items()
        },
        "settings": {case.name: dict(case.setting) for case in CASES},
    }
