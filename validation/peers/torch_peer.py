"""PyTorch as its users write it: Conv2d with circular padding, NCHW, automatic differentiation.

    refms conform run validation/peers/torch_peer.py:TorchPeer

Nothing of refms' mathematics is used: the methods say the same network in PyTorch's words, derivatives come
from ``torch.func``. Results go back as tensors; the kit reads them by DLPack.
"""

import threading

import torch
from torch.func import functional_call, grad, jvp, vjp
from torch.nn import functional as F  # noqa: N812 - its customary name

from refms.conformance import Adapter, Profile

CONV = {1: torch.nn.Conv1d, 2: torch.nn.Conv2d, 3: torch.nn.Conv3d}
LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}
POOL = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
FORWARD = threading.Lock()  # torch.func.jvp counts its levels for the whole process, not for each thread
SIGMA = {"tanh": torch.tanh, "relu": F.relu, "leaky_relu": F.leaky_relu, "identity": lambda z: z}


def tensors(*arrays):
    """Return NumPy arrays, or dictionaries of them, as tensors that share their memory."""
    made = [
        {key: torch.from_numpy(one) for key, one in array.items()}
        if isinstance(array, dict)
        else torch.from_numpy(array)
        for array in arrays
    ]
    return made if len(made) > 1 else made[0]


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


def output(p, X, problem):
    """Return the logits of images."""
    return classify(p["W"], p["mu"], features(p, X, problem))


def entropy(Z, C):
    """Return the mean cross entropy of logits and (soft) labels; PyTorch wants examples first."""
    return F.cross_entropy(Z.T, C.T)


def along(function, at, direction):
    """Return the derivative of a function along a direction."""
    with FORWARD:
        return jvp(function, (at,), (direction,))[1]


def entropy_product(Z, C, V):
    """Return the Hessian of the cross entropy applied to V."""
    return along(grad(lambda z: entropy(z, C)), Z, V)


def smoothness(W, grid):
    """Return h^d/2 Σ‖∇_h w‖²; the rows of W are channels by cells."""
    w = W.reshape(-1, *grid, W.shape[1])
    return sum((w.diff(dim=axis + 1) * n).square().sum() for axis, n in enumerate(grid)) / (
        2 * torch.Size(grid).numel()
    )


def in_time(Theta, final_time):
    """Return ½ Σ δt ‖(θ_{k+1} − θ_k)/δt‖²."""
    return Theta.diff(dim=0).square().sum() * len(Theta) / (2 * final_time)


def restrict(Y):
    """Return the means of 2^d cells."""
    if any(n % 2 for n in Y.shape[2:]):
        raise ValueError(f"{tuple(Y.shape[2:])} cannot be halved")
    return POOL[Y.ndim - 2](Y, 2)


def prolong(Y, pair):
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
    found = restrict(convolve(units, prolong(delta, pair)))[0].T.flip(0)
    while not found[[0, -1]].any():
        found = found[1:-1]
    return found


