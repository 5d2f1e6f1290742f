"""Methods at any scale, and with objectives, monitors and counts that are not what they should be."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from refms.errors import Array, InputError
from refms.optimize import BlockSteps, Newton, StepOptions, StopRules, minimize
from refms.optimize.newton_cg import NewtonCG
from refms.optimize.scipy_methods import LBFGS
from refms.optimize.stochastic import Momentum, Stochastic
from refms.optimize.trust_region import TrustRegion

METHODS: dict[str, Any] = {
    "Newton": Newton(),
    "Newton-CG": NewtonCG(StepOptions()),
    "trust region": TrustRegion(),
    "momentum": Stochastic(Momentum(batch=0)),
}


@dataclasses.dataclass
class Parabola:
    """f(x) = s ½‖x − a‖², of which one function may change its argument."""

    scale: float = 1.0
    changes: str = ""

    def _given(self, x: Array, name: str) -> Array:
        if self.changes == name:
            x += 1.0
        return x - 1.0

    def value(self, x: Array) -> float:
        y = self._given(x, "value")
        return float(0.5 * self.scale * (y @ y))

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        y = self._given(x, "value_and_gradient")
        return float(0.5 * self.scale * (y @ y)), (self.scale * y).astype(x.dtype)

    def curvature(self, x: Array) -> Any:
        self._given(x, "curvature")
        return lambda v: (self.scale * v).astype(v.dtype)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ["value", "value_and_gradient", "curvature"])
def test_an_objective_that_changes_its_argument_is_noticed(method: str, name: str) -> None:
    if (method, name) == ("momentum", "curvature"):
        pytest.skip("it has no curvature")
    x0 = np.zeros(3)
    with pytest.raises(InputError, match=f"{name} modified its argument"):
        minimize(Parabola(changes=name), x0, METHODS[method])
    assert not x0.any()


@pytest.mark.parametrize(
    ("dtype", "scale"), [("float64", 1e300), ("float64", 1e-300), ("float32", 1e30), ("float32", 1e-30)]
)
@pytest.mark.parametrize("method", [name for name in METHODS if name != "momentum"])
def test_a_parabola_of_any_scale_is_minimised(method: str, dtype: str, scale: float) -> None:
    found = minimize(Parabola(scale), np.zeros(3, dtype), METHODS[method], stop=StopRules(max_iterations=5))
    assert found.x == pytest.approx(np.ones(3), abs=1e-6)
    assert found.outcome.success


def test_a_monitor_cannot_change_the_run() -> None:
    def monitor(iteration: int, blocks: Any, rows: Any) -> None:
        blocks["x"][:] = 100.0

    stop = StopRules(max_iterations=2)
    watched = minimize(Parabola(), np.zeros(3), Stochastic(Momentum(batch=0)), stop=stop, monitor=monitor)
    alone = minimize(Parabola(), np.zeros(3), Stochastic(Momentum(batch=0)), stop=stop)
    assert watched.x.tolist() == alone.x.tolist()


COUNTS: dict[str, Any] = {
    "max_iterations": lambda n: StopRules(max_iterations=n).max_iterations,
    "cg_iterations": lambda n: StepOptions(cg_iterations=n).cg_iterations,
    "max_backtracks": lambda n: StepOptions(max_backtracks=n).max_backtracks,
    "max_trials": lambda n: TrustRegion(max_trials=n).max_trials,
    "steps of block": lambda n: BlockSteps("x", Newton(), steps=n).steps,
    "memory": lambda n: LBFGS(memory=n).memory,
    "epochs": lambda n: Stochastic(Momentum(), epochs=n).epochs,
    "batch": lambda n: Momentum(batch=n).batch,
}


@pytest.mark.parametrize("name", COUNTS)
def test_counts_become_integers_and_what_is_none_is_refused(name: str) -> None:
    for good in (np.int64(3), 3.0, np.float32(3)):
        assert type(COUNTS[name](good)) is int
    for bad in (1.5, True, float("nan"), -1, "3"):
        with pytest.raises(InputError, match=name):
            COUNTS[name](bad)
