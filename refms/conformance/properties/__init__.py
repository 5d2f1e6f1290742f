"""The catalogue of properties, one file a family or a part of one."""

from refms.conformance.properties import (
    classifier,
    convolution,
    convolution_algebra,
    data,
    depth,
    descent,
    determinism,
    galerkin,
    gauss_newton,
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
    stencil_map,
    steps,
    strided,
    subsampling,
    tied,
    training,
    transfer,
)
from refms.conformance.property import Property

_FILES = (
    *(convolution, convolution_algebra, transfer, galerkin, stencil_map, network, depth, classifier, loss),
    *(gauss_newton, sampling, optimizer, regularizer, resize, normalization, similarity, mesh_free),
    *(subsampling, multiscale, training, strided, pooling, tied, steps, resolution, data, objective),
    *(minimization, descent, determinism, state),
)
_FOUND = [one for file in _FILES for one in vars(file).values() if isinstance(one, Property)]
_ORDER = list(dict.fromkeys(one.family for one in _FOUND))

PROPERTIES: tuple[Property, ...] = tuple(
    sorted(_FOUND, key=lambda one: (_ORDER.index(one.family), int(one.id[1:])))
)
"""Every property, in the order of the catalogue: by family, then by number."""
