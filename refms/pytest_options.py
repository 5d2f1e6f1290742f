"""The options of refms' pytest plugin, and nothing else until one is given.

pytest imports this module in every run of an environment that has refms: it must load neither NumPy nor SciPy
for tests that have nothing to do with them. There are no assertions here to rewrite: PYTEST_DONT_REWRITE.
"""

from __future__ import annotations

import pytest

from refms.names import DTYPES, TIERS
from refms.seconds import time_limit_of


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("refms", "refms conformance (pytest --pyargs refms.conformance)")
    group.addoption(
        "--refms-adapter",
        metavar="PKG.MOD:NAME",
        help="the implementation to check: an adapter, or a class or function that makes one",
    )
    group.addoption(
        "--refms-xfails", metavar="FILE", help="TOML file of known failures: [xfails] id or pattern = reason"
    )
    group.addoption(
        "--refms-tier", choices=tuple(TIERS), default="quick", help="instances a case (default: quick)"
    )
    group.addoption(
        "--refms-dtype",
        choices=(*DTYPES, "both"),
        default="both",
        help="precision (default: both, as far as the adapter offers them)",
    )
    group.addoption(
        "--refms-seed", type=int, default=0, metavar="N", help="seed of the instances (default: 0)"
    )
    group.addoption(
        "--refms-timeout",
        type=time_limit_of,
        metavar="SECONDS",
        help="time limit for a case (default: none); by SIGALRM, so that compiled code that does not "
        "return is not ended: `refms conform run` ends that, too",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Load the catalogue if an implementation is named."""
    if config.getoption("refms_adapter") is not None:
        from refms.conformance.plugin import from_options

        config.pluginmanager.register(from_options(config), "refms_catalogue")
    elif config.getoption("refms_xfails") is not None:
        raise pytest.UsageError("refms: --refms-xfails is given without --refms-adapter.")
