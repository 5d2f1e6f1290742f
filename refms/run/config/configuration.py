"""A whole configuration: its sections together."""

from __future__ import annotations

from dataclasses import dataclass, field

from refms.display import short_repr
from refms.run.config.classifier import ClassifierSection
from refms.run.config.data import DataSection
from refms.run.config.network import NetworkSection
from refms.run.config.optimization import OptimizationSection
from refms.run.config.regularization import RegularizationSection
from refms.run.config.sections import Sections
from refms.run.config.stochastic import StochasticSection


@dataclass(frozen=True)
class Configuration(Sections):
    """A training run.

    Parameters
    ----------
    data, network, classifier, regularization, optimization, stochastic
        The sections.

    Examples
    --------
    >>> Configuration.from_dict({"network": {"channels": 4}}).network.channels
    4
    >>> Configuration.complete({"network": {"channels": 4}})["network"]["architecture"]
    'residual'
    """

    data: DataSection = field(default_factory=DataSection)
    network: NetworkSection = field(default_factory=NetworkSection)
    classifier: ClassifierSection = field(default_factory=ClassifierSection)
    regularization: RegularizationSection = field(default_factory=RegularizationSection)
    optimization: OptimizationSection = field(default_factory=OptimizationSection)
    stochastic: StochasticSection = field(default_factory=StochasticSection)

    __repr__ = short_repr

    @property
    def iterations(self) -> int:
        """Iterations of block-coordinate descent, or epochs."""
        return self.optimization.iterations
