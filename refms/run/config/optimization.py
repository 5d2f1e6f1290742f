"""The section [optimization]: block-coordinate descent."""

from __future__ import annotations

from dataclasses import dataclass

from refms.display import short_repr
from refms.errors import InputError, require_choice, require_whole_fields
from refms.names import CLASSIFIER_PRECONDITIONERS, DTYPES, PROPAGATION_PRECONDITIONERS


@dataclass(frozen=True)
class OptimizationSection:
    """Block-coordinate descent of [LAS] Sec. 4.

    Parameters
    ----------
    iterations : int
        BCD iterations.
    hessian_fraction : float
        Share of the examples in the Gauss–Newton matrix.
    hessian_seed : int
        Seed of its draws.
    propagation_cg_iterations, classifier_cg_iterations : int
        Largest number of CG iterations in a step.
    cg_tolerance : float
        Relative residual at which CG stops.
    classifier_steps : int
        Inexact Newton steps on the classifier per iteration.
    propagation_preconditioner : str
        For conjugate gradients on the propagation: ``"none"``; ``"time"``, the inverse of its regulariser;
        ``"diagonal"``, the diagonal of the Gauss–Newton matrix, estimated from eight products; or
        ``"fine-coordinates"``, which trains in the stencils that ``transfer_pair`` makes for the finer mesh.
    classifier_preconditioner : str
        For conjugate gradients on the classifier: ``"smoothness"``, the inverse of its regulariser;
        ``"diagonal"``, the diagonal of its Hessian; ``"block"``, the Kronecker product of mean features and
        mean curvature, dense; or ``"none"``.
    damping : float
        Initial Levenberg–Marquardt damping of the Gauss–Newton step, adapted by the gain ratio; 0 for none.
    dtype : str
        ``"float64"`` or ``"float32"``, the precision of the model.
    memory : int
        Budget for activations in bytes.
    """

    iterations: int = 10
    hessian_fraction: float = 0.1
    hessian_seed: int = 0
    propagation_cg_iterations: int = 20
    classifier_cg_iterations: int = 20
    cg_tolerance: float = 1e-2
    classifier_steps: int = 5
    propagation_preconditioner: str = "time"
    classifier_preconditioner: str = "smoothness"
    damping: float = 0.0
    dtype: str = "float32"
    memory: int = 2 * 1024**3

    __repr__ = short_repr

    def __post_init__(self) -> None:
        require_choice(self.dtype, DTYPES, "dtype")
        require_choice(
            self.propagation_preconditioner, PROPAGATION_PRECONDITIONERS, "propagation_preconditioner"
        )
        require_choice(
            self.classifier_preconditioner, CLASSIFIER_PRECONDITIONERS, "classifier_preconditioner"
        )
        require_whole_fields(self, iterations=1, propagation_cg_iterations=1, classifier_cg_iterations=1)
        require_whole_fields(self, classifier_steps=1, memory=1, hessian_seed=0)
        if not 0 < self.hessian_fraction <= 1:
            raise InputError(f"hessian_fraction is {self.hessian_fraction}; expected a number in (0, 1].")
        if not 0 <= self.cg_tolerance < 1:
            raise InputError(f"cg_tolerance is {self.cg_tolerance}; expected 0 or more and below 1.")
        if self.damping != 0 and not 1e-12 <= self.damping <= 1e12:
            raise InputError(f"damping is {self.damping}; expected 0 for none, or 1e-12 to 1e12.")
