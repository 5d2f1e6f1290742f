"""BackPACK's matrix-free product on the PyTorch network.

Its extensions for single layers know neither circular padding nor a network whose layers are steps in time;
``hessianfree`` works on any graph, which it builds once and differentiates twice.
"""

from collections.abc import Callable, Sequence

import torch
from backpack.hessianfree.ggnvp import ggn_vector_product_from_plist
from torch.nn import functional as F  # noqa: N812 - its customary name

from benchmarks.cases import Problem
from benchmarks.engines.torch_network import Risk, Tensors, TorchEngine


def double_backward(risk: Risk, parameters: Tensors) -> Callable[[Tensors], Sequence[torch.Tensor]]:
    """Return the product on a graph that is kept between products."""
    free = [part.detach().requires_grad_() for part in parameters]
    output = risk.output(*free)
    loss = F.cross_entropy(output, risk.classes)
    return lambda v: ggn_vector_product_from_plist(loss, output, free, list(v))


def engine(problem: Problem) -> TorchEngine:
    """Return the engine."""
    return TorchEngine(problem, double_backward)


ENGINES = {"BackPACK": engine}
