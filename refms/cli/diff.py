"""``refms diff``: where two artefacts part first."""

from __future__ import annotations

import argparse

from refms.cli.files import write_json
from refms.io import Artifact, attribute_differences, first_difference, read_artifact_contained

WALL_TIMES = ("history/seconds",)
"""Arrays that differ between equal runs."""


def run(options: argparse.Namespace) -> int:
    """Compare and print; return 0 if all arrays agree, 1 if not."""
    a, b = (_without_times(read_artifact_contained(name)) for name in (options.a, options.b))
    found = first_difference(a, b, options.rtol, options.atol)
    attributes = attribute_differences(a, b)
    for line in attributes:
        print(f"attribute {line}")
    print(f"no array differs ({len(a.arrays)} compared)" if found is None else found.sentence)
    write_json(
        options.json,
        {
            "a": options.a,
            "b": options.b,
            "equal": found is None,
            "first_difference": None
            if found is None
            else {"name": found.name, "reason": found.reason, "sentence": found.sentence},
            "attributes": list(attributes),
            "not_compared": list(WALL_TIMES),
        },
    )
    return 0 if found is None else 1


def _without_times(artifact: Artifact) -> Artifact:
    kept = {name: array for name, array in artifact.arrays.items() if name not in WALL_TIMES}
    return Artifact(artifact.kind, artifact.attributes, kept)
