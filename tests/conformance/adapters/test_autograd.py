"""What follows by differentiation is right under every convention; no library, no adapter."""

from __future__ import annotations

import sys

import pytest

from refms.conformance import PROPERTIES, JaxAdapter, Profile, TorchAdapter, run
from refms.errors import InputError


@pytest.mark.parametrize(("made", "library"), [(TorchAdapter, "torch"), (JaxAdapter, "jax")])
def test_a_missing_library_is_named(monkeypatch, made, library):
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(InputError, match=f"cannot be imported .* pip install {library}"):
        made(Profile("mine"))


def functions_in_columns(torch):
    """Return K(S) Y and logits in one dimension, of columns (c·n, m)."""

    def convolution(S, Y, grid, boundary):
        images = Y.T.reshape(Y.shape[1], S.shape[1], *grid)
        reach = S.shape[2] // 2
        moved = [torch.roll(images, reach - k, dims=2) for k in range(S.shape[2])]
        found = sum(torch.einsum("oc,mcn->mon", S[..., k], one) for k, one in enumerate(moved))
        return found.reshape(len(found), -1).T

    def network(spec):
        def logits(p, X):
            y = convolution(p["opening"], X, spec.grid, spec.boundary)
            for s, b in zip(p["stencils"], p["biases"], strict=True):
                z = convolution(s, y, spec.grid, spec.boundary) + b.repeat_interleave(spec.grid[0])[:, None]
                y = y + spec.step * torch.tanh(z)
            return (p["W"].T @ y / spec.grid[0] + p["mu"][:, None]).T

        return logits

    return convolution, network


# PyTorch's own forward derivatives still load a part of it that it has deprecated.
@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_functions_in_columns_whose_loss_is_a_sum_pass(dtype):
    torch = pytest.importorskip("torch")
    convolution, network = functions_in_columns(torch)

    def subsample(m, size, seed):
        return torch.randperm(m, generator=torch.Generator().manual_seed(seed))[:size]

    adapter = TorchAdapter(
        Profile("mine", dtype, dimensions=(1,), reduction="sum"),
        network,
        convolution=convolution,
        subsample=subsample,
        time_smoothness=lambda Theta, T: (Theta.diff(dim=0) ** 2).sum() * len(Theta) / (2 * T),
        activation=lambda Z, name: torch.tanh(Z),
    )
    ids = {"C2", "C8", "C9", "C14", "N5", "N9", "H3", "O2", "O4", "U1", "U4", "R1", "R3"}
    report = run(adapter, properties=[item for item in PROPERTIES if item.id in ids])
    rows = [row for row in report.rows if row.id in ids]
    assert {row.id: row.sentence for row in rows if row.verdict == "FAIL"} == {}
    assert sum(row.verdict == "PASS" for row in rows) >= 10
