"""The networks of [MST], and ResNet, as users of PyTorch or JAX write them, and SSIM, with their derivatives.

Nothing of refms is used. Parameters come as a dictionary under the names of refms' layouts; images are NCHW.
"""

from __future__ import annotations

from typing import Any

import numpy as np


class TorchOperations:
    """PyTorch's functions."""

    def __init__(self) -> None:
        import torch

        self.np, self.torch = torch, torch
        self.silu, self.relu = torch.nn.functional.silu, torch.relu

    def array(self, host: np.ndarray) -> Any:
        return self.torch.from_numpy(np.ascontiguousarray(host))

    def host(self, array: Any) -> np.ndarray:
        return array.detach().numpy()

    def conv(self, x: Any, weight: Any, bias: Any, stride: int = 1, groups: int = 1) -> Any:
        padding = weight.shape[-1] // 2
        return self.torch.nn.functional.conv2d(x, weight, bias, stride, padding, groups=groups)

    def group_norm(self, x: Any, groups: int, gamma: Any = None, beta: Any = None) -> Any:
        return self.torch.nn.functional.group_norm(x, groups, gamma, beta)

    def leaky_relu(self, x: Any, slope: float) -> Any:
        return self.torch.nn.functional.leaky_relu(x, slope)

    def twice(self, x: Any) -> Any:
        return self.torch.nn.functional.interpolate(x, scale_factor=2, mode="nearest")

    def cat(self, *parts: Any) -> Any:
        return self.torch.cat(parts, dim=1)

    def gradient_and_product(self, loss: Any, p: Any, direction: Any) -> tuple[Any, Any]:
        """Return ∇ and ∇² v by forward over reverse mode."""
        gradient = self.torch.func.grad(loss)
        return self.torch.func.jvp(gradient, (p,), (direction,))


