"""Ten lines around a module of PyTorch: the right one passes, and the mistake of a wrong one is named."""

from __future__ import annotations

import re
import zlib

import numpy as np
import pytest

from refms.cli import main as program
from refms.conformance import PROPERTIES, Profile, TorchAdapter, run
from refms.conformance.adapters.loading import load
from refms.errors import InputError

torch = pytest.importorskip("torch")

NET = """
import torch

class Conv(torch.nn.Conv2d):
    def __init__(self, channels_in, channels_out, bias):
        super().__init__(channels_in, channels_out, 3, padding=1, padding_mode="circular", bias=bias)

class Net(torch.nn.Module):
    def __init__(self, images, channels, layers, classes, cells, step):
        super().__init__()
        self.opening = Conv(images, channels, bias=False)
        self.layers = torch.nn.ModuleList(Conv(channels, channels, bias=True) for _ in range(layers))
        self.head = torch.nn.Linear(channels * cells, classes)
        self.register_buffer("step", torch.tensor(step, dtype=torch.float64))

    def forward(self, x):
        y = self.opening(x)
        for layer in self.layers:
            y = y + self.step * torch.tanh(layer(y))
        return self.head(y.flatten(1))
"""
ADAPTER = """
from math import prod
from net import Net
from refms.conformance import Profile, TorchAdapter

NAMES = {"opening": "opening.weight", "W": "head.weight", "mu": "head.bias",
         "stencils": "layers.{k}.weight", "biases": "layers.{k}.bias"}
SHAPE = {"dimensions": (2,), "stencil_sizes": (3,), "rectangular": False, "layout": "NCHW"}
def mine(dtype="float64"):
    profile = Profile("mine", dtype, volume_weighted=False, level="gauss-newton", **SHAPE)
    def network(s):
        return Net(s.image_channels, s.channels, s.layers, s.classes, prod(s.grid), s.step)
    return TorchAdapter(profile, network, NAMES)
"""
SUM = "y + self.step * torch.tanh(layer(y))"
FLIP = """    def _conv_forward(self, x, weight, bias):
        return super()._conv_forward(x, weight.flip(2, 3), bias)
"""
MISTAKES = [
    (SUM, "torch.tanh(y + self.step * layer(y))", "activation after the sum, σ(y + δt(K y + b))"),
    (SUM, "y + torch.tanh(layer(y))", "step δt = 1 whatever T and N are"),
    ('"circular"', '"zeros"', "zero boundary in opening and layers"),
    ("\nclass Net", f"{FLIP}\nclass Net", "kernels flipped in opening and layers"),
]


@pytest.fixture
def theirs(tmp_path):
    """Write the ten lines and their network, which may have a mistake; return what is to be judged."""

    def write(right="", wrong=""):
        name = f"net_{zlib.crc32(wrong.encode())}"  # imported once in this process
        (tmp_path / f"{name}.py").write_text(NET.replace(right, wrong), encoding="utf-8")
        (tmp_path / "mine.py").write_text(ADAPTER.replace("from net", f"from {name}"), encoding="utf-8")
        return f"{tmp_path}/mine.py:mine"

    return write


def test_a_right_network_passes(theirs, capsys):
    words = "--only", "network,gauss-newton,H3", "--dtype", "float32"
    assert program.main(["conform", "run", theirs(), *words]) == 0
    assert "float32: 17 pass, 0 marginal, 0 fail, " in capsys.readouterr().out


def test_a_wrong_network_fails_and_its_mistake_is_named(theirs, capsys):
    right, wrong, name = MISTAKES[0]
    words = "--only", "N9", "--dtype", "float64"
    assert program.main(["conform", "run", theirs(right, wrong), *words]) == 1
    assert f"your output equals: {name}.\n" in capsys.readouterr().out


