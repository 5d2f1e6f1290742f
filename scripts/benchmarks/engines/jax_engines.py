"""JAX, compiled for the CPU: forward and reverse mode in every product, or linearised once.

NHWC, which XLA prefers on a CPU; data are arguments of the compiled functions, never constants in them.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.cases import STENCIL, Problem
from benchmarks.engines.regularized import Regularized, regularized
from refms.optimize import Product

Data = dict[str, Any]
Logits = Callable[[Any, Data], Any]


def circular(y: Any) -> Any:
    """Return NHWC images with one cell of their periodic continuation on every side."""
    return jnp.pad(y, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="wrap")


def features(theta: Any, data: Data) -> Any:
    """Return y_N; theta is the flat vector, layer by layer stencil and bias, and T = 1."""
    c = data["opening"].shape[-1]
    rows = theta.reshape(-1, c * c * STENCIL**2 + c)
    y = data["images"] * data["opening"]
    for row in rows:
        s = row[:-c].reshape(c, c, STENCIL, STENCIL)
        z = jax.lax.conv_general_dilated(
            circular(y), s, (1, 1), "VALID", dimension_numbers=("NHWC", "OIHW", "NHWC")
        )
        y = y + jnp.tanh(z + row[-c:]) / len(rows)
    return y


def classify(omega: Any, y: Any) -> Any:
    """Return the logits (m, ℓ); the rows of W have the channel slowest."""
    m, n, _, c = y.shape
    classes = omega.size // (c * n * n + 1)
    W = omega[:-classes].reshape(c, n, n, classes).transpose(1, 2, 0, 3).reshape(-1, classes)
    return y.reshape(m, -1) @ W / (n * n) + omega[-classes:]


def of_propagation(theta: Any, data: Data) -> Any:
    """Return the logits as a function of θ."""
    return classify(data["omega"], features(theta, data))


def of_classifier(omega: Any, data: Data) -> Any:
    """Return the logits as a function of (W, μ)."""
    return classify(omega, data["features"])


def of_both(x: Any, data: Data) -> Any:
    """Return the logits as a function of all parameters."""
    size = data["theta"].size
    return classify(x[size:], features(x[:size], data))


def softmax_hessian(Z: Any, V: Any) -> Any:
    """Return the Hessian of the mean cross entropy applied to V."""
    p = jax.nn.softmax(Z, axis=1)
    return (p * V - p * (p * V).sum(1, keepdims=True)) / len(Z)


def programs(logits: Logits) -> dict[str, Any]:
    """Return the compiled functions of one block."""

    def loss(x: Any, data: Data) -> Any:
        chosen = jnp.take_along_axis(jax.nn.log_softmax(logits(x, data), axis=1), data["classes"][:, None], 1)
        return -chosen.mean()

    def product(x: Any, v: Any, data: Data) -> Any:
        Z, V = jax.jvp(lambda u: logits(u, data), (x,), (v,))
        return jax.vjp(lambda u: logits(u, data), x)[1](softmax_hessian(Z, V))[0]

    def linearise(x: Any, data: Data) -> Any:
        return jax.linearize(lambda u: logits(u, data), x), jax.vjp(lambda u: logits(u, data), x)[1]

    def kept_product(linearised: Any, v: Any) -> Any:
        (Z, push), pull = linearised
        return pull(softmax_hessian(Z, push(v)))[0]

    found = {"loss": loss, "gradient": jax.value_and_grad(loss), "product": product}
    return {name: jax.jit(f) for name, f in {**found, "linearise": linearise, "kept": kept_product}.items()}


PROGRAMS = {
    name: programs(f)
    for name, f in (("propagation", of_propagation), ("classifier", of_classifier), ("joint", of_both))
}
FEATURES = jax.jit(features)


class Risk:
    """The mean cross entropy as a function of one block."""

    def __init__(self, block: str, data: Data, once: bool) -> None:
        self.data, self.once, self.programs = data, once, PROGRAMS[block]

    def value(self, x: Any) -> float:
        """Return the loss."""
        return float(self.programs["loss"](x, self.data))

    def value_and_gradient(self, x: Any) -> tuple[float, Any]:
        """Return the loss and its gradient."""
        value, gradient = self.programs["gradient"](x, self.data)
        return float(value), np.asarray(gradient)

    def curvature(self, x: Any) -> Product:
        """Return v -> G v."""
        if not self.once:
            return lambda v: np.asarray(self.programs["product"](x, v, self.data))
        kept = jax.block_until_ready(self.programs["linearise"](x, self.data))
        return lambda v: np.asarray(self.programs["kept"](kept, v))


class JaxEngine:
    """The blocks of problem (6) in JAX."""

    def __init__(self, problem: Problem, once: bool) -> None:
        jax.config.update("jax_enable_x64", problem.dtype == "float64")
        self.control, self.once = problem.control, once
        arrays = {
            "images": problem.images.transpose(0, 2, 3, 1),
            "opening": problem.model.arrays["opening"].reshape(-1),
            "classes": problem.classes.astype(np.int32),
        }
        self.data = {name: jnp.asarray(array) for name, array in arrays.items()}

    def block(self, name: str, blocks: Mapping[str, Any], iteration: int = 0) -> Regularized:
        """Return the objective of one block, with refms' regulariser."""
        data = {"theta": jnp.asarray(blocks["propagation"]), "omega": jnp.asarray(blocks["classifier"])}
        if name == "classifier":
            more = {"features": jax.block_until_ready(FEATURES(data["theta"], self.data))}
            data = {**more, "classes": self.data["classes"]}
        else:
            data.update(self.data)
        return regularized(self.control, name, blocks, Risk(name, data, self.once))


def compiled(problem: Problem) -> JaxEngine:
    """Return the engine that runs jvp and vjp in every product."""
    return JaxEngine(problem, once=False)


def linearised(problem: Problem) -> JaxEngine:
    """Return the engine that linearises once."""
    return JaxEngine(problem, once=True)


ENGINES = {"JAX jit": compiled, "JAX jit, linearised once": linearised}
