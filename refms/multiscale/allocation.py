"""Batches that follow the variances: N_l from a pilot whose examples never enter an estimate."""

from __future__ import annotations

from dataclasses import dataclass, replace

from refms.errors import Array, InputError, require_choice, require_whole_fields
from refms.multiscale.estimation import Batches
from refms.multiscale.image_problem import ImageProblem
from refms.multiscale.variance import GradientVariance, measure_variance

REGRESSED = ("regressed", "adaptive")
ALLOCATIONS = ("optimal", *REGRESSED)
COEFFICIENTS = ("global", "layers")
FEWEST_OF_A_PILOT = 8
"""Examples below which variances are noise."""


@dataclass(frozen=True)
class Allocation:
    """How the batches of an estimate are renewed, at the work of given ones.

    Parameters
    ----------
    kind : str
        ``"optimal"``: N_l ∝ √(V_l/C_l) on the given levels. ``"regressed"``: with the coefficients β_l
        besides. ``"adaptive"``: both, on as many levels as pay; a single one where η* < 1 with any more.
    examples : int
        M of the pilot: 32 or more for variances that mean something.
    renew : int
        Iterations of a stage from one pilot to the next.
    coefficients : str
        ``"global"``: one β_l for all parameters. ``"layers"``: one for each layer.

    Raises
    ------
    InputError
        If the kind is unknown or takes no coefficients, or the pilot is too small.

    Examples
    --------
    >>> Allocation().renew
    100
    """

    kind: str = "optimal"
    examples: int = 32
    renew: int = 100
    coefficients: str = COEFFICIENTS[0]

    def __post_init__(self) -> None:
        require_choice(self.kind, ALLOCATIONS, "allocation")
        require_choice(self.coefficients, COEFFICIENTS, "coefficients")
        require_whole_fields(self, renew=1)
        require_pilot(self.examples)

    def choose(self, variance: GradientVariance, given: Batches, most: int, *, even: bool = False) -> Batches:
        """Return batches of about the work of the given ones, none larger than ``most``."""
        regressed = self.kind in REGRESSED
        found = variance.best_batches(
            given.work(variance.finest, variance.dimension),
            None if self.kind == "adaptive" else len(given.sizes),
            regressed=regressed,
            even=even,
        )
        most -= most % 2 if even else 0
        return replace(found, sizes=tuple(min(N, most) for N in found.sizes))

    def measure(
        self, problem: ImageProblem, theta: Array, given: Batches, *, stage: int, iteration: int
    ) -> tuple[Batches, float]:
        """Return batches after a pilot at θ, and the work that it took, which the problem does not count."""
        apart = replace(problem.apart(), levels=stage + len(given.sizes))
        variance, _ = measure_variance(
            apart,
            theta,
            self.examples,
            stage=stage,
            iteration=iteration,
            layers=self.coefficients == "layers",
        )
        even = problem.subsampling.kind == "both"
        return self.choose(variance, given, problem.images.shape[1], even=even), apart.work.units


def require_pilot(examples: int) -> None:
    """Refuse a pilot whose variances would be noise."""
    if examples < FEWEST_OF_A_PILOT:
        raise InputError(
            f"a pilot of {examples} example(s); expected at least {FEWEST_OF_A_PILOT}, better 32."
        )
