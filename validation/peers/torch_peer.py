"""PyTorch as its users write it: Conv2d with circular padding, NCHW, automatic differentiation.

    refms conform run validation/peers/torch_peer.py:TorchPeer

Nothing of refms' mathematics is used: the functions say the same network in PyTorch's words, derivatives come
from ``torch.func``.
"""

import torch
from torch.func import functional_call
from torch.nn import functional as F  # noqa: N812 - its customary name
from torch_layers import POOLING_AND_STRIDES, of_data, of_layers

from refms.conformance import Profile, TorchAdapter

CONV = {1: torch.nn.Conv1d, 2: torch.nn.Conv2d, 3: torch.nn.Conv3d}
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}
POOL = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
SIGMA = {"tanh": torch.tanh, "relu": F.relu, "leaky_relu": F.leaky_relu, "identity": lambda z: z}


def convolve(S, Y, boundary="periodic", bias=None):
    """Return Conv{1,2,3}d(padding_mode="circular") with weights S (c_out, c_in, *stencil)."""
    mode = "circular" if boundary == "periodic" else "zeros"
    grid, stencil = Y.shape[2:], S.shape[2:]
    # Circular padding refuses to go round more than once: repeat small images instead.
    copies = [-(-(k // 2) // n) if mode == "circular" else 1 for n, k in zip(grid, stencil, strict=True)]
    with torch.device("meta"):  # the layer without its random numbers
        layer = CONV[len(grid)](
            S.shape[1], S.shape[0], tuple(stencil), padding="same", padding_mode=mode, bias=bias is not None
        )
    numbers = {"weight": S} if bias is None else {"weight": S, "bias": bias}
    wide = functional_call(layer, numbers, (Y.repeat(1, 1, *(max(1, c) for c in copies)),))
    return wide[(..., *(slice(n) for n in grid))]


def features(p, X, problem):
    """Return y_N: y_0 = L x, then N residual steps."""
    y, layers = convolve(p["opening"], X, problem.boundary), len(p["stencils"])
    for s, b in zip(p["stencils"], p["biases"], strict=True):
        y = y + problem.final_time / layers * SIGMA[problem.activation](convolve(s, y, problem.boundary, b))
    return y


def classify(W, mu, Y):
    """Return h^d Wᵀ y + μ, (ℓ, m); the flattened NCHW features are the rows of W."""
    return (Y.flatten(1) @ W / Y[0, 0].numel() + mu).T


def entropy(Z, C):
    """Return the mean cross entropy of logits and (soft) labels; PyTorch wants examples first."""
    return F.cross_entropy(Z.T, C.T)


def smoothness(W, grid):
    """Return h^d/2 Σ‖∇_h w‖²; the rows of W are channels by cells."""
    w = W.reshape(-1, *grid, W.shape[1])
    return sum((w.diff(dim=axis + 1) * n).square().sum() for axis, n in enumerate(grid)) / (
        2 * torch.Size(grid).numel()
    )


def in_time(Theta, final_time):
    """Return ½ Σ δt ‖(θ_{k+1} − θ_k)/δt‖²."""
    return Theta.diff(dim=0).square().sum() * len(Theta) / (2 * final_time)


def restrict(Y, grid=None, pair=None):
    """Return the means of 2^d cells; both pairs have the same."""
    if any(n % 2 for n in Y.shape[2:]):
        raise ValueError(f"{tuple(Y.shape[2:])} cannot be halved")
    return POOL[Y.ndim - 2](Y, 2)


def prolong(Y, grid, pair):
    """Return (bi-, tri-)linear interpolation between cell centres, or copies."""
    if pair == "averaging-constant":
        return F.interpolate(Y, scale_factor=2, mode="nearest")
    d = Y.ndim - 2
    # align_corners=False is the (1, 3, 3, 1)/4 of cell centres; one periodic cell more at every end.
    padded = F.pad(Y, (1, 1) * d, mode="circular")
    return F.interpolate(padded, scale_factor=2, mode=LINEAR[d])[(..., *(slice(2, -2),) * d)]


def stencil_map(size, pair, dtype):
    """Return the matrix of s_h -> s_H in one dimension, read off R K(s) P applied to a delta image."""
    n = size + 4
    delta = torch.eye(n, dtype=dtype)[n // 2].reshape(1, 1, n)
    units = torch.eye(size, dtype=dtype).unsqueeze(1)
    found = restrict(convolve(units, prolong(delta, None, pair)))[0].T.flip(0)
    while not found[[0, -1]].any():
        found = found[1:-1]
    return found


def stencil_down(S, pair):
    """Return the coarse stencils of the Galerkin product."""
    for axis, size in enumerate(S.shape[2:], start=2):
        S = torch.tensordot(S, stencil_map(size, pair, S.dtype), ([axis], [1])).movedim(-1, axis)
    return S


def stencil_up(S, pair):
    """Return the fine stencils of the same size."""
    for axis, size in enumerate(S.shape[2:], start=2):
        A = stencil_map(size, pair, S.dtype)
        if A.shape != (size, size):
            raise ValueError(f"stencils of size {size} become those of size {len(A)}: no way back")
        S = torch.tensordot(S, torch.linalg.inv(A), ([axis], [1])).movedim(-1, axis)
    return S


def deeper(Theta, layers):
    """Return linear interpolation in time, constant beyond the last layer."""
    last = len(Theta) - 1
    time = (torch.arange(layers, dtype=Theta.dtype) * len(Theta) / layers).clamp(max=last)
    before = time.floor().long()
    return torch.lerp(Theta[before], Theta[(before + 1).clamp(max=last)], (time - before).unsqueeze(1))


def subset(m, size, seed):
    """Return random indices without repetition."""
    return torch.randperm(m, generator=torch.Generator().manual_seed(seed))[:size]


def TorchPeer(dtype="float64"):
    """PyTorch on the CPU; it has no conjugate gradients, line search or Newton step, so they are left out."""
    profile = Profile(
        f"PyTorch {torch.__version__}",
        dtype=dtype,
        layout="NCHW",
        boundaries=("periodic", "zero"),
        pairs=("averaging-bilinear", "averaging-constant"),
        activations=tuple(SIGMA),
    )
    return TorchAdapter(
        profile,
        lambda spec: lambda p, X: classify(p["W"], p["mu"], features(p, X, spec)).T,
        forward=features,
        logits=lambda W, mu, Y, grid: classify(W, mu, Y),
        convolution=lambda S, Y, grid, boundary: convolve(S, Y, boundary),
        activation=lambda Z, name: SIGMA[name](Z),
        cross_entropy=entropy,
        weight_smoothness=smoothness,
        time_smoothness=in_time,
        restrict=restrict,
        prolong=prolong,
        stencil_down=stencil_down,
        stencil_up=stencil_up,
        depth_prolong=deeper,
        subsample=subset,
        **POOLING_AND_STRIDES,
        **of_layers(convolve, SIGMA),
        **of_data(getattr(torch, dtype)),
    )
