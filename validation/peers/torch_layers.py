"""Layers beyond K(s), steps in time and data in PyTorch's words; all derivatives by ``torch.func``."""

import torch
from torch.nn import functional as F  # noqa: N812 - its customary name

CONV = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
AVERAGE = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
LARGEST = {1: F.max_pool1d, 2: F.max_pool2d, 3: F.max_pool3d}


def pulled(function, at, cotangent):
    """Return the transpose of the derivative of a function applied to a cotangent."""
    return torch.func.vjp(function, at)[1](cotangent)[0]


def widened(Y, sides, periodic=False, value=0.0):
    """Return images with cells before and after: the image again, or a number."""
    if not periodic:
        return F.pad(Y, [n for side in reversed(sides) for n in side], value=value)
    for axis, (before, after) in enumerate(sides, 2):
        n = Y.shape[axis]
        Y = Y.index_select(axis, torch.arange(-before, n + after) % n)
    return Y


def strided(S, Y, grid, stride, dilation, groups, boundary):
    """Return conv{1,2,3}d of the widened images, its own stride, dilation and groups."""
    reach = [d * (k - 1) for d, k in zip(dilation, S.shape[2:], strict=True)]
    wide = widened(Y, [(r // 2, r - r // 2) for r in reach], boundary == "periodic")
    return CONV[len(grid)](wide, S, stride=stride, dilation=dilation, groups=groups)


def strided_adjoint(S, Z, grid, *options):
    """Return its transpose in Y."""
    start = torch.zeros(len(Z), options[2] * S.shape[1], *grid, dtype=Z.dtype)
    return pulled(lambda Y: strided(S, Y, grid, *options), start, Z)


def strided_gradient(Z, Y, grid, stencil, *options):
    """Return its transpose in S."""
    start = torch.zeros(Z.shape[1], Y.shape[1] // options[2], *stencil, dtype=Z.dtype)
    return pulled(lambda S: strided(S, Y, grid, *options), start, Z)


def in_windows(pooling, Y, pool, stride, value):
    """Return a pooling of widened images."""
    wide = widened(Y, [((w - 1) // 2, w // 2) for w in pool], value=value)
    return pooling[len(pool)](wide, pool, stride)


def average(Y, grid, pool, stride):
    """Return means over windows, divided by the share of each window that lies in the grid."""
    share = in_windows(AVERAGE, torch.ones_like(Y), pool, stride, 0.0)
    return in_windows(AVERAGE, Y, pool, stride, 0.0) / share


def average_adjoint(Z, grid, pool, stride):
    """Return its transpose."""
    start = torch.zeros(*Z.shape[:2], *grid, dtype=Z.dtype)
    return pulled(lambda Y: average(Y, grid, pool, stride), start, Z)


def largest(Y, grid, pool, stride):
    """Return max_pool{1,2,3}d."""
    return in_windows(LARGEST, Y, pool, stride, -torch.inf)


def largest_gradient(Z, Y, grid, pool, stride):
    """Return its derivative."""
    return pulled(lambda Y: largest(Y, grid, pool, stride), Y, Z)


def of_layers(convolve, sigma):
    """Return layers, steps in time and their gradients, from ``convolve(S, Y, boundary)`` and σ by name."""

    def per_channel(b, Y):
        return b.reshape(-1, *[1] * (Y.ndim - 2))

    def transposed(S, Z, boundary):
        return pulled(lambda Y: convolve(S, Y, boundary), torch.zeros_like(Z), Z)

    def cell_bias(S, b, Y, grid, activation, boundary):
        return sigma[activation](convolve(S, Y, boundary) + b)

    def antisymmetric(S, b, Y, grid, activation, damping, boundary):
        z = convolve(S, Y, boundary) - transposed(S, Y, boundary) - damping * Y
        return sigma[activation](z + per_channel(b, Y))

    def symmetric(S, b, Y, grid, activation, boundary):
        inner = sigma[activation](convolve(S, Y, boundary) + per_channel(b, Y))
        return -transposed(S, inner, boundary)

    def at(Theta, t):
        """Return θ(t), t in steps: torch.lerp between layers, constant after the last one."""
        k = min(int(t), len(Theta) - 1)
        return torch.lerp(Theta[k], Theta[min(k + 1, len(Theta) - 1)], float(t - int(t)))

    def rate(S, b, t, y, activation, boundary):
        return sigma[activation](convolve(at(S, t), y, boundary) + per_channel(at(b, t), y))

    def midpoint(S, b, Y, grid, activation, final_time, boundary):
        h = final_time / len(S)
        for k in range(len(S)):
            half = Y + h / 2 * rate(S, b, k, Y, activation, boundary)
            Y = Y + h * rate(S, b, k + 0.5, half, activation, boundary)
        return Y

    def rk4(S, b, Y, grid, activation, final_time, boundary):
        h = final_time / len(S)
        for k in range(len(S)):
            k1 = rate(S, b, k, Y, activation, boundary)
            k2 = rate(S, b, k + 0.5, Y + h / 2 * k1, activation, boundary)
            k3 = rate(S, b, k + 0.5, Y + h / 2 * k2, activation, boundary)
            k4 = rate(S, b, k + 1, Y + h * k3, activation, boundary)
            Y = Y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        return Y

    def leapfrog(S, b, Y, grid, activation, final_time, boundary):
        h = final_time / len(S)
        before, now = None, Y
        for k in range(len(S)):
            push = h**2 * rate(S, b, k, now, activation, boundary)
            before, now = now, (now + push / 2 if before is None else 2 * now - before + push)
        return now

    def verlet(S, b, Y, grid, activation, final_time, boundary):
        h, (y, z) = final_time / len(S), Y.chunk(2, 1)

        def half(t, y, z):
            inner = transposed(at(S, t), y, boundary) + per_channel(at(b, t), y)
            return z - h / 2 * sigma[activation](inner)

        for k in range(len(S)):
            z = half(k, y, z)
            y = y + h * rate(S, b, k + 0.5, z, activation, boundary)
            z = half(k + 1, y, z)
        return torch.cat([y, z], 1)

    def gradient(function):
        """Return ∂⟨Z, function⟩/∂S."""
        return lambda S, b, Y, Z, *rest: torch.func.grad(lambda one: (function(one, b, Y, *rest) * Z).sum())(
            S
        )

    def bias_gradient(S, b, Y, Z, *rest):
        return pulled(lambda one: cell_bias(S, one, Y, *rest), b, Z)

    named = {"midpoint": midpoint, "rk4": rk4, "leapfrog": leapfrog, "verlet": verlet}
    named |= {"antisymmetric_layer": antisymmetric, "symmetric_layer": symmetric}
    gradients = {f"{name}_gradient": gradient(function) for name, function in named.items()}
    return {**named, **gradients, "cell_bias_layer": cell_bias, "cell_bias_gradient": bias_gradient}


def of_data(dtype):
    """Return what is done to bytes, labels and logits."""

    def bytes_to_floats(B, grid, low, high):
        return torch.lerp(torch.tensor(low, dtype=dtype), torch.tensor(high, dtype=dtype), B.to(dtype) / 255)

    def one_hot(labels, classes):
        return F.one_hot(labels, classes).T.to(dtype)

    def accuracy(Z, C):
        right = (Z.argmax(0) == C.argmax(0)) & ~Z.isnan().any(0)
        return right.double().mean()

    return {"bytes_to_floats": bytes_to_floats, "one_hot": one_hot, "accuracy": accuracy}


POOLING_AND_STRIDES = {
    "strided_convolution": strided,
    "strided_convolution_adjoint": strided_adjoint,
    "strided_stencil_gradient": strided_gradient,
    "average_pool": average,
    "average_pool_adjoint": average_adjoint,
    "max_pool": largest,
    "max_pool_gradient": largest_gradient,
}
