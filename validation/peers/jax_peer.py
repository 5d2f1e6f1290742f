"""JAX as its users write it: pure functions, NHWC, jax.lax convolutions, jvp and vjp.

refms conform run validation/peers/jax_peer.py:JaxPeer
"""

import math

import jax
import jax.numpy as jnp
import numpy as np

from refms.conformance import JaxAdapter, Profile

NUMBERS = {1: ("NWC", "OIW", "NWC"), 2: ("NHWC", "OIHW", "NHWC"), 3: ("NDHWC", "OIDHW", "NDHWC")}
SIGMA = {"tanh": jnp.tanh, "relu": jax.nn.relu, "leaky_relu": jax.nn.leaky_relu, "identity": lambda z: z}


def convolve(S, Y, boundary="periodic"):
    """Return jax.lax's convolution of NHWC images, on images wrapped around (or padded with zeros)."""
    margins = [(0, 0), *((n // 2, n // 2) for n in S.shape[2:]), (0, 0)]
    wide = jnp.pad(Y, margins, mode="wrap" if boundary == "periodic" else "constant")
    strides = (1,) * (Y.ndim - 2)
    return jax.lax.conv_general_dilated(wide, S, strides, "VALID", dimension_numbers=NUMBERS[Y.ndim - 2])


def restrict(Y, grid, pair):
    """Return means of neighbours along every axis."""
    for axis in range(1, Y.ndim - 1):
        if Y.shape[axis] % 2:
            raise ValueError(f"{Y.shape[1:-1]} cannot be halved")
        Y = Y.reshape(*Y.shape[:axis], -1, 2, *Y.shape[axis + 1 :]).mean(axis=axis + 1)
    return Y


def prolong(Y, grid, pair):
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


def entropy(Z, C):
    """Return the mean cross entropy of logits and (soft) labels, (ℓ, m)."""
    return -(C * jax.nn.log_softmax(Z, axis=0)).sum() / Z.shape[1]


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


class JaxPeer(JaxAdapter):
    """JAX on the CPU; of the stencil transfer and the optimisers it has nothing of its own."""

    def __init__(self, dtype="float64"):
        profile = Profile(
            f"JAX {jax.__version__}",
            dtype=dtype,
            layout="NHWC",
            boundaries=("periodic", "zero"),
            pairs=("averaging-bilinear", "averaging-constant"),
            activations=tuple(SIGMA),
        )
        super().__init__(
            profile,
            lambda spec: lambda p, X: classify(p["W"], p["mu"], features(p, X, spec)).T,
            forward=features,
            logits=lambda W, mu, Y, grid: classify(W, mu, Y),
            convolution=lambda S, Y, grid, boundary: convolve(S, Y, boundary),
            activation=lambda Z, name: SIGMA[name](Z),
            cross_entropy=entropy,
            weight_smoothness=smoothness,
            time_smoothness=in_time,
            restrict=restrict,
            prolong=prolong,
            depth_prolong=deeper,
        )

    def subsample(self, m, size, seed):
        return self.run(subset, np.array(seed, "uint32"), m, size)  # the seed as an array: no new program
