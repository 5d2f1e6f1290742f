"""Artefacts: models, histories and goldens in one HDF5 schema, written atomically and read with care."""

from refms.artifacts.artifact import CONVENTIONS as CONVENTIONS
from refms.artifacts.artifact import SCHEMA as SCHEMA
from refms.artifacts.artifact import SCHEMA_VERSION as SCHEMA_VERSION
from refms.artifacts.artifact import Artifact as Artifact
from refms.artifacts.comparing import Difference as Difference
from refms.artifacts.comparing import attribute_differences as attribute_differences
from refms.artifacts.comparing import first_difference as first_difference
from refms.artifacts.contained import read_arrays_contained as read_arrays_contained
from refms.artifacts.contained import read_artifact_contained as read_artifact_contained
from refms.artifacts.describing import describe as describe
from refms.artifacts.reading import read_arrays as read_arrays
from refms.artifacts.reading import read_artifact as read_artifact
from refms.artifacts.writing import write_artifact as write_artifact
