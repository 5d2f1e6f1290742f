"""The section [regularization]: weights that do not depend on mesh and depth."""

from __future__ import annotations

from dataclasses import dataclass, fields

from refms.display import short_repr
from refms.errors import require_choice, require_nonnegative
from refms.names import TRANSFER_GOALS, TRANSFER_PENALTIES
from refms.stencils.transfer import TRANSFER_PAIRS


@dataclass(frozen=True)
class RegularizationSection:
    """Weights of the regularisers, independent of mesh and depth.

    Parameters
    ----------
    W_smoothness, W_tikhonov : float
        α_W and τ_W of the classification weights.
    theta_smoothness, theta_tikhonov : float
        α_θ and τ_θ of the propagation parameters.
    theta_transfer : float
        β of the penalty on stencils that would not cross to another mesh, see
        :func:`~refms.objective.transfer_penalty.transfer_regularizer`.
    transfer_pair, transfer_penalty, transfer_to : str
        The pair that moves the stencils, the kind of the penalty, and ``"finer"`` or ``"coarser"``.
    """

    W_smoothness: float = 1e-6
    W_tikhonov: float = 1e-4
    theta_smoothness: float = 1e-3
    theta_tikhonov: float = 1e-4
    theta_transfer: float = 0.0
    transfer_pair: str = "averaging-bilinear"
    transfer_penalty: str = "consistency"
    transfer_to: str = "finer"

    __repr__ = short_repr

    def __post_init__(self) -> None:
        for item in fields(self):
            if not isinstance(value := getattr(self, item.name), str):
                require_nonnegative(value, item.name)
        require_choice(self.transfer_pair, [pair.name for pair in TRANSFER_PAIRS], "transfer_pair")
        require_choice(self.transfer_penalty, TRANSFER_PENALTIES, "transfer_penalty")
        require_choice(self.transfer_to, TRANSFER_GOALS, "transfer_to")
