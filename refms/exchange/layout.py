"""How a file of cases is laid out, and which names a file of results may use: the same for all formats."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from refms.certify.archive import from_artifact, shipped
from refms.certify.cases import CASES
from refms.certify.golden import Golden
from refms.errors import Array, FileError
from refms.exchange.operations import operation

PRECISIONS = ("float64", "float32")

LAYOUT = """\
Cases for implementations of any language. Compute what you have and write it as
    result/<case>/<quantity>        float64 or float32, in the shape of the expectation
into a file of the same format; then run: refms conform verify THIS_FILE RESULTS_FILE
    case/<case>/input/<name>        the inputs
    case/<case>/setting/<name>      integers: extents of grids, numbers of layers, ...
    case/<case>/expected/<quantity> the correctly rounded true numbers, always float64
    case/<case>/scale/<quantity>    an error counts as |got - expected| / (eps scale): PASS to 30
    case/<case>/digits/<quantity>   40 significant digits of each number, a last axis of ASCII codes
    case/<case>/radius/<quantity>   the true number is within radius of the digits
"""

ORDER = """\
In .mat files, names have _ instead of / and -. Arrays are in C order: HDF5 readers of Julia, MATLAB and
Fortran show their axes reversed, and reverse them again when they write. Features: one column an example;
rows run over channels (slowest) and the axes of the grid in C order. Stencils: (c_out, c_in, *stencil).
theta: opening stencils if learned, then layer by layer stencils (c, c, *stencil) and c biases.
omega: W with shape (c * cells, classes), then mu.
"""


def expectations() -> dict[str, Golden]:
    """Return the proved numbers by name ``case/quantity``."""
    return from_artifact(shipped())


def operations(goldens: Mapping[str, Golden]) -> dict[str, str]:
    """Return what each quantity is."""
    found: dict[str, str] = {}
    for case in CASES:
        start = case.name + "/"
        found |= {name: operation(case, name[len(start) :]) for name in goldens if name.startswith(start)}
    return found


def case_arrays(dtype: str = "float64") -> dict[str, Array]:
    """Return all arrays of a file of cases.

    Parameters
    ----------
    dtype : str
        ``"float64"`` or ``"float32"``: the precision of the inputs, which are rounded to it.

    Returns
    -------
    dict of str to numpy.ndarray
        Names as in ``LAYOUT``; and ``about``: that text, ``ORDER`` and a line for each quantity,
        as ASCII codes.

    Notes
    -----
    The expectations belong to the inputs before they were rounded: that error is one of those that the
    scales allow for.

    Examples
    --------
    >>> case_arrays("float32")["case/convolution/1d/setting/grid"]
    array([7])
    """
    goldens = expectations()
    arrays: dict[str, Array] = {}
    for case in CASES:
        start = f"case/{case.name}"
        for name, array in case.inputs.items():
            arrays[f"{start}/input/{name}"] = array.astype(dtype)
        for name, value in case.setting.items():
            if not isinstance(value, str):
                arrays[f"{start}/setting/{name}"] = np.array(value, dtype=np.int64)
        for quantity, golden in goldens.items():
            if quantity.startswith(case.name + "/"):
                name = quantity[len(case.name) + 1 :]
                arrays[f"{start}/expected/{name}"] = golden.nearest
                arrays[f"{start}/scale/{name}"] = np.array(golden.scale)
                arrays[f"{start}/digits/{name}"] = golden.digits
                arrays[f"{start}/radius/{name}"] = golden.radius
    lines = [f"{name}: {text}" for name, text in operations(goldens).items()]
    arrays["about"] = np.frombuffer(
        (LAYOUT + ORDER + "\n".join(lines) + "\n").encode("ascii"), dtype=np.uint8
    )
    return arrays


def precision_of(arrays: Mapping[str, Array]) -> str:
    """Return the precision of a file of cases; FileError if it is not what this refms exports."""
    for dtype in PRECISIONS:
        exported = case_arrays(dtype)
        if set(arrays) == set(exported) and all(_equal(arrays[name], exported[name]) for name in exported):
            return dtype
    raise FileError(
        "holds other cases than this refms exports: it was edited, or comes from another version. "
        "Write it anew with: refms conform export -o FILE"
    )


def flat_name(name: str) -> str:
    """Return a name that is a variable's name in MATLAB, Octave and most other languages.

    Examples
    --------
    >>> flat_name("result/transfer/1d/averaging-bilinear/restriction")
    'result_transfer_1d_averaging_bilinear_restriction'
    """
    return name.replace("/", "_").replace("-", "_")


def _equal(found: Array, exported: Array) -> bool:
    """Compare bit for bit, but for axes of extent one, which MATLAB adds and drops."""
    same = [n for n in found.shape if n != 1] == [n for n in exported.shape if n != 1]
    return same and found.dtype == exported.dtype and bool((found.reshape(-1) == exported.reshape(-1)).all())
