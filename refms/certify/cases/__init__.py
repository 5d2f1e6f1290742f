"""What is certified: on each case's inputs, what the formulas say beside what refms computes."""

from __future__ import annotations

from refms.certify.cases import (
    convolution,
    depth,
    krylov,
    line_search,
    loss,
    network,
    regularizers,
    stencils,
    transfer,
)
from refms.certify.cases.case import Case

_FILES = (convolution, transfer, stencils, depth, loss, regularizers, krylov, line_search, network)
CASES: tuple[Case, ...] = tuple(case for file in _FILES for case in file.CASES)
"""All cases, in the order of the table."""
