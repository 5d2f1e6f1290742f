"""The gate between properties and an adapter: layouts are converted, arguments guarded, results inspected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from refms.conformance.adapters.adapter import PARAMETERS, Parameters
from refms.conformance.adapters.profile import Problem, Profile
from refms.conformance.adapters.whereabouts import Whereabouts
from refms.errors import Array


class Misbehaviour(Exception):  # noqa: N818 - it is not the kit that errs
    """An operation returned something of the wrong shape, dtype or kind, or modified its arguments."""


class Gate:
    """An adapter as properties see it: fields are images (m, c, *grid), and misbehaviour raises.

    Parameters
    ----------
    adapter : Adapter
        What is examined.
    where : Whereabouts or None
        Told every instance and every call.

    Raises
    ------
    Misbehaviour
        From every method, with a sentence that says what was returned and what was expected.
    """

    def __init__(self, adapter: Any, where: Whereabouts | None = None) -> None:
        self.adapter = adapter
        self.where = where or Whereabouts()
        self.profile: Profile = adapter.profile

    # -- convolution ---------------------------------------------------------------------------------------

    def convolution(self, S: Array, Y: Array, boundary: str = "periodic") -> Array:
        """Return K(S) Y for images Y (m, c_in, *grid)."""
        grid = Y.shape[2:]
        return self._field("convolution", (len(Y), len(S), *grid), S, self._given(Y), grid, boundary)

    def convolution_adjoint(self, S: Array, Z: Array, boundary: str = "periodic") -> Array:
        """Return K(S)ᵀ Z for images Z (m, c_out, *grid)."""
        grid = Z.shape[2:]
        shape = (len(Z), S.shape[1], *grid)
        return self._field("convolution_adjoint", shape, S, self._given(Z), grid, boundary)

    def stencil_gradient(
        self, Z: Array, Y: Array, stencil: tuple[int, ...], boundary: str = "periodic"
    ) -> Array:
        """Return ∂⟨Z, K(S)Y⟩/∂S for images Z and Y."""
        shape = (Z.shape[1], Y.shape[1], *stencil)
        fields = self._given(Z), self._given(Y)
        return self._array("stencil_gradient", shape, *fields, Y.shape[2:], stencil, boundary)

    def convolution_matrix(
        self, S: Array, grid: tuple[int, ...], boundary: str = "periodic"
    ) -> tuple[Array, int]:
        """Return K(S) as a dense matrix and the number of its stored values (non-zeros of a dense one)."""
        n = int(np.prod(grid))
        found = self._call("convolution_matrix", S, grid, boundary)
        dense = found.toarray() if hasattr(found, "toarray") else found
        array = self._inspected("convolution_matrix", dense, (S.shape[0] * n, S.shape[1] * n))
        return array, int(getattr(found, "nnz", np.count_nonzero(array)))

    # -- transfer ------------------------------------------------------------------------------------------

    def restrict(self, Y: Array, pair: str) -> Array:
        """Return R Y for images Y on a fine grid."""
        grid = Y.shape[2:]
        shape = (*Y.shape[:2], *(n // 2 for n in grid))
        return self._field("restrict", shape, self._given(Y), grid, pair)

    def prolong(self, Y: Array, pair: str) -> Array:
        """Return P Y for images Y on a coarse grid."""
        fine = tuple(2 * n for n in Y.shape[2:])
        return self._field("prolong", (*Y.shape[:2], *fine), self._given(Y), fine, pair)

    def stencil_down(self, S: Array, pair: str) -> Array:
        """Return the coarse stencils, of whatever odd size the implementation gives them."""
        found = _as_numpy(self._call("stencil_down", S, pair))
        if (
            found.ndim != S.ndim
            or found.shape[:2] != S.shape[:2]
            or any(size % 2 == 0 for size in found.shape[2:])
        ):
            raise Misbehaviour(
                f"stencil_down returned shape {found.shape} for {S.shape}; "
                "expected equal channels and odd sizes"
            )
        return self._inspected("stencil_down", found, found.shape)

    def stencil_up(self, S: Array, pair: str) -> Array:
        """Return the fine stencils of the same size."""
        return self._array("stencil_up", S.shape, S, pair)

    # -- network -------------------------------------------------------------------------------------------

    def activation(self, Z: Array, name: str) -> Array:
        """Return σ(Z)."""
        return self._array("activation", Z.shape, Z, name)

    def activation_derivative(self, Z: Array, name: str) -> Array:
        """Return σ′(Z)."""
        return self._array("activation_derivative", Z.shape, Z, name)

    def forward(self, parameters: Parameters, X: Array, problem: Problem) -> Array:
        """Return y_N as images (m, c, *grid) for images X (m, c_image, *grid)."""
        shape = (len(X), len(parameters["opening"]), *problem.grid)
        return self._field("forward", shape, parameters, self._given(X), problem)

    def logits(self, W: Array, mu: Array, Y: Array) -> Array:
        """Return the logits (ℓ, m) of features Y (m, c, *grid)."""
        return self._array("logits", (len(mu), len(Y)), W, mu, self._given(Y), Y.shape[2:])

    def jacobian_product(
        self, parameters: Parameters, direction: Parameters, X: Array, problem: Problem
    ) -> Array:
        """Return the derivative of the logits, (ℓ, m)."""
        shape = (len(parameters["mu"]), len(X))
        return self._array("jacobian_product", shape, parameters, direction, self._given(X), problem)

    def jacobian_transpose(self, parameters: Parameters, U: Array, X: Array, problem: Problem) -> Parameters:
        """Return the transposed Jacobian applied to U (ℓ, m)."""
        return self._parameters("jacobian_transpose", parameters, parameters, U, self._given(X), problem)

    def depth_prolong(self, Theta: Array, layers: int) -> Array:
        """Return Theta (N, p) for another number of layers."""
        return self._array("depth_prolong", (layers, Theta.shape[1]), Theta, layers)

    # -- objective -----------------------------------------------------------------------------------------

    def cross_entropy(self, Z: Array, C: Array) -> float:
        """Return the softmax cross entropy."""
        return self._number("cross_entropy", Z, C)

    def cross_entropy_gradient(self, Z: Array, C: Array) -> Array:
        """Return its gradient."""
        return self._array("cross_entropy_gradient", Z.shape, Z, C)

    def cross_entropy_hessian(self, Z: Array, C: Array, V: Array) -> Array:
        """Return its Hessian applied to V."""
        return self._array("cross_entropy_hessian", Z.shape, Z, C, V)

    def loss(self, parameters: Parameters, X: Array, C: Array, problem: Problem) -> float:
        """Return the loss of the network on images X and labels C."""
        return self._number("loss", parameters, self._given(X), C, problem)

    def gradient(self, parameters: Parameters, X: Array, C: Array, problem: Problem) -> Parameters:
        """Return the gradient of the loss."""
        return self._parameters("gradient", parameters, parameters, self._given(X), C, problem)

    def gauss_newton(
        self, parameters: Parameters, direction: Parameters, X: Array, C: Array, problem: Problem
    ) -> Parameters:
        """Return the Gauss–Newton product."""
        return self._parameters("gauss_newton", parameters, parameters, direction, self._given(X), C, problem)

    def subsampled_gauss_newton(
        self,
        parameters: Parameters,
        direction: Parameters,
        X: Array,
        C: Array,
        problem: Problem,
        size: int,
        seed: int,
    ) -> Parameters:
        """Return the Gauss–Newton product on a random subset of the examples."""
        given = parameters, direction, self._given(X), C, problem, size, seed
        return self._parameters("subsampled_gauss_newton", parameters, *given)

    def subsample(self, m: int, size: int, seed: int) -> Array:
        """Return the numbers of the examples in that subset."""
        found = _as_numpy(self._call("subsample", m, size, seed))
        if found.shape != (size,) or found.dtype.kind not in "iu":
            raise Misbehaviour(
                f"subsample returned shape {found.shape} and dtype {found.dtype}; "
                f"expected {(size,)} and whole numbers"
            )
        return found.astype("int64")

    def weight_smoothness(self, W: Array, grid: tuple[int, ...]) -> float:
        """Return the smoothness of W."""
        return self._number("weight_smoothness", W, grid)

    def weight_smoothness_gradient(self, W: Array, grid: tuple[int, ...]) -> Array:
        """Return its gradient."""
        return self._array("weight_smoothness_gradient", W.shape, W, grid)

    def time_smoothness(self, Theta: Array, final_time: float) -> float:
        """Return the smoothness of Theta in time."""
        return self._number("time_smoothness", Theta, final_time)

    def time_smoothness_gradient(self, Theta: Array, final_time: float) -> Array:
        """Return its gradient."""
        return self._array("time_smoothness_gradient", Theta.shape, Theta, final_time)

    # -- optimisation --------------------------------------------------------------------------------------

    def conjugate_gradients(self, product: Callable[[Array], Array], b: Array, iterations: int) -> Array:
        """Return the iterate after so many iterations."""
        return self._array("conjugate_gradients", b.shape, product, b, iterations)

    def line_search(
        self, value: Callable[[Array], float], x: Array, f: float, slope: float, p: Array, decrease: float
    ) -> float:
        """Return the accepted step length."""
        return self._number("line_search", value, x, f, slope, p, decrease)

    def newton_step(self, objective: Any, x: Array, iterations: int) -> Array:
        """Return where the step leads."""
        return self._array("newton_step", x.shape, objective, x, iterations)

    def block_step(
        self, parameters: Parameters, X: Array, C: Array, problem: Problem, block: str
    ) -> Parameters:
        """Return all parameters after a step on one block."""
        return self._parameters("block_step", parameters, parameters, self._given(X), C, problem, block)

    # -- the inspection ------------------------------------------------------------------------------------

    def _call(self, name: str, *arguments: Any) -> Any:
        """Call an operation with copies of the arguments, and see that they are left alone."""
        copies = [_copied(argument) for argument in arguments]
        self.where.enter(name)
        found = getattr(self.adapter, name)(*copies)
        if any(_changed(argument, copy) for argument, copy in zip(arguments, copies, strict=True)):
            raise Misbehaviour(f"{name} modified its arguments; it must leave them as they are")
        return found

    def _array(self, name: str, shape: tuple[int, ...], *arguments: Any) -> Array:
        return self._inspected(name, self._call(name, *arguments), shape)

    def _field(self, name: str, shape: tuple[int, ...], *arguments: Any) -> Array:
        """Call an operation that returns a field; ``shape`` is the one of images."""
        layout = self.profile.layout
        grid = shape[2:]
        outer = {
            "columns": (shape[1] * int(np.prod(grid)), shape[0]),
            "NCHW": shape,
            "NHWC": (shape[0], *grid, shape[1]),
        }[layout]
        found = self._inspected(name, self._call(name, *arguments), outer)
        if layout == "columns":
            return np.ascontiguousarray(found.T).reshape(shape)
        return found if layout == "NCHW" else np.ascontiguousarray(np.moveaxis(found, -1, 1))

    def _given(self, Y: Array) -> Array:
        """Return images in the adapter's layout."""
        if self.profile.layout == "columns":
            return np.ascontiguousarray(Y.reshape(len(Y), -1).T)
        return Y if self.profile.layout == "NCHW" else np.ascontiguousarray(np.moveaxis(Y, 1, -1))

    def _number(self, name: str, *arguments: Any) -> float:
        found = self._call(name, *arguments)
        try:
            return float(found)
        except (TypeError, ValueError) as error:
            raise Misbehaviour(f"{name} returned {type(found).__name__}; expected one number") from error

    def _parameters(self, name: str, like: Parameters, *arguments: Any) -> Parameters:
        found = self._call(name, *arguments)
        if not isinstance(found, Mapping) or set(found) != set(PARAMETERS):
            got = sorted(found) if isinstance(found, Mapping) else type(found).__name__
            raise Misbehaviour(
                f"{name} returned {got}; expected a mapping with the keys {', '.join(PARAMETERS)}"
            )
        return {key: self._inspected(f"{name}[{key!r}]", found[key], like[key].shape) for key in PARAMETERS}

    def _inspected(self, name: str, found: Any, shape: tuple[int, ...]) -> Array:
        """Return a result as a NumPy array, after looking at its shape and dtype."""
        array = _as_numpy(found)
        if array.shape != tuple(shape):
            raise Misbehaviour(f"{name} returned shape {array.shape}; expected {tuple(shape)}")
        if str(array.dtype) != self.profile.dtype:
            raise Misbehaviour(
                f"{name} returned dtype {array.dtype} for {self.profile.dtype} arguments; "
                "the precision must not change"
            )
        return array


def _as_numpy(found: Any) -> Array:
    if isinstance(found, np.ndarray) or not hasattr(found, "__dlpack__"):
        return np.asarray(found)
    return np.from_dlpack(found)


def _copied(argument: Any) -> Any:
    if isinstance(argument, np.ndarray):
        return argument.copy()
    return {k: v.copy() for k, v in argument.items()} if isinstance(argument, Mapping) else argument


def _changed(argument: Any, copy: Any) -> bool:
    if isinstance(argument, np.ndarray):
        return not np.array_equal(argument, copy, equal_nan=True)
    if isinstance(argument, Mapping):
        return any(key not in copy or _changed(argument[key], copy[key]) for key in argument)
    return False
