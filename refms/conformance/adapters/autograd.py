"""Operations that follow from others by automatic differentiation, the same way in every library.

Of logits Z = F(θ) and their loss ℓ: J v = dF(θ) v, Jᵀ u, the gradient Jᵀ ∇ℓ(Z) and the Gauss–Newton product
Jᵀ ∇²ℓ(Z) J v. Of K(S) Y: K(S)ᵀ Z and ∂⟨Z, K(S)Y⟩/∂S. Of the logits alone, the features: with h^d W = I and
μ = 0 the logits are y_N.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from refms.conformance.adapters.adapter import Adapter, provides
from refms.conformance.adapters.layouts import layout_of, shape_in, to_images, to_layout
from refms.conformance.adapters.parameter_names import NetworkSpec, renaming, spec_of
from refms.conformance.adapters.profile import LAYOUTS, Problem, Profile
from refms.conformance.operations import OPERATIONS, Parameters
from refms.errors import Array, InputError

Function = Callable[..., Any]


@dataclass(frozen=True)
class Library:
    """What a library has; ``torch.func`` and ``jax`` call derivatives the same."""

    axes: Mapping[str, str]  # of its layers' arrays, by refms' names
    grad: Function
    jvp: Function
    vjp: Function
    permute: Function  # (array, axes) -> array
    zeros: Function  # (shape, dtype=) -> array
    call: Callable[[Any, Mapping[str, Any], Any], Any]  # (network, its parameters, X) -> logits (m, ℓ)
    cross_entropy: Callable[[Any, Any], Any]  # (logits, targets), both (m, ℓ) -> number

    def along(self, function: Function, at: Any, direction: Any) -> Any:
        """Return the derivative along a direction."""
        return self.jvp(function, (at,), (direction,))[1]

    def back(self, function: Function, at: Any, cotangent: Any) -> Any:
        """Return the transpose of the derivative applied to a cotangent."""
        return self.vjp(function, at)[1](cotangent)[0]


def of_network(output: Function, entropy: Function, ad: Library) -> dict[str, Function]:
    """Return loss, gradient and products of logits ``output(p, X, problem)`` under ``entropy(Z, C)``."""

    def logits_of(X: Any, problem: Problem) -> Function:
        return lambda p: output(p, X, problem)

    def jacobian_product(p: Any, v: Any, X: Any, problem: Problem) -> Any:
        return ad.along(logits_of(X, problem), p, v)

    def jacobian_transpose(p: Any, U: Any, X: Any, problem: Problem) -> Any:
        return ad.back(logits_of(X, problem), p, U)

    def loss(p: Any, X: Any, C: Any, problem: Problem) -> Any:
        return entropy(output(p, X, problem), C)

    def gauss_newton(p: Any, v: Any, X: Any, C: Any, problem: Problem) -> Any:
        Z, transpose = ad.vjp(logits_of(X, problem), p)
        V = jacobian_product(p, v, X, problem)
        return transpose(ad.along(ad.grad(lambda z: entropy(z, C)), Z, V))[0]

    return {
        "loss": loss,
        "gradient": ad.grad(loss),
        "jacobian_product": jacobian_product,
        "jacobian_transpose": jacobian_transpose,
        "gauss_newton": gauss_newton,
    }


def of_convolution(convolution: Function, ad: Library, layout: str) -> dict[str, Function]:
    """Return the transposes of ``convolution(S, Y, grid, boundary)``, which is linear in S and in Y."""

    def convolution_adjoint(S: Any, Z: Any, grid: tuple[int, ...], boundary: str) -> Any:
        shape = shape_in(layout, (Z.shape[_examples(layout)], S.shape[1], *grid))
        start = ad.zeros(shape, dtype=Z.dtype)
        return ad.back(lambda Y: convolution(S, Y, grid, boundary), start, Z)

    def stencil_gradient(
        Z: Any, Y: Any, grid: tuple[int, ...], stencil: tuple[int, ...], boundary: str
    ) -> Any:
        numbers = math.prod(grid) * Z.shape[_examples(layout)]
        channels = [math.prod(one.shape) // numbers for one in (Z, Y)]
        start = ad.zeros((*channels, *stencil), dtype=Z.dtype)
        return ad.back(lambda S: convolution(S, Y, grid, boundary), start, Z)

    return {"convolution_adjoint": convolution_adjoint, "stencil_gradient": stencil_gradient}


def of_entropy(entropy: Function, ad: Library) -> dict[str, Function]:
    """Return gradient and Hessian products of ``cross_entropy(Z, C)``."""

    def hessian(Z: Any, C: Any, V: Any) -> Any:
        return ad.along(ad.grad(lambda z: entropy(z, C)), Z, V)

    return {"cross_entropy_gradient": ad.grad(entropy), "cross_entropy_hessian": hessian}


def of_activation(activation: Function, ad: Library) -> dict[str, Function]:
    """Return σ′ of ``activation(Z, name)``, which acts entry by entry."""

    def derivative(Z: Any, name: str) -> Any:
        return ad.grad(lambda z: activation(z, name).sum())(Z)

    return {"activation_derivative": derivative}


def what_follows(given: Mapping[str, Function], ad: Library, layout: str) -> dict[str, Function]:
    """Return given operations and those that are derivatives of them."""
    found = dict[str, Function]()
    for name, function in given.items():
        match name:
            case "convolution":
                found |= of_convolution(function, ad, layout)
            case "cross_entropy":
                found |= of_entropy(function, ad)
            case "activation":
                found |= of_activation(function, ad)
            case "weight_smoothness" | "time_smoothness":
                found[f"{name}_gradient"] = ad.grad(function)
    return found | dict(given)


class AutogradAdapter(Adapter):
    """An adapter of functions of a library's arrays; what follows from them by differentiation is added.

    A method that a subclass has by itself, of NumPy's arrays, comes before all others.
    """

    def __init__(
        self,
        profile: Profile,
        ad: Library,
        network: Callable[[NetworkSpec], Any] | None,
        names: Mapping[str, str] | None,
        loss: Function | None,
        operations: Mapping[str, Function],
    ) -> None:
        super().__init__(profile)
        if unknown := sorted(set(operations) - set(OPERATIONS)):
            raise InputError(f"there is no operation {', '.join(unknown)}; help(Adapter) lists all.")
        if names is not None:
            self.rename = renaming(names, ad.axes, ad.permute)

        def output(p: Parameters, X: Any, problem: Problem) -> Any:
            assert network is not None  # or nothing asks
            spec = spec_of(p, problem)
            return ad.call(network(spec), p if names is None else self.rename(p, spec), X).T

        def entropy(Z: Any, C: Any) -> Any:
            return (loss or ad.cross_entropy)(Z.T, C.T)

        given = dict(operations) if loss is None else {"cross_entropy": entropy, **operations}
        found = what_follows(given, ad, profile.layout)
        if network is not None:
            found = of_network(output, given.get("cross_entropy", entropy), ad) | found
        for name, function in found.items():
            self._add(name, partial(self.run, function))
        if network is not None:
            self._add("forward", partial(self._features, partial(self.run, output)))
        if provides(self, "convolution"):
            self._add("convolution_matrix", self._matrix)
        if provides(self, "subsample") and provides(self, "gauss_newton"):
            self._add("subsampled_gauss_newton", self._subsampled)

    def run(self, function: Function, *arguments: Any) -> Any:
        """Call a function of the library's arrays with NumPy's, and return NumPy's."""
        raise NotImplementedError

    def _add(self, name: str, operation: Function) -> None:
        """Let the adapter have an operation, unless it has it already."""
        if not provides(self, name):
            setattr(self, name, operation)

    def _features(self, output: Function, parameters: Parameters, X: Array, problem: Problem) -> Array:
        """Return y_N = h^d Wᵀ y_N + μ for h^d W = I, μ = 0; in the layout that X has, declared or not."""
        c, n = len(parameters["opening"]), math.prod(problem.grid)
        layout = layout_of(X.shape, problem.grid, self.profile.layout)
        unit = (n if self.profile.volume_weighted else 1) * np.eye(c * n, dtype=X.dtype)
        Y = output({**parameters, "W": unit, "mu": np.zeros(c * n, X.dtype)}, X, problem)
        return to_layout(to_images(Y, "columns", (Y.shape[1], c, *problem.grid)), layout)

    def _matrix(self, S: Array, grid: tuple[int, ...], boundary: str) -> Array:
        """Return K(S), the columns of which are the responses to unit images."""
        layout, c, n = self.profile.layout, S.shape[1], math.prod(grid)
        units = np.eye(c * n, dtype=S.dtype).reshape(c * n, c, *grid)
        found = self.convolution(S, to_layout(units, layout), grid, boundary)  # type: ignore[attr-defined]  # provided
        columns = to_images(found, layout, (c * n, len(S), *grid))
        return np.ascontiguousarray(columns.reshape(c * n, -1).T)

    def _subsampled(
        self, p: Parameters, v: Parameters, X: Array, C: Array, problem: Problem, size: int, seed: int
    ) -> dict[str, Array]:
        """Return the product of a subset, times m/size where the loss is a sum."""
        m, axis = C.shape[1], _examples(self.profile.layout)
        S = self.subsample(m, size, seed)  # type: ignore[attr-defined]  # provided
        found = self.gauss_newton(p, v, np.take(X, S, axis), C[:, S], problem)  # type: ignore[attr-defined]  # likewise
        share = m / size if self.profile.reduction == "sum" else 1.0
        return {key: (share * array).astype(array.dtype) for key, array in found.items()}


def _examples(layout: str) -> int:
    """Return the axis of the examples."""
    return LAYOUTS[layout].index("m")
