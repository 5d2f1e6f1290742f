"""PyTorch with refms' own mathematics: derivatives by hand, everything reusable kept between products.

The strongest thing one can write in PyTorch without compiling: 4N − 2 convolutions and no tanh in a product.
The examples go in chunks through all layers, so that a chunk stays in cache. How many examples a chunk has,
and whether the gathered columns of the states are kept or gathered again, is found out by timing, before
anything is measured: ``tuned`` takes the fastest of ``CHOICES``.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product as combinations
from typing import Any, Protocol

import torch

from benchmarks.cases import Problem
from benchmarks.engines.regularized import Regularized, regularized
from benchmarks.engines.torch_network import (
    Tensors,
    TorchEngine,
    circular,
    classify,
    flat,
    softmax_hessian,
    split,
)
from refms.optimize import Product

CHUNKS = (2, 4, 8, 16, 32, 0)
"""Examples in a chunk; 0 is all."""


class Kernel(Protocol):
    """A convolution at a fixed state, with what a kernel keeps of it."""

    def __init__(self, y: torch.Tensor, keep: bool) -> None: ...

    def apply(self, s: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Return K(s) y + b."""

    def derivative(
        self, s: torch.Tensor, ds: torch.Tensor, db: torch.Tensor, dy: torch.Tensor
    ) -> torch.Tensor:
        """Return K(ds) y + K(s) dy + db."""

    def transpose(
        self, s: torch.Tensor, g: torch.Tensor, wrt_input: bool
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Return the gradients with respect to s, b and, if asked for, y."""


class Conv2d:
    """PyTorch's own convolution; y lies padded in the first half of a buffer, the second half takes dy.

    So both terms of the derivative are one convolution with twice the channels.
    """

    def __init__(self, y: torch.Tensor, keep: bool) -> None:
        self.padded = circular(y)
        m, c, *extents = self.padded.shape
        self.pair = self.padded.new_empty(m, 2 * c, *extents) if keep else None
        if self.pair is not None:
            self.pair[:, :c] = self.padded
            self.padded = self.pair[:, :c]

    def apply(self, s: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Return K(s) y + b."""
        return torch.conv2d(self.padded, s, b)

    def derivative(
        self, s: torch.Tensor, ds: torch.Tensor, db: torch.Tensor, dy: torch.Tensor
    ) -> torch.Tensor:
        """Return K(ds) y + K(s) dy + db."""
        if self.pair is None:
            return torch.conv2d(self.padded, ds, db).add_(torch.conv2d(circular(dy), s))
        self.pair[:, dy.shape[1] :] = circular(dy)
        return torch.conv2d(self.pair, torch.cat([ds, s], 1), db)

    def transpose(
        self, s: torch.Tensor, g: torch.Tensor, wrt_input: bool
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Return the gradients with respect to s, b and, if asked for, y."""
        wide, gs, gb = torch.ops.aten.convolution_backward(
            g, self.padded, s, [len(s)], [1, 1], [0, 0], [1, 1], False, [0, 0], 1, [wrt_input, True, True]
        )
        return gs, gb, unpadded(wide) if wrt_input else None


class Columns:
    """Gathered columns and matrix products, image by image; the gradient of s uses the columns of g.

    Σ_i g_{o,i} y_{c,i+κ} = Σ_j g_{o,j-κ} y_{c,j}: what Kᵀ(s) g has gathered serves both.
    """

    def __init__(self, y: torch.Tensor, keep: bool) -> None:
        self.y = y
        self.columns = gathered(y) if keep else None

    def _of_state(self) -> torch.Tensor:
        return gathered(self.y) if self.columns is None else self.columns

    def apply(self, s: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        """Return K(s) y + b."""
        return torch.baddbmm(b[:, None], everywhere(s, self.y), self._of_state()).view_as(self.y)

    def derivative(
        self, s: torch.Tensor, ds: torch.Tensor, db: torch.Tensor, dy: torch.Tensor
    ) -> torch.Tensor:
        """Return K(ds) y + K(s) dy + db."""
        dz = torch.baddbmm(db[:, None], everywhere(ds, dy), self._of_state())
        return dz.baddbmm_(everywhere(s, dy), gathered(dy)).view_as(dy)

    def transpose(
        self, s: torch.Tensor, g: torch.Tensor, wrt_input: bool
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """Return the gradients with respect to s, b and, if asked for, y."""
        gb = g.sum((0, 2, 3))
        if not wrt_input and self.columns is not None:
            gs = torch.bmm(g.flatten(2), self.columns.transpose(1, 2)).sum(0)
            return gs.view_as(s), gb, None
        columns = gathered(g)
        found = torch.bmm(self.y.flatten(2), columns.transpose(1, 2)).sum(0)  # (c_in, c_out·9), flipped
        gs = found.view(s.shape[1], s.shape[0], *s.shape[2:]).transpose(0, 1).flip(2, 3)
        if not wrt_input:
            return gs, gb, None
        turned = s.transpose(0, 1).flip(2, 3)
        return gs, gb, torch.bmm(everywhere(turned, g), columns).view_as(self.y)


def gathered(y: torch.Tensor) -> torch.Tensor:
    """Return the columns (m, c·9, n²) of images: one copy of a strided view, faster than F.unfold."""
    wide = circular(y)
    image, channel, row, cell = wide.stride()
    view = wide.as_strided((*y.shape[:2], 3, 3, *y.shape[2:]), (image, channel, row, cell, row, cell))
    return view.reshape(len(y), -1, y[0, 0].numel())


def everywhere(s: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return stencils as one matrix (c_out, c_in·9) for each image."""
    return s.flatten(1).expand(len(y), -1, -1)


def unpadded(wide: torch.Tensor) -> torch.Tensor:
    """Return the transpose of ``circular``: the margins are added to the cells that they continue."""
    wide[..., 1, :] += wide[..., -1, :]
    wide[..., -2, :] += wide[..., 0, :]
    wide = wide[..., 1:-1, :]
    wide[..., 1] += wide[..., -1]
    wide[..., -2] += wide[..., 0]
    return wide[..., 1:-1]


@dataclass(frozen=True)
class Choice:
    """How an engine by hand works: kernel, examples in a chunk, whether it keeps what it gathered."""

    kernel: type[Kernel]
    chunk: int
    keep: bool

    def __str__(self) -> str:
        which = f"chunks of {self.chunk}" if self.chunk else "all examples at once"
        return f"{which}, what was gathered is {'kept' if self.keep else 'gathered again'}"


class Linearisation:
    """The network on one chunk of images, linearised."""

    def __init__(self, layers: Sequence[torch.Tensor], y: torch.Tensor, choice: Choice, keep: bool) -> None:
        self.dt = 2 / len(layers)
        self.stencils = layers[::2]
        self.kernels, self.slopes = [], []
        for s, b in zip(layers[::2], layers[1::2], strict=True):
            kernel = choice.kernel(y, keep)
            value = kernel.apply(s, b).tanh_()
            y = torch.add(y, value, alpha=self.dt)
            self.kernels.append(kernel)
            self.slopes.append(value.square_().neg_().add_(1).mul_(self.dt))
        self.output = y

    def push(self, directions: Sequence[torch.Tensor]) -> torch.Tensor:
        """Return dy_N."""
        dy = torch.zeros_like(self.output)
        steps = zip(self.stencils, self.kernels, self.slopes, directions[::2], directions[1::2], strict=True)
        for k, (s, kernel, slope, ds, db) in enumerate(steps):
            dz = kernel.apply(ds, db) if k == 0 else kernel.derivative(s, ds, db, dy)
            dy = torch.addcmul(dy, slope, dz)
        return dy

    def pull(self, g: torch.Tensor) -> list[torch.Tensor]:
        """Return the gradients with respect to s_0, b_0, s_1, and so on."""
        found: list[torch.Tensor] = []
        for k in reversed(range(len(self.kernels))):
            gs, gb, gy = self.kernels[k].transpose(self.stencils[k], self.slopes[k] * g, k > 0)
            found[:0] = [gs, gb]
            if gy is not None:
                g = g + gy
        return found


class ByHand:
    """The loss as a function of the stencils and biases; shapes and vectors as for :class:`Risk`."""

    def __init__(
        self, engine: TorchEngine, choice: Choice, W: torch.Tensor, mu: torch.Tensor, split: Any
    ) -> None:
        self.engine, self.choice, self.W, self.mu, self.split = engine, choice, W, mu, split
        self.scale = engine.images[0].numel()

    def pieces(self) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Return images and labels in chunks."""
        size = self.choice.chunk or len(self.engine.images)
        return list(zip(self.engine.images.split(size), self.engine.classes.split(size), strict=True))

    def linearise(self, layers: Tensors, images: torch.Tensor, keep: bool) -> Linearisation:
        """Return the network linearised on a chunk."""
        return Linearisation(layers, torch.conv2d(images, self.engine.opening), self.choice, keep)

    def share(self, labels: torch.Tensor) -> float:
        """Return the weight of a chunk in the mean."""
        return len(labels) / len(self.engine.classes)

    def back(self, F: Linearisation, G: torch.Tensor) -> list[torch.Tensor]:
        """Return the transposed Jacobian of the logits applied to G (m, ℓ)."""
        return F.pull((G @ self.W.T).div_(self.scale).view_as(F.output))

    @torch.no_grad()
    def value(self, x: Any) -> float:
        """Return the loss."""
        layers, total = self.split(x), 0.0
        for images, labels in self.pieces():
            y = torch.conv2d(images, self.engine.opening)
            for s, b in zip(layers[::2], layers[1::2], strict=True):
                y = torch.add(y, self.choice.kernel(y, False).apply(s, b).tanh_(), alpha=2 / len(layers))
            Z = classify(self.W, self.mu, y)
            total += self.share(labels) * torch.nn.functional.cross_entropy(Z, labels).item()
        return total

    @torch.no_grad()
    def value_and_gradient(self, x: Any) -> tuple[float, Any]:
        """Return the loss and its gradient."""
        layers, total, gradient = self.split(x), 0.0, None
        for images, labels in self.pieces():
            F = self.linearise(layers, images, keep=False)
            Z = classify(self.W, self.mu, F.output)
            total += self.share(labels) * torch.nn.functional.cross_entropy(Z, labels).item()
            G = torch.softmax(Z, 1)
            G[torch.arange(len(labels)), labels] -= 1
            gradient = added(gradient, self.back(F, G.div_(len(self.engine.classes))))
        return total, flat(gradient or [])

    @torch.no_grad()
    def curvature(self, x: Any) -> Product:
        """Return v -> G v."""
        layers = self.split(x)
        kept = [self.linearise(layers, images, self.choice.keep) for images, _ in self.pieces()]
        logits = [classify(self.W, self.mu, F.output) for F in kept]

        @torch.no_grad()
        def product(v: Any) -> Any:
            directions, total = self.split(v), None
            for F, Z in zip(kept, logits, strict=True):
                V = F.push(directions).flatten(1) @ self.W / self.scale
                HV = softmax_hessian(Z, V).mul_(len(Z) / len(self.engine.classes))
                total = added(total, self.back(F, HV))
            return flat(total or [])

        return product


def added(total: list[torch.Tensor] | None, parts: list[torch.Tensor]) -> list[torch.Tensor]:
    """Return sums of tensors in place; None is zero."""
    return parts if total is None else [have.add_(part) for have, part in zip(total, parts, strict=True)]


def on_features(risk: Any, parameters: Tensors) -> Callable[[Tensors], Sequence[torch.Tensor]]:
    """Return the classifier's product with its Hessian, by hand."""
    Y, volume = risk.inputs.flatten(1), risk.inputs[0, 0].numel()
    Z = risk.output(*parameters)

    def product(v: Tensors) -> Sequence[torch.Tensor]:
        dW, dmu = v
        U = softmax_hessian(Z, torch.addmm(dmu, Y, dW, alpha=1 / volume))
        return (Y.T @ U).div_(volume), U.sum(0)

    return product


class ByHandEngine(TorchEngine):
    """Problem (6) by hand; of its blocks ``joint`` is left out."""

    def __init__(self, problem: Problem, choice: Choice) -> None:
        super().__init__(problem, on_features)
        self.choice = choice

    def block(self, name: str, blocks: Mapping[str, Any], iteration: int = 0) -> Regularized:
        """Return the objective of one block."""
        if name == "joint":
            raise NotImplementedError("the joint block is not written by hand")
        risk = self.risk(name, blocks)
        if name == "propagation":
            risk = ByHand(self, self.choice, *split(blocks["classifier"], self.on_top), risk.split)
        return regularized(self.control, name, blocks, risk)


def tuned(problem: Problem, kernel: type[Kernel]) -> ByHandEngine:
    """Return the engine with the choice that multiplies fastest on this problem."""
    blocks = problem.model.blocks
    x = blocks["propagation"]
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    seconds: dict[Choice, float] = {}
    for chunk, keep in combinations(CHUNKS, (True, False)):
        if chunk >= problem.case.examples:
            continue
        choice = Choice(kernel, chunk, keep)
        product = ByHandEngine(problem, choice).block("propagation", blocks).curvature(x)
        product(x)
        start = clock()
        product(x)
        seconds[choice] = clock() - start
    return ByHandEngine(problem, min(seconds, key=seconds.__getitem__))


def with_conv2d(problem: Problem) -> ByHandEngine:
    """Return the engine that uses PyTorch's convolution."""
    return tuned(problem, Conv2d)


def with_columns(problem: Problem) -> ByHandEngine:
    """Return the engine that gathers columns."""
    return tuned(problem, Columns)


ENGINES = {"torch by hand, conv2d": with_conv2d, "torch by hand, columns": with_columns}
