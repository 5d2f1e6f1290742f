"""curvlinops' GGNLinearOperator on the PyTorch network."""

from collections.abc import Callable, Sequence

import torch
from curvlinops import GGNLinearOperator

from benchmarks.cases import Problem
from benchmarks.engines.torch_network import Risk, Tensors, TorchEngine


class Net(torch.nn.Module):
    """A risk's model as a module, with its parameters as ``nn.Parameter``."""

    def __init__(self, risk: Risk, parameters: Tensors) -> None:
        super().__init__()
        self.risk = risk
        self.free = torch.nn.ParameterList([part.detach() for part in parameters])

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the logits."""
        return self.risk.model(*self.free, inputs)


def linear_operator(risk: Risk, parameters: Tensors) -> Callable[[Tensors], Sequence[torch.Tensor]]:
    """Return the product with the linear operator; its test of determinism is switched off."""
    net = Net(risk, parameters)
    operator = GGNLinearOperator(
        net,
        torch.nn.CrossEntropyLoss(),
        list(net.free),
        [(risk.inputs, risk.classes)],
        check_deterministic=False,
        num_data=len(risk.classes),
    )
    return lambda v: operator @ list(v)


def engine(problem: Problem) -> TorchEngine:
    """Return the engine."""
    return TorchEngine(problem, linear_operator)


ENGINES = {"curvlinops": engine}
