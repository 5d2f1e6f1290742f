"""The properties of a true implementation as a product: for refms itself and for other people's code.

An implementation is plugged in as an :class:`~refms.conformance.adapters.adapter.Adapter` with a declared
:class:`~refms.conformance.adapters.profile.Profile`; :func:`~refms.conformance.runner.run` checks it against
the catalogue. For networks in PyTorch and JAX there are adapters that need little more than the names of the
parameters; they import their library when they are made.
"""

from refms.conformance.adapters.adapter import Adapter
from refms.conformance.adapters.jax_adapter import JaxAdapter
from refms.conformance.adapters.profile import Problem, Profile
from refms.conformance.adapters.torch_adapter import TorchAdapter
from refms.conformance.operations import PARAMETERS
from refms.conformance.properties import PROPERTIES
from refms.conformance.reports.report import Report, Row
from refms.conformance.reports.text import table
from refms.conformance.runner import run

__all__ = [
    "PARAMETERS",
    "PROPERTIES",
    "Adapter",
    "JaxAdapter",
    "Problem",
    "Profile",
    "Report",
    "Row",
    "TorchAdapter",
    "run",
    "table",
]
