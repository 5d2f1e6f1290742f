"""Configuration of a training run: one frozen section a file, read from TOML, unknown keys refused."""

from refms.config.classifier import ClassifierSection
from refms.config.configuration import Configuration
from refms.config.data import DataSection
from refms.config.network import NetworkSection
from refms.config.optimization import OptimizationSection
from refms.config.reading import LONGEST_FILE, read_toml, section_of
from refms.config.regularization import RegularizationSection

__all__ = [
    "LONGEST_FILE",
    "ClassifierSection",
    "Configuration",
    "DataSection",
    "NetworkSection",
    "OptimizationSection",
    "RegularizationSection",
    "read_toml",
    "section_of",
]
