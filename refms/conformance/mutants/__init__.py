"""Named mistakes: what the kit must find, and what a wrong implementation is compared with."""

from refms.conformance.mutants import (
    classifier,
    combinations,
    convolution,
    data,
    depth,
    descent,
    determinism,
    galerkin,
    gauss_newton,
    layers,
    loss,
    mesh_free,
    minimization,
    multiscale,
    network,
    normalization,
    objective,
    optimizer,
    pooling,
    regularizer,
    resize,
    resolution,
    sampling,
    similarity,
    state,
    steps,
    strided,
    subsampling,
    tied,
    training,
    transfer,
)
from refms.conformance.mutants.mutant import Mutant, mutants
from refms.errors import require_choice

__all__ = ["MUTANTS", "Mutant", "mutant_named"]

_FAMILIES = (
    *(convolution, transfer, galerkin, network, layers, depth, classifier, loss, gauss_newton, sampling),
    *(optimizer, regularizer, resize, normalization, similarity, mesh_free),
    *(subsampling, multiscale, training, strided, pooling, tied, steps, resolution, data, objective),
    *(minimization, descent, determinism, state, combinations),
)

MUTANTS = tuple(
    mutant
    for module in _FAMILIES
    for mutant in mutants(module.__name__.rpartition(".")[2].replace("_", "-"), module.MISTAKES)
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
