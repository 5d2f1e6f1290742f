"""What is certified: on each case's inputs, what the formulas say beside what refms computes."""

from __future__ import annotations

from refms.certify.cases import (
    convolution,
    krylov,
    loss,
    network,
    regularizers,
    stencils,
    transfer,
)
from refms.certify.cases.case import Case

CASES: tuple[Case, ...] = (
    *convolution.CASES,
    *transfer.CASES,
    *stencils.CASES,
    *loss.CASES,
    *regularizers.CASES,
    *krylov.CASES,
    *network.CASES,
)
"""All cases, in the order of the table."""
