"""The profile of hypothesis; fixtures that let a test run on NumPy, on a stand-in for CuPy and on a GPU."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import browser
import device_double
import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from refms.backend import Backend, backend_named

# No verdict depends on how busy the machine is; what --hypothesis-profile and others chose stays otherwise.
settings.register_profile(
    "refms",
    settings.default,
    deadline=None,
    suppress_health_check={*settings.default.suppress_health_check, HealthCheck.too_slow},
)
settings.load_profile("refms")

CHOICES = ("numpy", "double", "cupy")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--backend",
        default="numpy,double",
        help="where tests with the `device` fixture run: numpy, double (a stand-in for CuPy), cupy (a real "
        "GPU), or several with commas; default numpy,double",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "device" in metafunc.fixturenames:
        chosen = metafunc.config.getoption("--backend").split(",")
        if not set(chosen) <= set(CHOICES):
            raise pytest.UsageError(f"--backend {','.join(chosen)}; expected some of {', '.join(CHOICES)}")
        metafunc.parametrize("device", chosen, indirect=True, scope="module")


@pytest.fixture(autouse=True)
def path_of_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a test lets imports look (an adapter in a file does), no later test looks."""
    monkeypatch.setattr(sys, "path", [*sys.path])


@dataclass(frozen=True)
class Device:
    """Where a test runs: `array` moves host data there, `host` brings them back."""

    name: str
    backend: Backend

    def array(self, host: np.ndarray) -> Any:
        """Return a copy of a host array on the device."""
        return self.backend.from_host(np.array(host))

    def host(self, array: Any) -> Any:
        """Return an array or sparse matrix of the device on the host; refuse one that is not there."""
        assert self.owns(array), f"{type(array)} does not live on {self.name}"
        return array if self.name == "numpy" else array.get()

    def owns(self, array: Any) -> bool:
        """Whether an array or sparse matrix lives on this device."""
        home = type(array).__module__.partition(".")[0]
        return home in (("numpy", "scipy") if self.name == "numpy" else ("cupy", "cupyx"))


@pytest.fixture(scope="module")
def device(request: pytest.FixtureRequest) -> Iterator[Device]:
    """Where to run; module-wide, so that hypothesis may use it."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "double":
            _install(patch)
        name = "numpy" if request.param == "numpy" else "cupy"
        yield Device(request.param, backend_named(name))


@pytest.fixture
def fake_gpu(monkeypatch: pytest.MonkeyPatch) -> Device:
    """The stand-in for CuPy, installed for one test."""
    _install(monkeypatch)
    return Device("double", backend_named("cupy"))


@pytest.fixture
def ledger() -> device_double.Ledger:
    """How often the host waited for the stand-in, counted from here."""
    device_double.LEDGER.synchronisations = 0
    return device_double.LEDGER


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser, where one is installed."""
    return browser.find() or pytest.skip(f"none of {', '.join(browser.NAMES)} is installed")


@pytest.fixture(scope="session")
def locked() -> Callable[[np.ndarray], np.ndarray]:
    """Return write-locked copies: whoever writes into an input gets an error."""

    def lock(array: np.ndarray) -> np.ndarray:
        copy = np.array(array)
        copy.flags.writeable = False
        return copy

    return lock


def _install(patch: pytest.MonkeyPatch) -> None:
    for name, module in device_double.make_modules().items():
        patch.setitem(sys.modules, name, module)
