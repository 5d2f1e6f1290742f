"""The catalogue of properties, one file a family."""

from refms.conformance.properties import (
    classifier,
    convolution_algebra,
    depth,
    determinism,
    galerkin,
    gauss_newton,
    loss,
    network,
    optimizer,
    regularizer,
    sampling,
    transfer,
)
from refms.conformance.property import Property

_FAMILIES = (
    *(convolution_algebra.FAMILY, transfer.FAMILY, galerkin.FAMILY, network.FAMILY, depth.FAMILY),
    *(classifier.FAMILY, loss.FAMILY, gauss_newton.FAMILY, sampling.FAMILY, optimizer.FAMILY),
    *(regularizer.FAMILY, determinism.FAMILY),
)

PROPERTIES: tuple[Property, ...] = tuple(
    item for family in _FAMILIES for item in sorted(family.laws, key=lambda one: int(one.id[1:]))
)
"""Every property, in the order of the catalogue: by family, then by number."""
