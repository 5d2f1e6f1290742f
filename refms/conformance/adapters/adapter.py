"""The seam between the kit and an implementation: one method per operation, in the field's terms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from refms.conformance.adapters.profile import Problem, Profile
from refms.errors import Array

Parameters = Mapping[str, Array]
"""All numbers of a network under the names of ``PARAMETERS``."""

PARAMETERS = ("opening", "stencils", "biases", "W", "mu")
"""Shapes (c, c_image, *stencil), (N, c, c, *stencil), (N, c), (c·n, ℓ), (ℓ,); rows of W channel slowest."""


class Adapter:
    """Base class of adapters; override what the implementation has, leave the rest.

    A method that is not overridden, or that raises NotImplementedError, makes the properties that need it
    NOT IMPLEMENTED, never passed. A class that does not inherit from this one, but has the attribute
    ``profile`` and some of the methods, serves as well.

    Arrays are NumPy arrays of dtype ``profile.dtype``; results may be anything ``numpy.asarray`` or
    ``numpy.from_dlpack`` takes, in the same dtype. Arguments must not be modified. Fields (``Y``, ``Z``,
    ``X``) have the layout ``profile.layout``; ``grid`` is the tuple (n_1, …, n_d). Stencils have the shape
    (c_out, c_in, *stencil), labels C and logits the shape (ℓ, m).

    Parameters
    ----------
    profile : Profile
        The conventions of the implementation.

    Examples
    --------
    >>> class Mine(Adapter):
    ...     def restrict(self, Y, grid, pair):
    ...         return (Y[0::2] + Y[1::2]) / 2
    >>> provides(Mine(Profile("mine")), "restrict"), provides(Mine(Profile("mine")), "prolong")
    (True, False)
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile

    # -- convolution ---------------------------------------------------------------------------------------

    def convolution(self, S: Array, Y: Array, grid: tuple[int, ...], boundary: str) -> Array:
        """Return K(S) Y, eq. (2) of [LAS]."""
        _missing()

    def convolution_adjoint(self, S: Array, Z: Array, grid: tuple[int, ...], boundary: str) -> Array:
        """Return K(S)ᵀ Z, the transpose in the Euclidean inner product."""
        _missing()

    def stencil_gradient(
        self, Z: Array, Y: Array, grid: tuple[int, ...], stencil: tuple[int, ...], boundary: str
    ) -> Array:
        """Return ∂⟨Z, K(S)Y⟩/∂S, summed over the examples, shape (c_out, c_in, *stencil)."""
        _missing()

    def convolution_matrix(self, S: Array, grid: tuple[int, ...], boundary: str) -> Any:
        """Return K(S), dense or SciPy sparse, shape (c_out·n, c_in·n), channel slowest, grid in C order."""
        _missing()

    # -- transfer ------------------------------------------------------------------------------------------

    def restrict(self, Y: Array, grid: tuple[int, ...], pair: str) -> Array:
        """Return R Y, from the fine ``grid`` to the one with half as many cells along every axis."""
        _missing()

    def prolong(self, Y: Array, grid: tuple[int, ...], pair: str) -> Array:
        """Return P Y, to the fine ``grid`` from the one with half as many cells along every axis."""
        _missing()

    def stencil_down(self, S: Array, pair: str) -> Array:
        """Return the coarse stencils with K(s_H) = R K(s_h) P, eq. (8) of [LAS], shape (c_out, c_in, …)."""
        _missing()

    def stencil_up(self, S: Array, pair: str) -> Array:
        """Return the fine stencils of the same size with R K(s_h) P = K(s_H), eq. (9) of [LAS]."""
        _missing()

    # -- network -------------------------------------------------------------------------------------------

    def activation(self, Z: Array, name: str) -> Array:
        """Return σ(Z), entry by entry."""
        _missing()

    def activation_derivative(self, Z: Array, name: str) -> Array:
        """Return σ′(Z), entry by entry."""
        _missing()

    def forward(self, parameters: Parameters, X: Array, problem: Problem) -> Array:
        """Return the features y_N of images X, eqs. (1)-(3); of the parameters, W and μ are not used."""
        _missing()

    def logits(self, W: Array, mu: Array, Y: Array, grid: tuple[int, ...]) -> Array:
        """Return h^d Wᵀ y + μ, eq. (5), shape (ℓ, m)."""
        _missing()

    def jacobian_product(
        self, parameters: Parameters, direction: Parameters, X: Array, problem: Problem
    ) -> Array:
        """Return the derivative of the logits along a direction in all parameters, shape (ℓ, m)."""
        _missing()

    def jacobian_transpose(self, parameters: Parameters, U: Array, X: Array, problem: Problem) -> Parameters:
        """Return the transpose of the Jacobian applied to U (ℓ, m), one array for every parameter."""
        _missing()

    def depth_prolong(self, Theta: Array, layers: int) -> Array:
        """Return parameters (layers, p) from those of fewer layers (N, p), linear in time, T kept."""
        _missing()

    # -- objective -----------------------------------------------------------------------------------------

    def cross_entropy(self, Z: Array, C: Array) -> float:
        """Return the softmax cross entropy of logits Z and labels C, both (ℓ, m), reduced over examples."""
        _missing()

    def cross_entropy_gradient(self, Z: Array, C: Array) -> Array:
        """Return its gradient with respect to Z, shape (ℓ, m)."""
        _missing()

    def cross_entropy_hessian(self, Z: Array, C: Array, V: Array) -> Array:
        """Return its Hessian with respect to Z applied to V, shape (ℓ, m)."""
        _missing()

    def loss(self, parameters: Parameters, X: Array, C: Array, problem: Problem) -> float:
        """Return the objective of eq. (6) without regularisers."""
        _missing()

    def gradient(self, parameters: Parameters, X: Array, C: Array, problem: Problem) -> Parameters:
        """Return the gradient of ``loss``, one array for every parameter."""
        _missing()

    def gauss_newton(
        self, parameters: Parameters, direction: Parameters, X: Array, C: Array, problem: Problem
    ) -> Parameters:
        """Return the product of the Gauss–Newton matrix JᵀHJ of ``loss`` with a direction."""
        _missing()

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
        """Return an estimate of ``gauss_newton`` from a random subset of ``size`` different examples.

        The implementation draws the subset from the seed, a whole number from 0 to 2³¹ − 1. Where the loss is
        a mean, the estimate is the mean over the subset; where it is a sum, the sum over the subset times
        m/size. ``size`` lies between 1 and m.
        """
        _missing()

    def subsample(self, m: int, size: int, seed: int) -> Array:
        """Return which of m examples ``subsampled_gauss_newton`` uses: ``size`` whole numbers below m."""
        _missing()

    def weight_smoothness(self, W: Array, grid: tuple[int, ...]) -> float:
        """Return h^d/2 Σ_j ‖∇_h w_j‖² with differences across interior faces, W of shape (c·n, ℓ)."""
        _missing()

    def weight_smoothness_gradient(self, W: Array, grid: tuple[int, ...]) -> Array:
        """Return its gradient, shape (c·n, ℓ)."""
        _missing()

    def time_smoothness(self, Theta: Array, final_time: float) -> float:
        """Return ½ Σ_k δt ‖(θ_{k+1} − θ_k)/δt‖² of parameters (N, p), δt = T/N."""
        _missing()

    def time_smoothness_gradient(self, Theta: Array, final_time: float) -> Array:
        """Return its gradient, shape (N, p)."""
        _missing()

    # -- optimisation --------------------------------------------------------------------------------------

    def conjugate_gradients(self, product: Callable[[Array], Array], b: Array, iterations: int) -> Array:
        """Return the iterate of conjugate gradients for A x = b from zero after so many iterations.

        Where they stop earlier (exact solution, pᵀAp <= 0), the last iterate. Where the very first pᵀAp is
        not positive that iterate is zero, and no direction to go; there property O9 expects b itself, the
        direction of steepest descent.
        """
        _missing()

    def line_search(
        self, value: Callable[[Array], float], x: Array, f: float, slope: float, p: Array, decrease: float
    ) -> float:
        """Return the α accepted by Armijo's rule with c₁ = ``decrease`` among 1, 1/2, 1/4, …; 0.0 if none."""
        _missing()

    def newton_step(self, objective: Any, x: Array, iterations: int) -> Array:
        """Return x + αp with H p = −g by at most so many iterations of CG, as accurate as they get.

        The objective has the methods ``value(x)``, ``value_and_gradient(x)`` and ``curvature(x)``, which
        returns the function v -> H v.
        """
        _missing()

    def block_step(
        self, parameters: Parameters, X: Array, C: Array, problem: Problem, block: str
    ) -> Parameters:
        """Return the parameters after one (Gauss–)Newton step on one block of eq. (6).

        Block ``"propagation"`` holds opening, stencils and biases, block ``"classifier"`` holds W and μ.
        """
        _missing()


OPERATIONS = tuple(
    name for name, value in vars(Adapter).items() if callable(value) and not name.startswith("_")
)
"""Names of all operations that an adapter may provide."""


def provides(adapter: Any, operation: str) -> bool:
    """Return whether an adapter has an operation of its own.

    Parameters
    ----------
    adapter : Adapter
        Or an object with the same methods.
    operation : str
        One of ``OPERATIONS``.

    Returns
    -------
    bool
        False for what the base class has only as a placeholder.
    """
    method = getattr(adapter, operation, None)
    return callable(method) and getattr(method, "__func__", None) is not getattr(Adapter, operation)


def _missing() -> NoReturn:
    raise NotImplementedError("this operation is not implemented")
