"""Named mistakes: what the kit must find, and what a wrong implementation is compared with."""

from refms.conformance.mutants.classifier import CLASSIFIER
from refms.conformance.mutants.combinations import COMBINATIONS
from refms.conformance.mutants.convolution import CONVOLUTION
from refms.conformance.mutants.depth import DEPTH
from refms.conformance.mutants.determinism import DETERMINISM
from refms.conformance.mutants.galerkin import GALERKIN
from refms.conformance.mutants.gauss_newton import GAUSS_NEWTON
from refms.conformance.mutants.loss import LOSS
from refms.conformance.mutants.mutant import Mutant, Mutated
from refms.conformance.mutants.network import NETWORK
from refms.conformance.mutants.optimizer import OPTIMIZER
from refms.conformance.mutants.regularizer import REGULARIZER
from refms.conformance.mutants.sampling import SAMPLING
from refms.conformance.mutants.transfer import TRANSFER
from refms.errors import require_choice

__all__ = ["MUTANTS", "Mutant", "Mutated", "mutant_named"]

MUTANTS: tuple[Mutant, ...] = (
    *CONVOLUTION,
    *TRANSFER,
    *GALERKIN,
    *NETWORK,
    *DEPTH,
    *CLASSIFIER,
    *LOSS,
    *GAUSS_NEWTON,
    *SAMPLING,
    *OPTIMIZER,
    *REGULARIZER,
    *DETERMINISM,
    *COMBINATIONS,
)
"""All of them."""


def mutant_named(name: str) -> Mutant:
    """Return the mutant with a name, such as "kernel flipped on all axes"; InputError if there is none.

    >>> mutant_named("biases left out").family
    'network'
    """
    by_name = {one.name: one for one in MUTANTS}
    require_choice(name, tuple(by_name), "mutant")
    return by_name[name]
