"""PyTorch by automatic differentiation: forward and reverse mode in every product, or linearised once."""

from collections.abc import Callable, Sequence

import torch

from benchmarks.cases import Problem
from benchmarks.engines.torch_network import Risk, Tensors, TorchEngine, concatenated, softmax_hessian


def forward_and_reverse(risk: Risk, parameters: Tensors) -> Callable[[Tensors], Sequence[torch.Tensor]]:
    """Return the product as torch.func has it: jvp, Hessian of the loss, vjp, from scratch every time."""

    def product(v: Tensors) -> Sequence[torch.Tensor]:
        Z, V = torch.func.jvp(risk.output, parameters, v)
        return torch.func.vjp(risk.output, *parameters)[1](softmax_hessian(Z, V))

    return product


def linearised_once(risk: Risk, parameters: Tensors) -> Callable[[Tensors], Sequence[torch.Tensor]]:
    """Return the product with torch.func.linearize and one vjp, both kept between products."""
    Z, push = torch.func.linearize(risk.output, *parameters)
    pull = torch.func.vjp(risk.output, *parameters)[1]
    return lambda v: pull(softmax_hessian(Z, push(*v)))


def functional(problem: Problem) -> TorchEngine:
    """Return the engine that runs jvp and vjp in every product."""
    return TorchEngine(problem, forward_and_reverse)


def linearised(problem: Problem) -> TorchEngine:
    """Return the engine that linearises once.

    ``linearize`` of PyTorch 2.13 returns wrong numbers for circular padding, which writes in place.
    """
    return TorchEngine(problem, linearised_once, concatenated)


ENGINES = {"torch.func jvp + vjp": functional, "torch, linearised once": linearised}
