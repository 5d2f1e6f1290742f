"""The catalogue of properties, one file a family."""

from refms.conformance.properties.classifier import CLASSIFIER
from refms.conformance.properties.convolution import CONVOLUTION
from refms.conformance.properties.depth import DEPTH
from refms.conformance.properties.determinism import DETERMINISM
from refms.conformance.properties.galerkin import GALERKIN
from refms.conformance.properties.gauss_newton import GAUSS_NEWTON
from refms.conformance.properties.loss import LOSS
from refms.conformance.properties.network import NETWORK
from refms.conformance.properties.optimizer import OPTIMIZER
from refms.conformance.properties.regularizer import REGULARIZER
from refms.conformance.properties.sampling import SAMPLING
from refms.conformance.properties.transfer import TRANSFER
from refms.conformance.property import Property

PROPERTIES: tuple[Property, ...] = (
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
)
"""Every property, in the order of the catalogue."""
