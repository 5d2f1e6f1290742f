"""Networks of PyTorch: their state_dict goes in, gives the same outputs, and comes out to be loaded again."""

from __future__ import annotations

import importlib.util
import tomllib
from pathlib import Path

import numpy as np
import pytest

from refms.cli.main import main
from refms.errors import FileError
from refms.exchange.weight_files import read_weights
from refms.grid import Grid, columns_from_nchw, nchw_from_columns
from refms.model_file import load_model
from refms.run.config.network import registered_network

torch = pytest.importorskip("torch", reason="torch is not installed: pip install refms[peers]")

PEER = Path(__file__).parents[2] / "validation" / "peers" / "image_networks.py"
MAP = """
[names]
"layers.{k}.weight" = "stencils"
"layers.{k}.bias" = "biases"
"head.weight" = "W"
"head.bias" = "mu"
"""
OPTIONS = ("channels=4", "image_channels=2", "layers=3", "final_time=1.5")
RESIDUAL = ("--architecture", "residual", *(word for one in OPTIONS for word in ("--option", one)))


class Net(torch.nn.Module):
    """The net of [LAS] as its users write it: y + δt tanh(conv(y)), then a linear layer."""

    def __init__(self, size):
        super().__init__()
        self.opening = torch.nn.Conv2d(2, 4, 1, bias=False)
        ring = {"padding": 1, "padding_mode": "circular"}
        self.layers = torch.nn.ModuleList(torch.nn.Conv2d(4, 4, 3, **ring) for _ in range(3))
        self.head = torch.nn.Linear(4 * size * size, 5)

    def forward(self, x):
        y = self.opening(x)
        for layer in self.layers:
            y = y + 0.5 * torch.tanh(layer(y))
        return self.head(y.flatten(1))


def run(*words):
    assert main([str(word) for word in words]) == 0


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    Path("names.toml").write_text(MAP, encoding="utf-8")


def images(dtype, channels, size):
    return np.random.default_rng(0).standard_normal((3, channels, size, size)).astype(dtype)


def close(found, expected, dtype):
    assert found.dtype == expected.dtype == np.dtype(dtype)
    np.testing.assert_allclose(found, expected, rtol=0, atol=300 * np.finfo(dtype).eps * abs(expected).max())


def assert_same(found, expected):
    assert list(found) == list(expected)
    for name, tensor in expected.items():
        assert found[name].dtype == tensor.dtype
        assert torch.equal(found[name], tensor), name


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_residual_net_gives_the_same_logits_and_comes_back_bit_for_bit(here, dtype):
    net = Net(8).to(getattr(torch, dtype))
    torch.save(net.state_dict(), "net.pt")
    run("import", "net.pt", *RESIDUAL, "--size", 8, "--map", "names.toml", "-o", "net.h5")
    X = images(dtype, 2, 8)
    with torch.no_grad():
        expected = net(torch.from_numpy(X)).numpy().T
    close(load_model("net.h5").outputs(columns_from_nchw(X)), expected, dtype)
    run("export", "net.h5", "-o", "again.pt")
    assert_same(torch.load("again.pt", weights_only=True), net.state_dict())


def test_carried_to_another_mesh_it_is_loaded_again(here):
    torch.save(Net(8).double().state_dict(), "net.pt")
    run("import", "net.pt", *RESIDUAL, "--size", 8, "--map", "names.toml", "-o", "net.h5")
    run("transfer", "net.h5", "--to", 16, "-o", "moved.h5")
    run("export", "moved.h5", "-o", "moved.pt")
    fine = Net(16).double()
    fine.load_state_dict(torch.load("moved.pt", weights_only=True))
    X = images("float64", 2, 16)
    with torch.no_grad():
        close(
            load_model("moved.h5").outputs(columns_from_nchw(X)),
            fine(torch.from_numpy(X)).numpy().T,
            "float64",
        )


class Normed(Net):
    """With a BatchNorm after each convolution, which has no bias."""

    def __init__(self, size):
        super().__init__(size)
        ring = {"padding": 1, "padding_mode": "circular", "bias": False}
        pairs = ((torch.nn.Conv2d(4, 4, 3, **ring), torch.nn.BatchNorm2d(4, eps=1e-3)) for _ in range(3))
        self.layers = torch.nn.ModuleList(torch.nn.Sequential(*pair) for pair in pairs)


def test_batch_norms_are_folded_as_they_are_evaluated_or_refused(here, capsys):
    net = Normed(8).double()
    for _ in range(3):
        net(torch.randn(8, 2, 8, 8, dtype=torch.float64))  # statistics
    for norm in (layer[1] for layer in net.layers):
        torch.nn.init.uniform_(norm.weight, 0.5, 2.0)
        torch.nn.init.normal_(norm.bias)
    torch.save(net.eval().state_dict(), "net.pt")
    Path("names.toml").write_text(MAP.replace("{k}", "{k}.0"), encoding="utf-8")
    words = ("import", "net.pt", *RESIDUAL, "--size", 8, "--map", "names.toml", "-o", "net.h5")
    assert main([str(word) for word in words]) == 2
    assert "couples the examples of a batch" in capsys.readouterr().err
    run(*words, "--fold-batch-norm", 1e-3)
    assert "layers.2.1 is folded into layers.2.0\n" in capsys.readouterr().out
    X = images("float64", 2, 8)
    with torch.no_grad():
        close(
            load_model("net.h5").outputs(columns_from_nchw(X)), net(torch.from_numpy(X)).numpy().T, "float64"
        )


