"""Artefacts: models, histories and goldens in one HDF5 schema, written atomically and read with care."""

from refms.io.artifact import CONVENTIONS as CONVENTIONS
from refms.io.artifact import SCHEMA as SCHEMA
from refms.io.artifact import SCHEMA_VERSION as SCHEMA_VERSION
from refms.io.artifact import Artifact as Artifact
from refms.io.comparing import Difference as Difference
from refms.io.comparing import attribute_differences as attribute_differences
from refms.io.comparing import first_difference as first_difference
from refms.io.contained import read_arrays_contained as read_arrays_contained
from refms.io.contained import read_artifact_contained as read_artifact_contained
from refms.io.describing import describe as describe
from refms.io.reading import read_arrays as read_arrays
from refms.io.reading import read_artifact as read_artifact
from refms.io.writing import write_artifact as write_artifact
