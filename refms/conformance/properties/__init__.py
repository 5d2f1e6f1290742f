"""The catalogue of properties, one file a family."""

from refms.conformance.properties.convolution import CONVOLUTION
from refms.conformance.properties.galerkin import GALERKIN
from refms.conformance.properties.transfer import TRANSFER
from refms.conformance.property import Property

PROPERTIES: tuple[Property, ...] = (*CONVOLUTION, *TRANSFER, *GALERKIN)
"""Every property, in the order of the catalogue."""
