"""One short NumPy oracle an operation, as text that a script can carry; nothing in it comes from refms.

Every template is (profile, arguments of the adapter's method) -> source of a function ``oracle`` of the same
arguments, which says the conventions of the profile and of this call. It computes in double precision where
it is given that. An operation without a template, such as conjugate gradients or a step of an optimiser, has
no result that follows from its arguments alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from refms.conformance.adapters.profile import Profile
from refms.conformance.reproduction.templates import convolution, loss, network, smoothness, transfer

Template = Callable[[Profile, Sequence[Any]], str]
"""(profile, arguments) -> source."""

TEMPLATES: dict[str, Template] = {
    "convolution": convolution.convolution,
    "convolution_adjoint": convolution.convolution_adjoint,
    "stencil_gradient": convolution.stencil_gradient,
    "convolution_matrix": convolution.convolution_matrix,
    "restrict": transfer.restrict,
    "prolong": transfer.prolong,
    "stencil_down": transfer.stencil_down,
    "stencil_up": transfer.stencil_up,
    "activation": network.activation,
    "activation_derivative": network.activation_derivative,
    "forward": network.forward,
    "logits": network.logits,
    "jacobian_product": network.jacobian_product,
    "jacobian_transpose": network.jacobian_transpose,
    "depth_prolong": smoothness.depth_prolong,
    "cross_entropy": loss.cross_entropy,
    "cross_entropy_gradient": loss.cross_entropy_gradient,
    "cross_entropy_hessian": loss.cross_entropy_hessian,
    "loss": network.loss,
    "gradient": network.gradient,
    "gauss_newton": network.gauss_newton,
    "weight_smoothness": smoothness.weight_smoothness,
    "weight_smoothness_gradient": smoothness.weight_smoothness_gradient,
    "time_smoothness": smoothness.time_smoothness,
    "time_smoothness_gradient": smoothness.time_smoothness_gradient,
}
"""Operation -> template."""
