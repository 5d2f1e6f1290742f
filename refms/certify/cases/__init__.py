"""What is certified: on each case's inputs, what the formulas say beside what refms computes."""

from __future__ import annotations

from refms.certify.cases.case import Case
from refms.certify.cases.convolution import CASES as CONVOLUTION
from refms.certify.cases.depth import CASES as DEPTH
from refms.certify.cases.krylov import CASES as KRYLOV
from refms.certify.cases.line_search import CASES as LINE_SEARCH
from refms.certify.cases.loss import CASES as LOSS
from refms.certify.cases.network import CASES as NETWORK
from refms.certify.cases.regularizers import CASES as REGULARIZERS
from refms.certify.cases.stencils import CASES as STENCILS
from refms.certify.cases.transfer import CASES as TRANSFER

CASES: tuple[Case, ...] = (
    *CONVOLUTION,
    *TRANSFER,
    *STENCILS,
    *DEPTH,
    *LOSS,
    *REGULARIZERS,
    *KRYLOV,
    *LINE_SEARCH,
    *NETWORK,
)
"""All cases, in the order of the table."""
