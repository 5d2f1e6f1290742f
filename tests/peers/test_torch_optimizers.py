"""Optimisers of PyTorch are right where the kit says what is right: independent judges of the kit."""

from __future__ import annotations

import numpy as np
import pytest

from refms.conformance import PROPERTIES, Adapter, Profile
from refms.conformance.adapters.gate import Gate
from refms.conformance.runner import check_property

torch = pytest.importorskip("torch")


class TorchOptimizers(Adapter):
    """torch.optim and torch.linalg, as their users call them."""

    def momentum(self, gradient, x, rates, momentum):
        return self._updated(lambda ps: torch.optim.SGD(ps, momentum=momentum), gradient, x, rates)

    def adam(self, gradient, x, rates):
        return self._updated(torch.optim.Adam, gradient, x, rates)

    def _updated(self, make, gradient, x, rates):
        p = torch.nn.Parameter(torch.from_numpy(x.copy()))
        rule, found = make([p]), []
        for k, rate in enumerate(rates.tolist()):
            rule.param_groups[0]["lr"] = rate
            p.grad = torch.from_numpy(gradient(p.detach().numpy().copy(), k))
            rule.step()
            found.append(p.detach().numpy().copy())
        return np.stack(found)

    def damped_step(self, product, g, damping, iterations):
        unit = np.eye(len(g), dtype=g.dtype)
        H = torch.from_numpy(np.stack([product(e) for e in unit]))
        return torch.linalg.solve(H + damping * torch.from_numpy(unit), -torch.from_numpy(g)).numpy()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", ["V2", "V7", "V8"])
def test_pytorch_passes(name, dtype):
    item = next(one for one in PROPERTIES if one.id == name)
    row = check_property(Gate(TorchOptimizers(Profile("torch.optim", dtype))), item, "quick", 2)
    assert row.verdict == "PASS", row.sentence
