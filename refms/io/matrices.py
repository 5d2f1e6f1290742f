"""Sparse matrices as artefacts: the three arrays of compressed rows."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse

from refms.errors import Array, FileError, require_choice
from refms.io.artifact import Artifact

PARTS = ("data", "indices", "indptr", "shape")


def matrix_artifact(A: Any, attributes: Mapping[str, Any], **arrays: Array) -> Artifact:
    """Return a csr_array as an artefact of the kind "matrix", with more arrays that belong to it.

    >>> sorted(matrix_artifact(scipy.sparse.csr_array(np.eye(2)), {}).arrays)
    ['data', 'indices', 'indptr', 'shape']
    """
    parts = dict(zip(PARTS, (A.data, A.indices, A.indptr, np.array(A.shape)), strict=True))
    return Artifact("matrix", attributes, {**parts, **arrays})


def symbol_of(artifact: Artifact) -> Array:
    """Return the symbol (n_1, n_2, c_out, c_in) that such an artefact holds; FileError without one."""
    require_choice(artifact.kind, ["matrix"], "kind")
    found = artifact.arrays.get("symbol", np.empty(0))
    if found.ndim != 4 or 0 in found.shape or found.dtype.kind != "c" or not np.isfinite(found).all():
        raise FileError("holds no symbol on two axes; expected a circular layer that keeps its grid.")
    return found


def matrix_of(artifact: Artifact) -> Any:
    """Return the csr_array of such an artefact; FileError if its arrays are none.

    >>> matrix_of(matrix_artifact(scipy.sparse.csr_array(np.eye(2)), {})).toarray().tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    require_choice(artifact.kind, ["matrix"], "kind")
    try:
        data, indices, indptr, shape = (artifact.arrays[name] for name in PARTS)
        rows, columns = map(operator.index, shape)
        if indices.dtype.kind != "i" or indptr.dtype.kind != "i":
            raise TypeError("its places are no whole numbers")
        A = scipy.sparse.csr_array((data, indices, indptr), shape=(rows, columns))
        A.check_format()
    except (KeyError, ValueError, TypeError) as error:
        raise FileError(f"holds no matrix of compressed rows: {error}. Write it again.") from error
    return A
