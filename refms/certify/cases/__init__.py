"""What is certified: on each case's inputs, what the formulas say beside what refms computes."""

from __future__ import annotations

from refms.certify.cases import (
    convolution,
    depth,
    image_layers,
    krylov,
    line_search,
    loss,
    multiscale,
    network,
    regularizers,
    resize,
    similarity,
    stencils,
    transfer,
)
from refms.certify.cases.case import Case

_SCALES = (convolution, transfer, stencils, depth, loss, regularizers, krylov, line_search, network)
_IMAGES = (resize, image_layers, similarity, multiscale)
CASES: tuple[Case, ...] = tuple(case for file in (*_SCALES, *_IMAGES) for case in file.CASES)
"""All cases, in the order of the table: those of [LAS], then those of [MST]."""
