"""An adapter for networks in PyTorch: a module and the names of its parameters are enough."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np

from refms.conformance.adapters.autograd import AutogradAdapter, Function, Library
from refms.conformance.adapters.parameter_names import TORCH, NetworkSpec, zero_parameters
from refms.conformance.adapters.profile import Profile
from refms.errors import InputError

_FORWARD = threading.Lock()
"""torch.func.jvp counts its levels for the whole process, not for each thread."""


class TorchAdapter(AutogradAdapter):
    """PyTorch on the CPU: forward, loss, gradient, J v, Jᵀu and Gauss–Newton products of a module.

    Derivatives are those of ``torch.func``. Arrays become tensors of their dtype and come back as NumPy's;
    the module's floating-point buffers are cast to ``profile.dtype``, and nothing else is.
    Without ``loss`` and ``operations`` it has the operations of the level ``"gauss-newton"``.

    Parameters
    ----------
    profile : Profile
        Your conventions.
    network : callable or None
        ``network(spec)`` makes a ``torch.nn.Module`` of the asked extents
        (:class:`~refms.conformance.adapters.parameter_names.NetworkSpec`), or a function
        ``(parameters, X) -> logits``. X has the layout of the profile, logits have the shape (m, ℓ).
    names : mapping of str to str or None
        Your name for each of ``opening``, ``stencils``, ``biases``, ``W`` and ``mu``, such as
        ``"layers.{k}.weight"`` for the arrays of layers k = 0, … (``{k+1}`` counts from one). The order of
        the axes ``layer``, ``out``, ``in``, ``stencil``, ``grid``, ``class`` stands in brackets where it is
        not that of ``torch.nn.Conv`` and ``Linear``: ``"head[out*grid class]"``. None: the parameters have
        refms' names and shapes.
    loss : callable or None
        ``loss(logits, targets)``, both (m, ℓ), the mean or sum over the examples as the profile says; it is
        tested by itself as well. None: the cross entropy of ``torch.nn.functional``, which is not.
    **operations : callable
        Other operations of ``help(Adapter)``, as functions of tensors. From ``convolution`` follow its
        adjoint, matrix and stencil gradient; from ``activation``, ``cross_entropy``, ``weight_smoothness``
        and ``time_smoothness`` their derivatives; from ``subsample`` the subsampled product.

    Raises
    ------
    InputError
        If PyTorch is missing, a name or its shape is none of the module, or an operation is unknown.

    Examples
    --------
    ::

        def mine(dtype="float64"):
            profile = Profile("mine", dtype, dimensions=(2,), layout="NCHW", level="gauss-newton")
            names = {
                "opening": "opening.weight",
                "stencils": "layers.{k}.weight",
                "biases": "layers.{k}.bias",
                "W": "head.weight",
                "mu": "head.bias",
            }

            def network(spec):
                return Net(spec.image_channels, spec.channels, spec.layers, spec.classes, spec.step)

            return TorchAdapter(profile, network, names)
    """

    def __init__(
        self,
        profile: Profile,
        network: Callable[[NetworkSpec], Any] | None = None,
        names: Mapping[str, str] | None = None,
        *,
        loss: Function | None = None,
        **operations: Function,
    ) -> None:
        super().__init__(profile, _library(profile), network, names, loss, operations)
        if network is not None and names is not None:
            self._require_names(network)

    def _require_names(self, network: Callable[[NetworkSpec], Any]) -> None:
        """Check that there is a shape, declared or not, in which the module has the named parameters."""
        found = list[list[str]]()
        errors = list[Exception]()
        for spec in _specs(self.profile):
            theirs = self.run(lambda p, spec=spec: self.rename(p, spec), zero_parameters(spec))
            try:
                found.append(_misfits(network(spec), theirs, spec))
            except Exception as error:  # the module is not made for this shape
                errors.append(error)
            if found and not found[-1]:
                return
        if not found:
            raise errors[0]
        raise InputError(min(found, key=len)[0])

    def run(self, function: Function, *arguments: Any) -> Any:
        """Call a function of tensors with NumPy's arrays, and return NumPy's."""
        half = self.profile.dtype == "bfloat16"
        return _as_numpy(function(*(_as_tensors(one, half) for one in arguments)))


def _library(profile: Profile) -> Library:
    try:
        import torch
    except ImportError as error:
        raise InputError(
            f"TorchAdapter needs PyTorch, which cannot be imported ({error}). pip install torch."
        ) from error
    dtype = getattr(torch, profile.dtype)

    def jvp(function: Function, at: Any, direction: Any) -> Any:
        with _FORWARD:
            return torch.func.jvp(function, at, direction)

    def call(made: Any, theirs: Mapping[str, Any], X: Any) -> Any:
        if not isinstance(made, torch.nn.Module):
            return made(theirs, X)
        buffers = {name: one.to(dtype) for name, one in made.named_buffers() if one.is_floating_point()}
        return torch.func.functional_call(made, {**buffers, **theirs}, (X,))

    def cross_entropy(Z: Any, C: Any) -> Any:
        return torch.nn.functional.cross_entropy(Z, C, reduction=profile.reduction)

    return Library(
        TORCH, torch.func.grad, jvp, torch.func.vjp, torch.permute, torch.zeros, call, cross_entropy
    )


def _as_tensors(one: Any, half: bool = False) -> Any:
    """Return arrays as tensors that share their memory, or as those of bfloat16."""
    import torch

    if isinstance(one, Mapping):
        return {key: _as_tensors(array, half) for key, array in one.items()}
    if not isinstance(one, np.ndarray):
        return one
    tensor = torch.from_numpy(np.require(one, requirements=["C", "W"]))
    return tensor.bfloat16() if half and tensor.is_floating_point() else tensor


def _as_numpy(found: Any) -> Any:
    if isinstance(found, Mapping):
        return {key: _as_numpy(one) for key, one in found.items()}
    if not hasattr(found, "detach"):
        return found
    tensor = found.detach()
    return (tensor.float() if str(tensor.dtype) == "torch.bfloat16" else tensor).numpy()


def _specs(profile: Profile) -> Iterator[NetworkSpec]:
    """Yield small networks whose extents differ, those within the profile first."""
    shapes = (*profile.dimensions, 1, 2, 3), (*profile.stencil_sizes, 1, 3, 5, 7)
    named = {"boundary": profile.boundaries[0], "activation": profile.activations[0]}
    for d, size in dict.fromkeys(product(*shapes)):
        grid = (7, 8, 9)[:d] if profile.rectangular else (7,) * d
        yield NetworkSpec(2, 3, 4, 5, (size,) * d, grid, **named)  # type: ignore[arg-type]  # two names


def _misfits(module: Any, theirs: Mapping[str, Any], spec: NetworkSpec) -> list[str]:
    """Return why a module does not have the named parameters, in their shapes, and no others."""
    if not hasattr(module, "named_parameters"):
        return []
    found = {name: tuple(one.shape) for name, one in module.named_parameters()}
    has = f"; it has {', '.join(found)}."
    return [
        *(f"the module has no parameter {name!r}{has}" for name in theirs if name not in found),
        *(f"names does not give the module's {name!r}{has}" for name in found if name not in theirs),
        *(
            f"{name!r} has the shape {found[name]}, but names gives {one.shape} for {spec}. Write the order "
            "of its axes in brackets behind its name, or make the module with the extents of the spec."
            for name, one in theirs.items()
            if found.get(name, one.shape) != one.shape
        ),
    ]