class JaxOperations:
    """JAX's functions, in double precision."""

    def __init__(self) -> None:
        import jax

        jax.config.update("jax_enable_x64", True)
        self.jax, self.np = jax, jax.numpy
        self.silu, self.relu = jax.nn.silu, jax.nn.relu

    def array(self, host: np.ndarray) -> Any:
        return self.np.asarray(host)

    def host(self, array: Any) -> np.ndarray:
        return np.asarray(array)

    def conv(self, x: Any, weight: Any, bias: Any, stride: int = 1, groups: int = 1) -> Any:
        pad = [(weight.shape[-1] // 2,) * 2] * 2
        y = self.jax.lax.conv_general_dilated(x, weight, (stride,) * 2, pad, feature_group_count=groups)
        return y if bias is None else y + bias[:, None, None]

    def group_norm(self, x: Any, groups: int, gamma: Any = None, beta: Any = None) -> Any:
        parts = x.reshape(x.shape[0], groups, -1)
        mean, variance = parts.mean(axis=2, keepdims=True), parts.var(axis=2, keepdims=True)
        y = ((parts - mean) / self.np.sqrt(variance + 1e-5)).reshape(x.shape)
        return y if gamma is None else y * gamma[:, None, None] + beta[:, None, None]

    def leaky_relu(self, x: Any, slope: float) -> Any:
        return self.jax.nn.leaky_relu(x, slope)

    def twice(self, x: Any) -> Any:
        return self.np.repeat(self.np.repeat(x, 2, axis=2), 2, axis=3)

    def cat(self, *parts: Any) -> Any:
        return self.np.concatenate(parts, axis=1)

    def gradient_and_product(self, loss: Any, p: Any, direction: Any) -> tuple[Any, Any]:
        """Return ∇ and ∇² v by forward over reverse mode."""
        return self.jax.jvp(self.jax.grad(loss), (p,), (direction,))


def mix(o: Any, p: Any, name: str, x: Any, stride: int = 1) -> Any:
    """Return a convolution with bias and zero padding."""
    return o.conv(x, p[f"{name}/stencil"], p[f"{name}/bias"], stride)


def linear(p: Any, name: str, e: Any) -> Any:
    """Return e Aᵀ + b."""
    return e @ p[f"{name}/stencil"][:, :, 0].T + p[f"{name}/bias"]


def angles(o: Any, t: Any, count: int) -> Any:
    """Return ω_j t, (m, H)."""
    frequencies = [10000.0 ** (-j / count) for j in range(count)]
    return t[:, None] * o.array(np.array(frequencies, str(t.dtype).rpartition(".")[2]))  # as t is


def residual_image(o: Any, net: Any, p: Any, x: Any, t: Any) -> Any:
    """Return the residual image network; t is None without a time."""
    y = mix(o, p, "open", x)
    for i in range(net.blocks):
        name = f"block{i}"
        h = mix(o, p, f"{name}/conv1", y)
        inner = h.shape[1]
        if t is not None:
            wave, e = angles(o, t, inner // 4), t[:, None]
            for layer in range(3):
                e = linear(p, f"{name}/time/{layer}", o.relu(e) if layer else e)
            h = h + o.cat(o.np.sin(wave), o.np.cos(wave), e)[:, :, None, None]
        for layer in (2, 3) if net.block == "bottleneck" else (2,):
            h = mix(o, p, f"{name}/conv{layer}", o.leaky_relu(o.group_norm(h, 1), net.slope))
        y = y + h
    out = net.closing_scale * mix(o, p, "close", y)
    return x + out if net.add_input else out


def espcn(o: Any, net: Any, p: Any, x: Any, t: Any) -> Any:
    """Return the ESPCN-like network."""
    y = x
    for i in range(len(net.widths)):
        y = o.leaky_relu(o.group_norm(mix(o, p, f"conv{i}", y), 1), net.slope)
    return x + mix(o, p, "close", y)


def unet(o: Any, net: Any, p: Any, x: Any, t: Any) -> Any:
    """Return the U-net, with a stack of kept features."""
    wave = angles(o, t, net.base // 2)
    e = linear(p, "time/0", o.cat(o.np.cos(wave), o.np.sin(wave)))
    e = linear(p, "time/1", o.silu(e))

    def normed(name: str, y: Any) -> Any:
        return o.silu(o.group_norm(y, net.groups, p[f"{name}/gamma"], p[f"{name}/beta"]))

    def block(name: str, y: Any) -> Any:
        h = mix(o, p, f"{name}/conv1", normed(f"{name}/norm1", y))
        h = h + linear(p, f"{name}/time", o.silu(e))[:, :, None, None]
        h = mix(o, p, f"{name}/conv2", normed(f"{name}/norm2", h))
        return h + (mix(o, p, f"{name}/shortcut", y) if f"{name}/shortcut/bias" in p else y)

    y = mix(o, p, "head", x)
    kept, levels = [y], len(net.multipliers)
    for level in range(levels):
        for k in range(net.blocks):
            y = block(f"down{level}.{k}", y)
            kept.append(y)
        if level + 1 < levels:
            y = mix(o, p, f"down{level}", y, stride=2)
            kept.append(y)
    y = block("middle1", block("middle0", y))
    for level in reversed(range(levels)):
        for k in range(net.blocks + 1):
            last = level > 0 and k == net.blocks
            y = block(f"up{level}.{k}" + ("/block" if last else ""), o.cat(y, kept.pop()))
            if last:
                y = mix(o, p, f"up{level}.{k}/up", o.twice(y))
    return mix(o, p, "tail/conv", normed("tail/norm", y))


def resnet(o: Any, net: Any, p: Any, x: Any, t: Any) -> Any:
    """Return the features of ResNet with group norm and strides."""

    def normed(name: str, y: Any) -> Any:
        return o.group_norm(y, net.groups, p[f"{name}/gamma"], p[f"{name}/beta"])

    y = o.relu(normed("norm", o.conv(x, p["open/stencil"], None)))
    for stage, blocks in enumerate(net.blocks):
        for i in range(blocks):
            name, stride = f"stage{stage}.{i}", 2 if stage and i == 0 else 1
            h = o.conv(y, p[f"{name}/conv1/stencil"], None, stride)
            h = o.conv(o.relu(normed(f"{name}/norm1", h)), p[f"{name}/conv2/stencil"], None)
            if stride > 1:
                y = o.conv(y, p[f"{name}/shortcut/project/stencil"], None, stride)
                y = normed(f"{name}/shortcut/norm", y)
            y = o.relu(normed(f"{name}/norm2", h) + y)
    return y


def ssim(o: Any, z: Any, y: Any) -> Any:
    """Return the mean SSIM of images in [−1, 1], 11×11 windows with σ = 1.5, zero padding."""
    x, y, c = (z + 1) / 2, (y + 1) / 2, z.shape[1]
    line = np.exp(-0.5 * ((np.arange(11) - 5) / 1.5) ** 2)
    line /= line.sum()
    window = o.array(np.tile(np.outer(line, line), (c, 1, 1, 1)))

    def mean(a: Any) -> Any:
        return o.conv(a, window, None, groups=c)

    mu, nu = mean(x), mean(y)
    covariance = mean(x * y) - mu * nu
    variances = mean(x * x) - mu**2 + mean(y * y) - nu**2
    upper = (2 * mu * nu + 1e-4) * (2 * covariance + 9e-4)
    return (upper / ((mu**2 + nu**2 + 1e-4) * (variances + 9e-4))).mean()


def mean_squares(o: Any, z: Any, y: Any) -> Any:
    """Return the mean of squared differences."""
    return ((z - y) ** 2).mean()


OPERATIONS = {"torch": TorchOperations, "jax": JaxOperations}
NETWORKS = {"ResidualImage": residual_image, "ESPCN": espcn, "UNet": unet, "ResNet": resnet}