NETWORKS = {
    "residual-image": ("image_channels=2", "width=8", "blocks=1", "time=false", "closing_scale=1.0"),
    "espcn": ("image_channels=2", "widths=[6, 4]"),
    "unet": ("image_channels=2", "base=4", "multipliers=[1, 2]", "groups=2"),
}


def peer():
    specification = importlib.util.spec_from_file_location("image_networks", PEER)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def named_as_in_torch(part):
    """Return PyTorch's name of a part."""
    path, _, leaf = part.rpartition("/")
    leaf = {"stencil": "weight", "gamma": "weight", "beta": "bias", "bias": "bias"}[leaf]
    return f"{path.replace('/', '.')}.{leaf}"


def torch_shape(part, shape):
    """A linear layer of PyTorch has two axes, where refms has a stencil of one cell on a line."""
    return shape[:2] if len(shape) == 3 and part.endswith("stencil") else shape


def assert_same_images(file, state, dtype):
    """Compare the outputs of a model with those of the network as PyTorch's users write it."""
    module, model = peer(), load_model(file)
    X = images(dtype, 2, model.grid.shape[0])
    t = np.array([0.1, 0.5, 0.9], dtype)[: 3 if type(model.architecture).__name__ == "UNet" else 0]
    columns = np.vstack([columns_from_nchw(X), *([t] if len(t) else [])])
    shapes = model.architecture.arrays.shapes
    p = {part: state[named_as_in_torch(part)].reshape(shape) for part, shape in shapes.items()}
    function = module.NETWORKS[type(model.architecture).__name__]
    times = torch.from_numpy(t) if len(t) else None
    expected = function(
        module.OPERATIONS["torch"](), model.architecture, p, torch.from_numpy(X), times
    ).numpy()
    close(nchw_from_columns(model.outputs(columns), model.grid), expected, dtype)


@pytest.mark.parametrize("architecture", NETWORKS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_networks_for_images_do_the_same_and_so_on_another_mesh(here, architecture, dtype):
    net = registered_network(architecture, tomllib.loads("\n".join(NETWORKS[architecture])), Grid((8, 8)))
    rng = np.random.default_rng(1)
    state = {}
    for part, shape in net.arrays.shapes.items():
        array = 0.3 * rng.standard_normal(torch_shape(part, shape))
        state[named_as_in_torch(part)] = torch.from_numpy(array.astype(dtype))
    torch.save(state, "net.pt")
    words = [word for one in NETWORKS[architecture] for word in ("--option", one)]
    run("import", "net.pt", "--architecture", architecture, *words, "--size", 8, "-o", "net.h5")
    assert_same_images("net.h5", state, dtype)
    run("export", "net.h5", "-o", "again.pt")
    assert_same(torch.load("again.pt", weights_only=True), state)

    run("transfer", "net.h5", "--to", 16, "-o", "moved.h5")
    run("export", "moved.h5", "-o", "moved.pt")
    moved = torch.load("moved.pt", weights_only=True)
    assert {name: tensor.shape for name, tensor in moved.items()} == {n: a.shape for n, a in state.items()}
    assert_same_images("moved.h5", moved, dtype)


@pytest.mark.parametrize(
    ("held", "words"),
    [
        (torch.zeros(2), "holds a Tensor; expected a state_dict"),
        ({"epoch": 3}, "holds 'epoch', a int; expected a state_dict"),
        ({"state_dict": {}}, "holds 'state_dict', a dict; expected a state_dict"),
        ({"w": torch.zeros(2, dtype=torch.bfloat16)}, "holds 'w' as bfloat16; expected"),
        ({"w": torch.zeros(2, dtype=torch.float16)}, "holds 'w' as float16; expected"),
        ({"w": torch.zeros(2).to_sparse()}, "expected dense float32 or float64"),
        (Path("a"), "damaged or holds more than tensors"),
    ],
    ids=["a tensor", "a number", "nested", "bfloat16", "float16", "sparse", "an object"],
)
def test_what_is_no_state_dict_of_float_tensors_is_refused(here, capsys, held, words):
    torch.save(held, "net.pt")
    assert main(["import", "net.pt", *RESIDUAL, "--size", "8", "-o", "net.h5"]) == 2
    assert words in capsys.readouterr().err
    assert not Path("net.h5").exists()


def test_changed_bytes_are_read_or_refused(here):
    torch.save(Net(2).state_dict(), "net.pt", _use_new_zipfile_serialization=False)  # without checksums
    whole, rng = Path("net.pt").read_bytes(), np.random.default_rng(0)
    refused = 0
    for place in rng.integers(0, 2000, 150):
        Path("net.pt").write_bytes(whole[:place] + rng.bytes(1) + whole[place + 1 :])
        try:
            read_weights("net.pt")
        except FileError:
            refused += 1
    assert refused > 50


def test_damaged_files_are_refused(here, capsys):
    torch.save(Net(4).state_dict(), "net.pt")
    whole = Path("net.pt").read_bytes()
    for content in (b"", b"PK\3\4", whole[: len(whole) // 2], b"\x80\x02" + whole[:50]):
        Path("net.pt").write_bytes(content)
        assert main(["import", "net.pt", *RESIDUAL, "--size", "4", "-o", "net.h5"]) == 2
        assert "damaged" in capsys.readouterr().err
