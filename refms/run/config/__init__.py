"""Configuration of a training run: one frozen section a file, read from TOML, unknown keys refused."""

from refms.run.config.classifier import ClassifierSection
from refms.run.config.configuration import Configuration
from refms.run.config.data import DataSection
from refms.run.config.network import NetworkSection
from refms.run.config.optimization import OptimizationSection
from refms.run.config.reading import build_from, section_of, table_of
from refms.run.config.regularization import RegularizationSection
from refms.run.config.stochastic import StochasticSection

__all__ = [
    "ClassifierSection",
    "Configuration",
    "DataSection",
    "NetworkSection",
    "OptimizationSection",
    "RegularizationSection",
    "StochasticSection",
    "build_from",
    "section_of",
    "table_of",
]
