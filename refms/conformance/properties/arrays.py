"""The inner product in double precision, whatever the precision of what came back."""

from __future__ import annotations

from refms.definition.arrays import as_double
from refms.errors import Array


def dot(a: Array, b: Array) -> float:
    """Return ⟨a, b⟩ = Σ a b."""
    return float((as_double(a) * as_double(b)).sum())
