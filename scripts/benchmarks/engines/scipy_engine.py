"""SciPy's sparse matrices: every K(s) explicit, derivatives by hand, everything reusable kept.

The pattern of K is computed once; new stencils are numbers filled into it. Written without refms' operators.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse
import scipy.special

from benchmarks.cases import CLASSES, STENCIL, Problem
from benchmarks.engines.regularized import Regularized, regularized
from refms.optimize import Product


class Pattern:
    """The pattern of K(s) on n×n cells with c channels, periodic, 3×3."""

    def __init__(self, n: int, c: int) -> None:
        self.channels, self.cells = c, n * n
        numbers = np.arange(n * n).reshape(n, n)
        reach = range(-(STENCIL // 2), STENCIL // 2 + 1)
        self.neighbours = np.stack([np.roll(numbers, (-i, -j), (0, 1)).ravel() for i in reach for j in reach])
        # A row is (channel, cell); its entries are (channel in, κ).
        columns = np.arange(c)[:, None, None] * n * n + self.neighbours
        self.indices = (
            np.broadcast_to(columns.transpose(2, 0, 1), (c, n * n, c, STENCIL**2)).astype(np.int32).ravel()
        )
        self.indptr = np.arange(0, self.indices.size + 1, c * STENCIL**2, dtype=np.int32)
        self.shape = (c * n * n,) * 2

    def matrix(self, s: Any) -> Any:
        """Return K(s) for stencils (c, c, 3, 3)."""
        c = self.channels
        rows = s.reshape(c, 1, c, STENCIL**2)
        data = np.broadcast_to(rows, (c, self.cells, c, STENCIL**2)).ravel()
        return scipy.sparse.csr_array((data, self.indices, self.indptr), shape=self.shape)

    def stencil_gradient(self, Z: Any, Y: Any) -> Any:
        """Return ⟨Z, Π_κ Y⟩ for all κ and pairs of channels, (c, c, 3, 3)."""
        c = self.channels
        flat, columns = Z.reshape(c, -1), Y.reshape(c, self.cells, -1)
        found = [flat @ columns[:, cells].reshape(c, -1).T for cells in self.neighbours]
        return np.stack(found, axis=-1).reshape(c, c, STENCIL, STENCIL)


class Linearisation:
    """The network linearised at θ for all images."""

    def __init__(self, engine: ScipyEngine, theta: Any) -> None:
        self.engine = engine
        self.matrices, self.states, self.slopes = [], [], []
        y = engine.opened
        for s, b in engine.layers(theta):
            K = engine.pattern.matrix(s)
            value = np.tanh(engine.with_bias(K @ y, b))
            self.matrices.append(K)
            self.states.append(y)
            self.slopes.append((1 - value**2) * engine.dt)
            y = y + engine.dt * value
        self.output = y
        self.transposes = [K.T.tocsr() for K in self.matrices]

    def push(self, v: Any) -> Any:
        """Return dy_N."""
        engine, dy = self.engine, None
        for k, (ds, db) in enumerate(engine.layers(v)):
            dz = engine.pattern.matrix(ds) @ self.states[k]
            if dy is not None:
                dz += self.matrices[k] @ dy
            update = self.slopes[k] * engine.with_bias(dz, db)
            dy = update if dy is None else dy + update
        return dy

    def pull(self, g: Any) -> Any:
        """Return the gradient with respect to θ."""
        found = []
        for k in reversed(range(len(self.states))):
            dz = self.slopes[k] * g
            gs = self.engine.pattern.stencil_gradient(dz, self.states[k])
            found.append(np.concatenate([gs.ravel(), dz.reshape(self.engine.pattern.channels, -1).sum(1)]))
            if k:
                g = g + self.transposes[k] @ dz
        return np.concatenate(found[::-1])


class OnNetwork:
    """The mean cross entropy as a function of θ."""

    def __init__(self, engine: ScipyEngine, omega: Any) -> None:
        self.engine = engine
        self.W, self.mu = engine.on_top(omega)

    def value(self, x: Any) -> float:
        """Return the loss."""
        engine, y = self.engine, self.engine.opened
        for s, b in engine.layers(x):
            y = y + engine.dt * np.tanh(engine.with_bias(engine.pattern.matrix(s) @ y, b))
        return engine.loss(engine.logits(self.W, self.mu, y))

    def value_and_gradient(self, x: Any) -> tuple[float, Any]:
        """Return the loss and its gradient."""
        engine, F = self.engine, Linearisation(self.engine, x)
        Z = engine.logits(self.W, self.mu, F.output)
        G = (scipy.special.softmax(Z, axis=0) - engine.one_hot) / Z.shape[1]
        return engine.loss(Z), F.pull(self.W @ G / engine.pattern.cells)

    def curvature(self, x: Any) -> Product:
        """Return v -> G v."""
        engine, F = self.engine, Linearisation(self.engine, x)
        p = scipy.special.softmax(engine.logits(self.W, self.mu, F.output), axis=0)

        def product(v: Any) -> Any:
            HV = softmax_hessian(p, self.W.T @ F.push(v) / engine.pattern.cells)
            return F.pull(self.W @ HV / engine.pattern.cells)

        return product


class OnFeatures:
    """The mean cross entropy as a function of (W, μ)."""

    def __init__(self, engine: ScipyEngine, theta: Any) -> None:
        self.engine = engine
        y = engine.opened
        for s, b in engine.layers(theta):
            y = y + engine.dt * np.tanh(engine.with_bias(engine.pattern.matrix(s) @ y, b))
        self.y = y

    def value(self, x: Any) -> float:
        """Return the loss."""
        return self.engine.loss(self.engine.logits(*self.engine.on_top(x), self.y))

    def value_and_gradient(self, x: Any) -> tuple[float, Any]:
        """Return the loss and its gradient."""
        Z = self.engine.logits(*self.engine.on_top(x), self.y)
        return self.engine.loss(Z), self._pull(
            (scipy.special.softmax(Z, axis=0) - self.engine.one_hot) / Z.shape[1]
        )

    def curvature(self, x: Any) -> Product:
        """Return v -> G v, the Hessian."""
        p = scipy.special.softmax(self.engine.logits(*self.engine.on_top(x), self.y), axis=0)
        return lambda v: self._pull(softmax_hessian(p, self.engine.logits(*self.engine.on_top(v), self.y)))

    def _pull(self, G: Any) -> Any:
        return np.concatenate([(self.y @ G.T / self.engine.pattern.cells).ravel(), G.sum(1)])


def softmax_hessian(p: Any, V: Any) -> Any:
    """Return the Hessian of the mean cross entropy with probabilities p (ℓ, m), applied to V."""
    return (p * V - p * (p * V).sum(0)) / V.shape[1]


class ScipyEngine:
    """Problem (6) with explicit matrices; of its blocks ``joint`` is left out."""

    def __init__(self, problem: Problem) -> None:
        case = problem.case
        self.control, self.pattern = problem.control, Pattern(case.n, case.channels)
        self.dt, self.classes = 1 / case.layers, problem.classes
        self.one_hot = problem.control.examples.targets
        images = problem.images.reshape(case.examples, -1).T
        self.opened = (problem.model.arrays["opening"].reshape(-1, 1, 1) * images).reshape(-1, case.examples)

    def layers(self, theta: Any) -> list[tuple[Any, Any]]:
        """Return stencils and biases, layer by layer."""
        c = self.pattern.channels
        rows = theta.reshape(-1, c * c * STENCIL**2 + c)
        return [(row[:-c], row[-c:]) for row in rows]

    def with_bias(self, Z: Any, b: Any) -> Any:
        """Return Z + b, in place."""
        wide = Z.reshape(self.pattern.channels, -1)
        wide += b[:, None]
        return Z

    def on_top(self, omega: Any) -> tuple[Any, Any]:
        """Return W and μ."""
        return omega[:-CLASSES].reshape(-1, CLASSES), omega[-CLASSES:]

    def logits(self, W: Any, mu: Any, y: Any) -> Any:
        """Return the logits (ℓ, m)."""
        return W.T @ y / self.pattern.cells + mu[:, None]

    def loss(self, Z: Any) -> float:
        """Return the mean cross entropy."""
        columns = np.arange(Z.shape[1])
        return float(-scipy.special.log_softmax(Z, axis=0)[self.classes, columns].mean())

    def block(self, name: str, blocks: Mapping[str, Any], iteration: int = 0) -> Regularized:
        """Return the objective of one block."""
        if name == "joint":
            raise NotImplementedError("the joint block is not written with explicit matrices")
        if name == "propagation":
            return regularized(self.control, name, blocks, OnNetwork(self, blocks["classifier"]))
        return regularized(self.control, name, blocks, OnFeatures(self, blocks["propagation"]))


ENGINES = {"SciPy, explicit K(s)": ScipyEngine}
