"""Hypothesis strategies for this field's objects; failing cases shrink to delta images and unit stencils.

Large arrays are drawn as a seed, from which ``numpy.random.default_rng`` makes them: that is quick, and it is
one number to shrink and to report. Every array is first tried as a delta, so that what fails on a delta
image or on a unit stencil is shown on one. This package alone needs hypothesis, and nothing else imports it.

Examples
--------
>>> from hypothesis import find
>>> from refms.grid import Grid
>>> find(stencils(Grid((4, 4)), 1, 1), lambda S: S.any())[0, 0].tolist()
[[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
"""

from __future__ import annotations

try:
    import hypothesis  # noqa: F401 - before anything that needs it
except ModuleNotFoundError as error:
    raise ImportError(
        "refms.strategies needs hypothesis, which is not installed; install it with `pip install hypothesis`."
    ) from error

from refms.strategies.arrays import arrays, deltas, seeds
from refms.strategies.classification import labels, logits, nested_batches
from refms.strategies.files import corrupt_files
from refms.strategies.operators import grids, images, network_parameters, networks, stencils, transfer_pairs

__all__ = [
    "arrays",
    "corrupt_files",
    "deltas",
    "grids",
    "images",
    "labels",
    "logits",
    "nested_batches",
    "network_parameters",
    "networks",
    "seeds",
    "stencils",
    "transfer_pairs",
]
