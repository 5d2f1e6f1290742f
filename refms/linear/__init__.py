"""Linear algebra by products alone: conjugate gradients, trust regions, Lanczos, spectra."""

from refms.linear.cg import CGResult, conjugate_gradients
from refms.linear.extremes import extreme_eigenvalues
from refms.linear.lanczos import lanczos
from refms.linear.outcome import Outcome, Status
from refms.linear.probing import probed_diagonal
from refms.linear.product import Operator, Product
from refms.linear.spectrum import spectrum_of
from refms.linear.steihaug import steihaug

__all__ = [
    "CGResult",
    "Operator",
    "Outcome",
    "Product",
    "Status",
    "conjugate_gradients",
    "extreme_eigenvalues",
    "lanczos",
    "probed_diagonal",
    "spectrum_of",
    "steihaug",
]
