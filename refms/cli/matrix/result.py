"""What all commands of ``refms matrix`` share: what is printed about a matrix, and the file it goes to."""

from __future__ import annotations

import argparse
import io
import os
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from refms.cli.files import claim, write_json, write_text
from refms.errors import InputError, require_choice

if TYPE_CHECKING:
    from refms.errors import Array

MOST_ENTRIES = 2**27
"""Entries of a matrix, and cells of a padded axis: two gigabytes and a half."""

FORMATS = (".npz", ".h5", ".mtx")


def add_output(command: argparse.ArgumentParser) -> None:
    """Add ``--output``."""
    command.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="file for the matrix: .npz (scipy.sparse.load_npz), .h5 (data, indices, indptr and shape of "
        "compressed rows, and the symbol where there is one) or .mtx (Matrix Market)",
    )


def claim_output(options: argparse.Namespace) -> None:
    """Refuse a file that could not be written, before any work is done."""
    if options.output is not None:
        require_choice(os.path.splitext(options.output)[1], FORMATS, "ending of the file")
        claim(options, options.output)


def require_entries(*numbers: int) -> None:
    """Refuse what no memory holds before it is made."""
    if max(numbers) > MOST_ENTRIES:
        raise InputError(
            f"the matrix would have about {max(numbers):.1e} entries; expected {MOST_ENTRIES:.1e} at most. "
            "Take fewer cells, channels or taps."
        )


def conclude(
    options: argparse.Namespace,
    letter: str,
    K: Any,
    forward: Callable[[Array], Array],
    facts: Mapping[str, Any],
    symbol: Array | None = None,
) -> int:
    """Print what a matrix is and write it; return 0, or 1 if Kᵀ is not the adjoint of ``forward``.

    ``forward`` takes columns to columns without the matrix; ``facts`` says how the matrix was made.
    """
    import numpy as np

    from refms.checks import adjoint_test
    from refms.linear.two_norm import two_norm

    rows, columns = K.shape
    values = None if symbol is None else np.linalg.svd(symbol, compute_uv=False)
    norm = two_norm(K) if values is None else float(values.max())
    report = adjoint_test(
        lambda y: forward(y).astype(K.dtype), lambda z: K.T @ z, (columns, 1), (rows, 1), K.dtype, repeats=2
    )
    print(f"{letter}: {rows} × {columns}, {K.nnz} entries, {K.dtype}")
    print(f"‖{letter}‖₂ = {norm:.10g}")
    print(f"adjoint: {letter}ᵀ, the transpose; {report.sentence}")
    found: dict[str, Any] = {**facts, "shape": [rows, columns], "entries": int(K.nnz), "norm": norm}
    if symbol is not None and values is not None:
        ends = found["singular_values"] = [float(values.min()), float(values.max())]
        print(
            f"symbol: {letter} is block-circulant, and λ(ω) of {np.prod(symbol.shape[:-2])} frequencies has "
            f"singular values from {ends[0]:.10g} to {ends[1]:.10g}"
        )
        if rows == columns:
            moduli = abs(np.linalg.eigvals(symbol))
            ends = found["eigenvalue_moduli"] = [float(moduli.min()), float(moduli.max())]
            print(f"spectrum: its eigenvalues are those of λ(ω), of modulus {ends[0]:.10g} to {ends[1]:.10g}")
    if options.output is not None:
        write_text(options.output, _file(options.output, K, facts, symbol), force=options.force)
        print(options.output)
    write_json(options.json, {**found, "adjoint": report.verdict, "output": options.output})
    return 0 if report.passed or not K.nnz else 1


def _file(path: str, K: Any, facts: Mapping[str, Any], symbol: Array | None) -> bytes:
    """Return the matrix in the format of a file's ending."""
    import scipy.io
    import scipy.sparse

    from refms.io.matrices import matrix_artifact
    from refms.io.writing import file_image

    buffer = io.BytesIO()
    if path.endswith(".h5"):
        return file_image(matrix_artifact(K, facts, **({} if symbol is None else {"symbol": symbol})))
    if path.endswith(".npz"):
        scipy.sparse.save_npz(buffer, K)
    else:
        scipy.io.mmwrite(buffer, K)
    return buffer.getvalue()
