"""The catalogue of properties, one file a family."""

from refms.conformance.properties import (
    classifier,
    convolution,
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
    stencil_map,
    transfer,
)
from refms.conformance.property import Property

PROPERTIES: tuple[Property, ...] = tuple(
    item
    for files in (
        (convolution, convolution_algebra),
        (transfer,),
        (galerkin, stencil_map),
        (network,),
        (depth,),
        (classifier,),
        (loss,),
        (gauss_newton,),
        (sampling,),
        (optimizer,),
        (regularizer,),
        (determinism,),
    )
    for item in sorted((law for file in files for law in file.FAMILY.laws), key=lambda law: int(law.id[1:]))
)
"""Every property, in the order of the catalogue: by family, then by number."""
