"""An adapter for networks in JAX: a function and the places of its parameters are enough."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from refms.conformance.adapters.autograd import AutogradAdapter, Function, Library
from refms.conformance.adapters.parameter_names import FLAX, NetworkSpec
from refms.conformance.adapters.profile import Profile
from refms.errors import InputError

_BRIEF = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_use_fusion_emitters": False,
    "xla_llvm_disable_expensive_passes": True,
    "xla_cpu_parallel_codegen_split_count": 1,
}
"""Under these XLA compiles in a tenth of the time: the kit runs each of its many programs once or twice."""


class JaxAdapter(AutogradAdapter):
    """JAX: forward, loss, gradient, J v, Jᵀu and Gauss–Newton products of a function.

    Derivatives are ``jax.grad``, ``jvp`` and ``vjp``, each program compiled by ``jax.jit``. Double precision
    is on inside of every call, and there only, where ``profile.dtype`` is float64. Without ``loss`` and
    ``operations`` it has the operations of the level ``"gauss-newton"``.

    Parameters
    ----------
    profile : Profile
        Your conventions.
    network : callable or None
        ``network(spec)`` makes the function ``(parameters, X) -> logits`` of a network of the asked extents
        (:class:`~refms.conformance.adapters.parameter_names.NetworkSpec`). X has the layout of the profile,
        logits have the shape (m, ℓ).
    names : mapping of str to str or None
        Your place for each of ``opening``, ``stencils``, ``biases``, ``W`` and ``mu`` in nested dictionaries,
        such as ``"layer{k}/kernel"`` for the arrays of layers k = 0, … (``{k+1}`` counts from one). The order
        of the axes ``layer``, ``out``, ``in``, ``stencil``, ``grid``, ``class`` stands in brackets where it
        is not that of Flax's ``Conv`` and ``Dense``: ``"stencils[layer out in stencil]"``. None: the
        parameters have refms' names and shapes.
    loss : callable or None
        ``loss(logits, targets)``, both (m, ℓ), the mean or sum over the examples as the profile says; it is
        tested by itself as well. None: the cross entropy by ``jax.nn.log_softmax``, which is not.
    options : mapping or None
        Compiler options; by default those that compile fast, None for XLA's own.
    **operations : callable
        Other operations of ``help(Adapter)``, as functions of JAX's arrays; what is no array is static. From
        ``convolution`` follow its adjoint, matrix and stencil gradient; from ``activation``,
        ``cross_entropy``, ``weight_smoothness`` and ``time_smoothness`` their derivatives; from ``subsample``
        the subsampled product.

    Raises
    ------
    InputError
        If JAX is missing, a place is none, or an operation is unknown.

    Examples
    --------
    ::

        def mine(dtype="float64"):
            profile = Profile("mine", dtype, dimensions=(2,), layout="NHWC", level="gauss-newton")
            names = {
                "opening": "opening/kernel",
                "stencils": "layer{k}/kernel",
                "biases": "layer{k}/bias",
                "W": "head/kernel",
                "mu": "head/bias",
            }
            return JaxAdapter(profile, lambda spec: lambda p, X: logits(p, X, spec.step), names)
    """

    def __init__(
        self,
        profile: Profile,
        network: Callable[[NetworkSpec], Function] | None = None,
        names: Mapping[str, str] | None = None,
        *,
        loss: Function | None = None,
        options: Mapping[str, Any] | None = _BRIEF,
        **operations: Function,
    ) -> None:
        super().__init__(profile, _library(profile), network, names, loss, operations)
        self.options = None if options is None else dict(options)

    def run(self, function: Function, *arguments: Any) -> Any:
        """Compile and call a function of JAX's arrays; what is no array is part of the program."""
        import jax

        static = tuple(k for k, one in enumerate(arguments) if not isinstance(one, np.ndarray | Mapping))
        with jax.enable_x64(self.profile.dtype == "float64"):
            found = jax.jit(function, static_argnums=static, compiler_options=self.options)(*arguments)
            return jax.tree.map(np.asarray, found)


def _library(profile: Profile) -> Library:
    try:
        import jax
    except ImportError as error:
        raise InputError(
            f"JaxAdapter needs JAX, which cannot be imported ({error}). pip install jax."
        ) from error

    def call(function: Function, theirs: Mapping[str, Any], X: Any) -> Any:
        return function(_nested(theirs), X)

    def cross_entropy(Z: Any, C: Any) -> Any:
        total = -(C * jax.nn.log_softmax(Z)).sum()
        return total / len(Z) if profile.reduction == "mean" else total

    numpy = jax.numpy
    return Library(FLAX, jax.grad, jax.jvp, jax.vjp, numpy.transpose, numpy.zeros, call, cross_entropy)


def _nested(theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Return nested dictionaries of arrays whose names are paths.

    >>> _nested({"head/kernel": 1, "head/bias": 2, "k": 3})
    {'head': {'kernel': 1, 'bias': 2}, 'k': 3}
    """
    found: dict[str, Any] = {}
    for path, array in theirs.items():
        *folders, name = path.split("/")
        inner = found
        for folder in folders:
            inner = inner.setdefault(folder, {})
        inner[name] = array
    return found