class TorchPeer(Adapter):
    """PyTorch on the CPU; it has no conjugate gradients, line search or Newton step, so they are left out."""

    def __init__(self, dtype="float64"):
        super().__init__(
            Profile(
                f"PyTorch {torch.__version__}",
                dtype=dtype,
                layout="NCHW",
                boundaries=("periodic", "zero"),
                pairs=("averaging-bilinear", "averaging-constant"),
                activations=tuple(SIGMA),
            )
        )

    def convolution(self, S, Y, grid, boundary):
        return convolve(*tensors(S, Y), boundary)

    def convolution_adjoint(self, S, Z, grid, boundary):
        S, Z = tensors(S, Z)
        start = torch.zeros(len(Z), S.shape[1], *grid, dtype=Z.dtype)
        return vjp(lambda y: convolve(S, y, boundary), start)[1](Z)[0]

    def stencil_gradient(self, Z, Y, grid, stencil, boundary):
        Z, Y = tensors(Z, Y)
        start = torch.zeros(Z.shape[1], Y.shape[1], *stencil, dtype=Z.dtype)
        return vjp(lambda s: convolve(s, Y, boundary), start)[1](Z)[0]

    def convolution_matrix(self, S, grid, boundary):
        S = tensors(S)
        size = S.shape[1] * torch.Size(grid).numel()
        units = torch.eye(size, dtype=S.dtype).reshape(size, S.shape[1], *grid)
        return convolve(S, units, boundary).flatten(1).T.contiguous()

    def restrict(self, Y, grid, pair):
        return restrict(tensors(Y))

    def prolong(self, Y, grid, pair):
        return prolong(tensors(Y), pair)

    def stencil_down(self, S, pair):
        S = tensors(S)
        for axis, size in enumerate(S.shape[2:], start=2):
            S = torch.tensordot(S, stencil_map(size, pair, S.dtype), ([axis], [1])).movedim(-1, axis)
        return S

    def stencil_up(self, S, pair):
        S = tensors(S)
        for axis, size in enumerate(S.shape[2:], start=2):
            A = stencil_map(size, pair, S.dtype)
            if A.shape != (size, size):
                raise ValueError(f"stencils of size {size} become those of size {len(A)}: no way back")
            S = torch.tensordot(S, torch.linalg.inv(A), ([axis], [1])).movedim(-1, axis)
        return S

    def depth_prolong(self, Theta, layers):
        Theta = tensors(Theta)
        last = len(Theta) - 1
        time = (torch.arange(layers, dtype=Theta.dtype) * len(Theta) / layers).clamp(max=last)
        before = time.floor().long()
        return torch.lerp(Theta[before], Theta[(before + 1).clamp(max=last)], (time - before).unsqueeze(1))

    def forward(self, parameters, X, problem):
        return features(*tensors(parameters, X), problem)

    def activation(self, Z, name):
        return SIGMA[name](tensors(Z))

    def activation_derivative(self, Z, name):
        return grad(lambda z: SIGMA[name](z).sum())(tensors(Z))

    def logits(self, W, mu, Y, grid):
        return classify(*tensors(W, mu, Y))

    def jacobian_product(self, parameters, direction, X, problem):
        p, v, X = tensors(parameters, direction, X)
        return along(lambda q: output(q, X, problem), p, v)

    def jacobian_transpose(self, parameters, U, X, problem):
        p, U, X = tensors(parameters, U, X)
        return vjp(lambda q: output(q, X, problem), p)[1](U)[0]

    def cross_entropy(self, Z, C):
        return entropy(*tensors(Z, C))

    def cross_entropy_gradient(self, Z, C):
        return grad(entropy)(*tensors(Z, C))

    def cross_entropy_hessian(self, Z, C, V):
        return entropy_product(*tensors(Z, C, V))

    def loss(self, parameters, X, C, problem):
        p, X, C = tensors(parameters, X, C)
        return entropy(output(p, X, problem), C)

    def gradient(self, parameters, X, C, problem):
        p, X, C = tensors(parameters, X, C)
        return grad(lambda q: entropy(output(q, X, problem), C))(p)

    def gauss_newton(self, parameters, direction, X, C, problem):
        p, v, X, C = tensors(parameters, direction, X, C)
        Z, back = vjp(lambda q: output(q, X, problem), p)
        V = along(lambda q: output(q, X, problem), p, v)
        return back(entropy_product(Z, C, V))[0]

    def subsample(self, m, size, seed):
        return torch.randperm(m, generator=torch.Generator().manual_seed(seed))[:size]

    def subsampled_gauss_newton(self, parameters, direction, X, C, problem, size, seed):
        S = self.subsample(len(X), size, seed).numpy()
        return self.gauss_newton(parameters, direction, X[S], C[:, S], problem)

    def weight_smoothness(self, W, grid):
        return smoothness(tensors(W), grid)

    def weight_smoothness_gradient(self, W, grid):
        return grad(smoothness)(tensors(W), grid)

    def time_smoothness(self, Theta, final_time):
        return in_time(tensors(Theta), final_time)

    def time_smoothness_gradient(self, Theta, final_time):
        return grad(in_time)(tensors(Theta), final_time)
