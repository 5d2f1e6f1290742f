"""The network in PyTorch's words, and its mean loss as a function of flat NumPy vectors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional as F  # noqa: N812 - its customary name

from benchmarks.cases import Problem
from benchmarks.engines.regularized import Regularized, regularized
from refms.optimize import Product

Tensors = tuple[torch.Tensor, ...]
Model = Callable[..., torch.Tensor]
Pad = Callable[[torch.Tensor], torch.Tensor]
Shapes = tuple[tuple[int, ...], ...]


def circular(y: torch.Tensor) -> torch.Tensor:
    """Return images with one cell of their periodic continuation on every side."""
    return F.pad(y, (1, 1, 1, 1), mode="circular")


def concatenated(y: torch.Tensor) -> torch.Tensor:
    """Return the same as ``circular``, without the writes in place that torch.func.linearize gets wrong."""
    y = torch.cat([y[..., -1:, :], y, y[..., :1, :]], dim=-2)
    return torch.cat([y[..., -1:], y, y[..., :1]], dim=-1)


def features(
    layers: Sequence[torch.Tensor], opening: torch.Tensor, images: torch.Tensor, pad: Pad = circular
) -> torch.Tensor:
    """Return y_N; layers are s_0, b_0, s_1, b_1, …, and T = 1."""
    y = F.conv2d(images, opening)
    for s, b in zip(layers[::2], layers[1::2], strict=True):
        y = y + 2 / len(layers) * torch.tanh(F.conv2d(pad(y), s, b))
    return y


def classify(W: torch.Tensor, mu: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Return the logits (m, ℓ); the flattened features are the rows of W."""
    return torch.addmm(mu, y.flatten(1), W, alpha=1 / y[0, 0].numel())


def softmax_hessian(Z: torch.Tensor, V: torch.Tensor) -> torch.Tensor:
    """Return the Hessian of the mean cross entropy at logits Z, applied to V."""
    p = torch.softmax(Z, 1)
    pV = p * V
    return (pV - p * pV.sum(1, keepdim=True)) / len(Z)


@dataclass(frozen=True, eq=False)
class Risk:
    """The mean cross entropy of a model, (*parameters, inputs) ↦ logits, as an objective.

    ``multiply``: (risk, parameters) ↦ the product with the Gauss–Newton matrix, on tensors.
    """

    model: Model
    inputs: torch.Tensor
    classes: torch.Tensor
    shapes: Shapes
    multiply: Callable[[Risk, Tensors], Callable[[Tensors], Sequence[torch.Tensor]]]

    def split(self, x: Any) -> Tensors:
        """Return a flat NumPy vector as parameter tensors."""
        return split(x, self.shapes)

    def output(self, *parameters: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        return self.model(*parameters, self.inputs)

    @torch.no_grad()
    def value(self, x: Any) -> float:
        """Return the loss."""
        return F.cross_entropy(self.output(*self.split(x)), self.classes).item()

    def value_and_gradient(self, x: Any) -> tuple[float, Any]:
        """Return the loss and its gradient by reverse mode."""
        parameters = tuple(part.requires_grad_() for part in self.split(x))
        loss = F.cross_entropy(self.output(*parameters), self.classes)
        return loss.item(), flat(torch.autograd.grad(loss, parameters))

    def curvature(self, x: Any) -> Product:
        """Return v -> G v."""
        product = self.multiply(self, self.split(x))
        return lambda v: flat(product(self.split(v)))


def split(x: Any, shapes: Shapes) -> Tensors:
    """Return a flat NumPy vector as tensors that lie in it one after the other and share its memory."""
    parts = torch.from_numpy(x).split([torch.Size(shape).numel() for shape in shapes])
    return tuple(part.view(shape) for part, shape in zip(parts, shapes, strict=True))


def flat(parts: Sequence[torch.Tensor]) -> Any:
    """Return tensors as one flat NumPy vector."""
    return torch.cat([part.detach().reshape(-1) for part in parts]).numpy()


class TorchEngine:
    """The blocks of problem (6) in PyTorch."""

    def __init__(self, problem: Problem, multiply: Any, pad: Pad = circular) -> None:
        self.control, self.pad = problem.control, pad
        self.multiply = multiply
        self.images, self.classes = torch.from_numpy(problem.images), torch.from_numpy(problem.classes)
        self.opening = torch.from_numpy(problem.model.arrays["opening"])
        shapes = problem.model.shapes
        self.layers = tuple(
            shape
            for _ in range(shapes["stencils"][0])
            for shape in (shapes["stencils"][1:], shapes["biases"][1:])
        )
        self.on_top = (shapes["W"], shapes["mu"])

    def block(self, name: str, blocks: Mapping[str, Any], iteration: int = 0) -> Regularized:
        """Return the objective of one block, with refms' regulariser."""
        return regularized(self.control, name, blocks, self.risk(name, blocks))

    def risk(self, name: str, blocks: Mapping[str, Any]) -> Any:
        """Return the loss of one block."""

        def on_features(W: torch.Tensor, mu: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return classify(W, mu, y)

        def everything(*parameters: torch.Tensor) -> torch.Tensor:
            *layers, W, mu, images = parameters
            return classify(W, mu, features(layers, self.opening, images, self.pad))

        if name == "joint":
            return Risk(everything, self.images, self.classes, self.layers + self.on_top, self.multiply)
        W, mu = split(blocks["classifier"], self.on_top)

        def network(*parameters: torch.Tensor) -> torch.Tensor:
            *layers, images = parameters
            return classify(W, mu, features(layers, self.opening, images, self.pad))

        below = Risk(network, self.images, self.classes, self.layers, self.multiply)
        if name == "propagation":
            return below
        with torch.no_grad():
            y = features(below.split(blocks["propagation"]), self.opening, self.images, self.pad)
        return Risk(on_features, y, self.classes, self.on_top, self.multiply)
