"""JAX as its users write it: pure functions, NHWC, jax.lax convolutions, jvp and vjp.

    refms conform run validation/peers/jax_peer.py:JaxPeer

Double precision is switched on around every call, so that nothing of the caller's JAX changes.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from refms.conformance import Adapter, Profile

NUMBERS = {1: ("NWC", "OIW", "NWC"), 2: ("NHWC", "OIHW", "NHWC"), 3: ("NDHWC", "OIDHW", "NDHWC")}
# The kit asks for many tiny programs and runs each once or twice: compile them in a tenth of the time.
# None is for what XLA does by itself.
SHORT = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_use_fusion_emitters": False,
    "xla_llvm_disable_expensive_passes": True,
    "xla_cpu_parallel_codegen_split_count": 1,
}
SIGMA = {"tanh": jnp.tanh, "relu": jax.nn.relu, "leaky_relu": jax.nn.leaky_relu, "identity": lambda z: z}


def convolve(S, Y, boundary="periodic"):
    """Return jax.lax's convolution of NHWC images, on images wrapped around (or padded with zeros)."""
    margins = [(0, 0), *((n // 2, n // 2) for n in S.shape[2:]), (0, 0)]
    wide = jnp.pad(Y, margins, mode="wrap" if boundary == "periodic" else "constant")
    strides = (1,) * (Y.ndim - 2)
    return jax.lax.conv_general_dilated(wide, S, strides, "VALID", dimension_numbers=NUMBERS[Y.ndim - 2])


def adjoint(S, Z, boundary):
    """Return K(S)ᵀ Z."""
    start = jnp.zeros((*Z.shape[:-1], S.shape[1]), Z.dtype)
    return jax.vjp(lambda y: convolve(S, y, boundary), start)[1](Z)[0]


def stencil_gradient(Z, Y, stencil, boundary):
    """Return ∂⟨Z, K(S)Y⟩/∂S."""
    start = jnp.zeros((Z.shape[-1], Y.shape[-1], *stencil), Z.dtype)
    return jax.vjp(lambda s: convolve(s, Y, boundary), start)[1](Z)[0]


def matrix(S, grid, boundary):
    """Return K(S), channel slowest in rows and columns."""
    size = S.shape[1] * math.prod(grid)
    units = jnp.eye(size, dtype=S.dtype).reshape(size, S.shape[1], *grid)
    columns = convolve(S, jnp.moveaxis(units, 1, -1), boundary)
    return jnp.moveaxis(columns, -1, 1).reshape(size, -1).T


def restrict(Y, pair):
    """Return means of neighbours along every axis."""
    for axis in range(1, Y.ndim - 1):
        if Y.shape[axis] % 2:
            raise ValueError(f"{Y.shape[1:-1]} cannot be halved")
        Y = Y.reshape(*Y.shape[:axis], -1, 2, *Y.shape[axis + 1 :]).mean(axis=axis + 1)
    return Y


def prolong(Y, pair):
    """Return copies, or cell-centred linear interpolation (3y_J + y_{J∓1})/4, along every axis."""
    for axis in range(1, Y.ndim - 1):
        left, right = Y, Y
        if pair == "averaging-bilinear":
            left, right = ((3 * Y + jnp.roll(Y, k, axis)) / 4 for k in (1, -1))
        both = jnp.stack([left, right], axis=axis + 1)
        Y = both.reshape(*Y.shape[:axis], -1, *Y.shape[axis + 1 :])
    return Y


def features(p, X, problem):
    """Return y_N."""
    dt, sigma = problem.final_time / len(p["stencils"]), SIGMA[problem.activation]

    def layer(y, numbers):
        s, b = numbers
        return y + dt * sigma(convolve(s, y, problem.boundary) + b), None

    start = convolve(p["opening"], X, problem.boundary)
    return jax.lax.scan(layer, start, (p["stencils"], p["biases"]))[0]


def classify(W, mu, Y):
    """Return h^d Wᵀ y + μ; the rows of W have the channel slowest, so NHWC features are turned first."""
    rows = jnp.moveaxis(Y, -1, 1).reshape(len(Y), -1)
    return W.T @ rows.T / math.prod(Y.shape[1:-1]) + mu[:, None]


def output(p, X, problem):
    """Return the logits of images."""
    return classify(p["W"], p["mu"], features(p, X, problem))


def entropy(Z, C):
    """Return the mean cross entropy of logits and (soft) labels, (ℓ, m)."""
    return -(C * jax.nn.log_softmax(Z, axis=0)).sum() / Z.shape[1]


def entropy_product(Z, C, V):
    """Return the Hessian of the cross entropy applied to V."""
    return jax.jvp(lambda z: jax.grad(entropy)(z, C), (Z,), (V,))[1]


def loss(p, X, C, problem):
    """Return the mean loss."""
    return entropy(output(p, X, problem), C)


def product(p, v, X, problem):
    """Return the derivative of the logits along v."""
    return jax.jvp(lambda q: output(q, X, problem), (p,), (v,))[1]


def transpose(p, U, X, problem):
    """Return the transposed Jacobian of the logits applied to U."""
    return jax.vjp(lambda q: output(q, X, problem), p)[1](U)[0]


def gauss_newton(p, v, X, C, problem):
    """Return JᵀHJ v."""
    Z, V = jax.jvp(lambda q: output(q, X, problem), (p,), (v,))
    return transpose(p, entropy_product(Z, C, V), X, problem)


def subset(seed, m, size):
    """Return random indices without repetition."""
    return jax.random.permutation(jax.random.key(seed), m)[:size]


def smoothness(W, grid):
    """Return h^d/2 Σ‖∇_h w‖²."""
    w = W.reshape(-1, *grid, W.shape[1])
    total = sum(((jnp.diff(w, axis=axis + 1) * n) ** 2).sum() for axis, n in enumerate(grid))
    return total / (2 * math.prod(grid))


def in_time(Theta, final_time):
    """Return ½ Σ δt ‖(θ_{k+1} − θ_k)/δt‖²."""
    return (jnp.diff(Theta, axis=0) ** 2).sum() * len(Theta) / (2 * final_time)


def deeper(Theta, layers):
    """Return linear interpolation in time, constant beyond the last layer."""
    time = jnp.arange(layers, dtype=Theta.dtype) * len(Theta) / layers
    old = jnp.arange(len(Theta), dtype=Theta.dtype)
    return jax.vmap(lambda one: jnp.interp(time, old, one), 1, 1)(Theta)


def slope(Z, name):
    """Return σ′, entry by entry."""
    return jax.grad(lambda z: SIGMA[name](z).sum())(Z)


# Made once, so that what was compiled for them is found again.
ENTROPY_GRADIENT, GRADIENT = jax.grad(entropy), jax.grad(loss)
SMOOTHNESS_GRADIENT, IN_TIME_GRADIENT = jax.grad(smoothness), jax.grad(in_time)


class JaxPeer(Adapter):
    """JAX on the CPU; of the stencil transfer and the optimisers it has nothing of its own."""

    def __init__(self, dtype="float64", options=SHORT):
        self.options = options
        pairs = ("averaging-bilinear", "averaging-constant")
        super().__init__(
            Profile(
                f"JAX {jax.__version__}",
                dtype=dtype,
                layout="NHWC",
                boundaries=("periodic", "zero"),
                pairs=pairs,
                activations=tuple(SIGMA),
            )
        )

    def _run(self, function, *arguments):
        """Compile and call a function; what is no array, such as a name or a grid, is part of the program."""
        arrays = (np.ndarray, dict)
        static = tuple(k for k, argument in enumerate(arguments) if not isinstance(argument, arrays))
        with jax.enable_x64(self.profile.dtype == "float64"):
            return jax.jit(function, static_argnums=static, compiler_options=self.options)(*arguments)

    def convolution(self, S, Y, grid, boundary):
        return self._run(convolve, S, Y, boundary)

    def convolution_adjoint(self, S, Z, grid, boundary):
        return self._run(adjoint, S, Z, boundary)

    def stencil_gradient(self, Z, Y, grid, stencil, boundary):
        return self._run(stencil_gradient, Z, Y, stencil, boundary)

    def convolution_matrix(self, S, grid, boundary):
        return self._run(matrix, S, grid, boundary)

    def restrict(self, Y, grid, pair):
        return self._run(restrict, Y, pair)

    def prolong(self, Y, grid, pair):
        return self._run(prolong, Y, pair)

    def forward(self, parameters, X, problem):
        return self._run(features, parameters, X, problem)

    def activation(self, Z, name):
        return self._run(SIGMA[name], Z)

    def activation_derivative(self, Z, name):
        return self._run(slope, Z, name)

    def logits(self, W, mu, Y, grid):
        return self._run(classify, W, mu, Y)

    def jacobian_product(self, parameters, direction, X, problem):
        return self._run(product, parameters, direction, X, problem)

    def jacobian_transpose(self, parameters, U, X, problem):
        return self._run(transpose, parameters, U, X, problem)

    def depth_prolong(self, Theta, layers):
        return self._run(deeper, Theta, layers)

    def cross_entropy(self, Z, C):
        return self._run(entropy, Z, C)

    def cross_entropy_gradient(self, Z, C):
        return self._run(ENTROPY_GRADIENT, Z, C)

    def cross_entropy_hessian(self, Z, C, V):
        return self._run(entropy_product, Z, C, V)

    def loss(self, parameters, X, C, problem):
        return self._run(loss, parameters, X, C, problem)

    def gradient(self, parameters, X, C, problem):
        return self._run(GRADIENT, parameters, X, C, problem)

    def gauss_newton(self, parameters, direction, X, C, problem):
        return self._run(gauss_newton, parameters, direction, X, C, problem)

    def subsample(self, m, size, seed):
        return np.asarray(self._run(subset, np.array(seed, "uint32"), m, size))

    def subsampled_gauss_newton(self, parameters, direction, X, C, problem, size, seed):
        S = self.subsample(len(X), size, seed)
        return self.gauss_newton(parameters, direction, X[S], C[:, S], problem)

    def weight_smoothness(self, W, grid):
        return self._run(smoothness, W, grid)

    def weight_smoothness_gradient(self, W, grid):
        return self._run(SMOOTHNESS_GRADIENT, W, grid)

    def time_smoothness(self, Theta, final_time):
        return self._run(in_time, Theta, final_time)

    def time_smoothness_gradient(self, Theta, final_time):
        return self._run(IN_TIME_GRADIENT, Theta, final_time)
