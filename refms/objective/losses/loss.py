"""What a loss answers, and what all losses ask of logits and labels."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from refms.backend import Backend, backend_of
from refms.errors import Array, InputError, require_same_precision, require_shape, require_whole


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


def positive_product(loss: LossEvaluation) -> Callable[[Array], Array]:
    """Return V ↦ a positive semidefinite curvature: the Hessian of a convex loss, or what the loss offers."""
    return getattr(loss, "positive_product", loss.hessian_product)


class Loss(Protocol):
    """A loss of logits Z (ℓ, m) and labels C (ℓ, m), averaged over a stated number of examples.

    It is convex, or has a ``positive_product`` besides.
    """

    def evaluate(self, Z: Array, C: Array, count: int | None = None) -> LossEvaluation:
        """Return the loss at Z, divided by ``count`` (default m)."""


def require_logits(Z: Array, C: Array, least: float = -math.inf, most: float = math.inf) -> Backend:
    """Refuse logits and labels that do not belong together, and labels not finite or out of range."""
    require_shape(Z, (None, None), "Z", "(classes, examples)")
    require_shape(C, Z.shape, "C", "(classes, examples), the shape of Z")
    require_same_precision(Z=Z, C=C)
    backend = backend_of(Z, C)
    if C.dtype.kind == "c":
        raise InputError(f"the labels C have dtype {C.dtype}; expected real numbers.")
    fits = backend.xp.isfinite(C)
    fits = fits if least == -math.inf else fits & (least <= C)
    fits = fits if most == math.inf else fits & (most >= C)
    if not bool(fits.all()):
        expected = f"from {least:g} to {most:g}" if most < math.inf else f"of at least {least:g}"
        raise InputError(
            f"the labels C run from {float(C.min()):.3g} to {float(C.max()):.3g}; expected finite numbers"
            f"{'' if least == -math.inf else ' ' + expected}. Logits come first, labels second."
        )
    return backend


def require_direction(V: Array, gradient: Array) -> None:
    """Refuse a direction of another shape or precision than the logits', of which the gradient has both."""
    if type(V) is not np.ndarray or V.shape != gradient.shape or V.dtype != gradient.dtype:
        require_shape(V, gradient.shape, "V", "(classes, examples), the shape of Z")
        require_same_precision(V=V, Z=gradient)


def share_of(Z: Array, count: int | None) -> float:
    """Return the weight of an example, 1/count or 1/m."""
    return 1.0 / (Z.shape[1] if count is None else require_whole(count, "count", 1))


def host_sum(*terms: Array) -> float | complex:
    """Return the sum of all entries, in double precision, as a number of the host."""
    is_complex = terms[0].dtype.kind == "c"
    total = sum(array.sum(dtype="complex128" if is_complex else "float64") for array in terms)
    return complex(total) if is_complex else float(total)


def log1p(xp: Any, x: Array) -> Array:
    """Return log(1 + x), small x with all their digits: ½ log1p(2 Re x + |x|²) + i arg(1 + x) if complex."""
    if x.dtype.kind != "c":
        return xp.log1p(x)
    a, b = x.real, x.imag
    return xp.log1p(2 * a + a * a + b * b) / 2 + 1j * xp.arctan2(b, 1 + a)
