"""Sections of a configuration that the laboratory alone reads: methods' options, budgets, studies."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from refms.errors import InputError, require_choice, require_whole
from refms.names import LEARNING_RATE_SCHEDULES, METHODS
from refms.optimize.gauss_newton import Damping
from refms.optimize.scipy_methods import SciPyMethod
from refms.optimize.stochastic import Adam, Epochs, Momentum
from refms.optimize.trust_region import TrustRegion


@dataclass(frozen=True)
class BlockSection:
    """Block-coordinate descent: all its options are those of [optimization]."""


@dataclass(frozen=True)
class JointSection:
    """Joint Gauss–Newton; the rest is in [optimization].

    Parameters
    ----------
    max_step : float
        Bound on the max-norm of a step.
    """

    max_step: float = 10.0

    def __post_init__(self) -> None:
        _require_positive(max_step=self.max_step)


@dataclass(frozen=True)
class ProjectionSection:
    """Variable projection, see :class:`~refms.optimize.variable_projection.VariableProjection`.

    Parameters
    ----------
    inner_tolerance, inner_steps
        How exactly the classifier is solved for.
    schur_tolerance, schur_iterations
        How exactly G_ωω is inverted in the projected matrix.
    max_step : float
        Bound on the max-norm of a step.
    """

    inner_tolerance: float = 1e-3
    inner_steps: int = 50
    schur_tolerance: float = 1e-2
    schur_iterations: int = 50
    max_step: float = 1.0

    def __post_init__(self) -> None:
        for name in ("inner_tolerance", "schur_tolerance"):
            if not 0.0 < getattr(self, name) < 1.0:
                raise InputError(f"{name} is {getattr(self, name)}; expected between 0 and 1, such as 1e-2.")
        require_whole(self.inner_steps, "inner_steps", 1)
        require_whole(self.schur_iterations, "schur_iterations", 1)
        _require_positive(max_step=self.max_step)


@dataclass(frozen=True)
class DampedSection:
    """Levenberg–Marquardt: joint Gauss–Newton with a damping that follows the gain ratio.

    Parameters
    ----------
    damping : float
        λ of the first step.
    factor : float
        By how much λ grows or shrinks.
    max_step : float
        Bound on the max-norm of a step.
    """

    damping: float = 1e-3
    factor: float = 4.0
    max_step: float = 10.0

    def __post_init__(self) -> None:
        Damping(self.damping, self.factor)
        _require_positive(max_step=self.max_step)


@dataclass(frozen=True)
class NewtonSection:
    """Newton-CG with the full Hessian.

    Parameters
    ----------
    cg_tolerance : float
        The largest of the forcing sequence.
    max_step : float
        Bound on the max-norm of a step.
    """

    cg_tolerance: float = 0.5
    max_step: float = 10.0

    def __post_init__(self) -> None:
        if not 0.0 < self.cg_tolerance < 1.0:
            raise InputError(f"cg_tolerance is {self.cg_tolerance}; expected between 0 and 1, such as 0.5.")
        _require_positive(max_step=self.max_step)


@dataclass(frozen=True)
class RegionSection:
    """Trust region of Steihaug and Toint.

    Parameters
    ----------
    radius, largest : float
        Δ of the first step, and its bound.
    second_order : bool
        Whether the model has the full Hessian; False takes the Gauss–Newton matrix.
    """

    radius: float = 1.0
    largest: float = 100.0
    second_order: bool = True

    def __post_init__(self) -> None:
        TrustRegion(self.radius, self.largest)


@dataclass(frozen=True)
class LbfgsSection:
    """L-BFGS of SciPy.

    Parameters
    ----------
    memory : int
        Pairs of vectors that it remembers.
    """

    memory: int = 10

    def __post_init__(self) -> None:
        SciPyMethod("L-BFGS-B", memory=self.memory)


@dataclass(frozen=True)
class NonlinearSection:
    """Nonlinear conjugate gradients of SciPy.

    Parameters
    ----------
    wolfe : float
        c₂ of the strong Wolfe conditions.
    """

    wolfe: float = 0.4

    def __post_init__(self) -> None:
        SciPyMethod("CG", wolfe=self.wolfe)


@dataclass(frozen=True)
class MomentumSection:
    """Stochastic gradients with momentum, see :class:`~refms.optimize.stochastic.Epochs`.

    Parameters
    ----------
    learning_rate, batch, schedule, seed
        Steps and mini-batches.
    momentum : float
        μ.
    """

    learning_rate: float = 0.5
    momentum: float = 0.9
    batch: int = 64
    schedule: str = LEARNING_RATE_SCHEDULES[1]
    seed: int = 0

    def __post_init__(self) -> None:
        Epochs(self.learning_rate, self.batch, self.schedule, seed=self.seed)
        Momentum(self.momentum)


@dataclass(frozen=True)
class AdamSection:
    """Adam, see :class:`~refms.optimize.stochastic.Adam`.

    Parameters
    ----------
    learning_rate, batch, schedule, seed
        Steps and mini-batches.
    beta1, beta2, epsilon : float
        Decay of the means, and what is added to the root.
    """

    learning_rate: float = 0.02
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    batch: int = 64
    schedule: str = LEARNING_RATE_SCHEDULES[1]
    seed: int = 0

    def __post_init__(self) -> None:
        Epochs(self.learning_rate, self.batch, self.schedule, seed=self.seed)
        Adam(self.beta1, self.beta2, self.epsilon)


SECTIONS: dict[str, Any] = {
    "bcd": BlockSection,
    "joint": JointSection,
    "varpro": ProjectionSection,
    "levenberg-marquardt": DampedSection,
    "newton-cg": NewtonSection,
    "trust-region": RegionSection,
    "l-bfgs": LbfgsSection,
    "nonlinear-cg": NonlinearSection,
    "sgd": MomentumSection,
    "adam": AdamSection,
}
"""Options of each method."""


@dataclass(frozen=True)
class Budget:
    """When a run ends at the latest.

    Parameters
    ----------
    iterations : int
        Iterations of a run (epochs of a stochastic one); 0 takes those of [optimization].
    work_units : float
        Network evaluations of one image after which no further iteration begins; 0 for no limit.
    """

    iterations: int = 0
    work_units: float = 0.0

    def __post_init__(self) -> None:
        require_whole(self.iterations, "iterations")
        if not 0.0 <= self.work_units < float("inf"):
            raise InputError(f"work_units is {self.work_units}; expected a finite number >= 0.")


@dataclass(frozen=True)
class CompareSection(Budget):
    """What ``refms compare`` runs.

    Parameters
    ----------
    iterations, work_units
        See :class:`Budget`.
    methods : tuple of str
        In this order.
    """

    methods: tuple[str, ...] = METHODS

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in self.methods:
            require_choice(name, METHODS, "method")
        if len(set(self.methods)) < len(self.methods):
            raise InputError(f"methods is {list(self.methods)}; expected each of them once.")


SEEDED = ("network.seed", "optimization.hessian_seed", "compare.sgd.seed", "compare.adam.seed")
"""What the seeds of a study replace."""


@dataclass(frozen=True)
class StudySection(Budget):
    """What ``refms study`` runs.

    Parameters
    ----------
    iterations, work_units
        See :class:`Budget`.
    method : str
        How each run is optimised.
    parameter : str
        A key of the configuration, such as ``"optimization.hessian_fraction"``, ``"study.method"`` or
        ``"compare.adam.learning_rate"``.
    values : tuple
        What it takes: numbers, words or truth values.
    seeds : tuple of int
        Every value is run with each of them.
    seeded : tuple of str
        The keys that a seed replaces.
    axes : mapping
        Further parameters with their values, every one with each of the others.
    """

    method: str = "bcd"
    parameter: str = ""
    values: tuple[Any, ...] = ()
    seeds: tuple[int, ...] = (0,)
    seeded: tuple[str, ...] = SEEDED
    axes: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        require_choice(self.method, METHODS, "method")
        for seed in self.seeds:
            require_whole(seed, "seeds")
        given = {self.parameter: self.values, **self.axes} if self.parameter else dict(self.axes)
        if not given:
            raise InputError("parameter is ''; expected a key, such as 'optimization.hessian_fraction'.")
        for name, values in given.items():
            _require_listed("values" if name == self.parameter else name, values)
            for value in values:
                if not isinstance(value, str | int | float):
                    raise InputError(f"{name} is {value!r}; expected numbers, words or truth values.")

    @property
    def parameters(self) -> dict[str, tuple[Any, ...]]:
        """All keys that are varied, with their values."""
        first = {self.parameter: tuple(self.values)} if self.parameter else {}
        return first | {name: tuple(values) for name, values in self.axes.items()}


def _require_positive(**numbers: float) -> None:
    for name, number in numbers.items():
        if not 0.0 < number < float("inf"):
            raise InputError(f"{name} is {number}; expected a positive number.")


def _require_listed(name: str, values: Any) -> None:
    if not isinstance(values, list | tuple) or not values:
        raise InputError(f"{name} is {values!r}; expected a list with at least one entry.")
