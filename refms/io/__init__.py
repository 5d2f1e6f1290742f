"""Artefacts: models, histories and goldens in one HDF5 schema, written atomically and read with care.

Names are imported when they are first asked for: who needs ``refms.io.files`` alone does not wait for HDF5.
"""

from typing import TYPE_CHECKING

from refms.lazy import lazy_names

if TYPE_CHECKING:
    from refms.io.artifact import CONVENTIONS, SCHEMA, SCHEMA_VERSION, Artifact
    from refms.io.comparing import Difference, attribute_differences, first_difference
    from refms.io.contained import read_arrays_contained, read_artifact_contained
    from refms.io.describing import describe
    from refms.io.reading import read_arrays, read_artifact
    from refms.io.writing import write_artifact

__getattr__ = lazy_names(
    __name__,
    {
        "artifact": ("CONVENTIONS", "SCHEMA", "SCHEMA_VERSION", "Artifact"),
        "comparing": ("Difference", "attribute_differences", "first_difference"),
        "contained": ("read_arrays_contained", "read_artifact_contained"),
        "describing": ("describe",),
        "reading": ("read_arrays", "read_artifact"),
        "writing": ("write_artifact",),
    },
)

__all__ = [
    "CONVENTIONS",
    "SCHEMA",
    "SCHEMA_VERSION",
    "Artifact",
    "Difference",
    "attribute_differences",
    "describe",
    "first_difference",
    "read_arrays",
    "read_arrays_contained",
    "read_artifact",
    "read_artifact_contained",
    "write_artifact",
]
