"""What a loss answers, and what all losses ask of logits and labels."""

from __future__ import annotations

from typing import Protocol

from refms.backend import Backend, backend_of
from refms.errors import Array, require_same_precision, require_shape


class LossEvaluation(Protocol):
    """A loss at fixed logits Z."""

    @property
    def value(self) -> float | complex:
        """The loss, a host number (complex for complex logits)."""

    @property
    def gradient(self) -> Array:
        """∂value/∂Z, shape of Z."""

    @property
    def hessian_diagonal(self) -> Array:
        """∂²value/∂Z² for each logit by itself, shape of Z."""

    def hessian_product(self, V: Array) -> Array:
        """Return the second derivative applied to V, shape of Z."""


class Loss(Protocol):
    """A convex loss of logits Z (ℓ, m) and labels C (ℓ, m), averaged over a stated number of examples."""

    def evaluate(self, Z: Array, C: Array, count: int | None = None) -> LossEvaluation:
        """Return the loss at Z, divided by ``count`` (default m)."""


def require_logits(Z: Array, C: Array) -> Backend:
    """Refuse logits and labels that do not belong together, and return where they live."""
    require_shape(Z, (None, None), "Z", "(classes, examples)")
    require_shape(C, Z.shape, "C", "(classes, examples), the shape of Z")
    require_same_precision(Z=Z, C=C)
    return backend_of(Z, C)
