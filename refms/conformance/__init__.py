"""The properties of a true implementation as a product: for refms itself and for other people's code.

An implementation is plugged in as an :class:`~refms.conformance.adapter.Adapter` with a declared
:class:`~refms.conformance.profile.Profile`; :func:`~refms.conformance.runner.run` checks it against the
catalogue.
"""

from refms.conformance.adapter import PARAMETERS, Adapter
from refms.conformance.profile import Problem, Profile
from refms.conformance.properties import PROPERTIES
from refms.conformance.report import Report, Row, table
from refms.conformance.runner import run

__all__ = ["PARAMETERS", "PROPERTIES", "Adapter", "Problem", "Profile", "Report", "Row", "run", "table"]