def test_the_profile_that_the_probe_prints_passes(theirs, tmp_path, capsys):
    declared = next(line for line in ADAPTER.splitlines() if "profile = " in line)
    theirs()
    file, text = tmp_path / "mine.py", (tmp_path / "mine.py").read_text(encoding="utf-8")
    file.write_text(text.replace(declared, '    profile = Profile("mine", dtype)'), encoding="utf-8")
    assert program.main(["conform", "probe", f"{file}:mine", "--dtype", "float64"]) == 1
    line = capsys.readouterr().out.rpartition("right: ")[2]
    file.write_text(text.replace(declared, f"    profile = {line}"), encoding="utf-8")
    words = "--only", "N7,N9,O2,O4", "--dtype", "float64"
    assert program.main(["conform", "run", f"{file}:mine", *words]) == 0


@pytest.mark.filterwarnings("ignore:.torch.jit.script. is deprecated:DeprecationWarning")  # PyTorch's own
@pytest.mark.parametrize(("right", "wrong", "name"), MISTAKES, ids=[name for *_, name in MISTAKES])
def test_mistakes_are_named_by_outputs_and_by_gradients(theirs, right, wrong, name):
    adapter = load(theirs(right, wrong)).adapter("float64")
    report = run(adapter, properties=[item for item in PROPERTIES if item.id in ("N9", "O2")])
    found = [row.diagnosis for row in report.rows if row.verdict == "FAIL"]
    assert found == [f"your output equals: {name}"] * 2


def mine(names=None, network=None, **declared):
    """Return an adapter of a module with fixed extents."""
    shape = {"dimensions": (1,), "stencil_sizes": (3,), "layout": "NCHW", "rectangular": False}
    usual = {key: key for key in ("opening", "stencils", "biases", "W", "mu")}

    def module(spec):
        made = torch.nn.Module()
        for name, extents in (
            ("opening", (3, 2, 3)),
            ("stencils", (4, 3, 3, 3)),
            ("W", (5, 21)),
            ("mu", (5,)),
        ):
            made.register_parameter(name, torch.nn.Parameter(torch.zeros(extents)))
        made.register_parameter("biases", torch.nn.Parameter(torch.zeros(4, 3)))
        return made

    return TorchAdapter(Profile("mine", **shape, **declared), network or module, usual | (names or {}))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ({"W": "head"}, "the module has no parameter 'head'; it has opening"),
        ({"biases": "b{k}"}, "the module has no parameter 'b0'"),
        ({"W": "W[out*grid class]"}, "'W' has the shape (5, 21), but names gives (21, 5)"),
        ({"W": "W[class out]"}, "W is 'W[class out]'; expected the axes out*grid class in any order"),
        ({"opening": "W", "W": "opening"}, "the shape"),
        ({"mu": "mu{k}"}, "mu is 'mu{k}', but there is one for all layers"),
        ({"nu": "nu"}, "names are of opening, stencils, biases, W, mu, nu"),
    ],
)
def test_names_that_are_none_are_refused(names, said):
    mine()
    with pytest.raises(InputError, match=re.escape(said)):
        mine(names)


def test_an_unknown_operation_is_refused():
    with pytest.raises(InputError, match="no operation convolve"):
        TorchAdapter(Profile("mine"), convolve=torch.nn.functional.conv2d)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_arrays_keep_their_precision_and_are_not_copied_on_the_way_in(dtype):
    seen = []

    def activation(Z, name):
        seen.append(Z)
        return torch.tanh(Z)

    Z = np.linspace(-1, 1, 6, dtype=dtype).reshape(2, 3)
    found = TorchAdapter(Profile("mine", dtype), activation=activation).activation(Z, "tanh")
    assert found.dtype == Z.dtype == dtype
    assert seen[0].data_ptr() == Z.ctypes.data


def test_a_loss_of_ones_own_is_tested_by_itself_and_used():
    def loss(Z, C):
        return torch.nn.functional.cross_entropy(Z, C, reduction="sum")

    adapter = TorchAdapter(Profile("mine", reduction="sum"), loss=loss)
    Z, C = np.array([[0.0, 1.0], [0.0, -1.0]]), np.array([[1.0, 0.0], [0.0, 1.0]])
    assert float(adapter.cross_entropy(Z, C)) == pytest.approx(np.log(2) + np.log1p(np.exp(2.0)))
    p = 1 / (1 + np.exp(-2.0))
    np.testing.assert_allclose(adapter.cross_entropy_gradient(Z, C), [[-0.5, p], [0.5, -p]], rtol=1e-12)
