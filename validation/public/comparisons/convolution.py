"""Convolutions of PyTorch, JAX, OpenCV and PyAMG against K(s), its transpose and its stencil gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from comparisons.comparison import Comparison, Inputs
from refms.grid import Grid, columns_from_nchw, nchw_from_columns
from refms.stencils.conv import conv_matrix, conv_transpose_matrix
from refms.stencils.convolution import Convolution, convolution_matrix

SIZES = (1, 2, 3, 4, 5)
PADDING = {"zero": "zeros", "periodic": "circular"}


def draw_images(rng: np.random.Generator, n: int) -> Inputs:
    """Return stencils S, images Y and cotangents Z in one to three dimensions, n or n + 1 cells an axis."""
    d, m, c_in, c_out = (int(rng.integers(1, top + 1)) for top in (3, 2, 3, 3))
    grid = tuple(int(n + more) for more in rng.integers(0, 2, d))
    stencil = tuple(int(2 * r + 1) for r in rng.integers(0, min(n, 2) + 1, d))
    shapes = {"S": (c_out, c_in, *stencil), "Y": (m, c_in, *grid), "Z": (m, c_out, *grid)}
    return {name: rng.standard_normal(shape) for name, shape in shapes.items()}


def torch_conv(S: Any, Y: Any, boundary: str) -> Any:
    """Return ``F.conv{1,2,3}d(padding="same")``, or after ``F.pad(mode="circular")``."""
    from torch.nn import functional

    conv = (functional.conv1d, functional.conv2d, functional.conv3d)[Y.ndim - 3]
    if boundary == "zero":
        return conv(Y, S, padding="same")
    around = [k // 2 for k in reversed(S.shape[2:]) for _ in range(2)]
    return conv(functional.pad(Y, around, mode="circular"), S)


def jax_conv(S: Any, Y: Any, boundary: str) -> Any:
    """Return ``lax.conv_general_dilated(padding="SAME")``, or after ``jnp.pad(mode="wrap")``."""
    import jax

    padding = "SAME"
    if boundary == "periodic":
        around = [(0, 0), (0, 0), *((k // 2, k // 2) for k in S.shape[2:])]
        Y, padding = jax.numpy.pad(Y, around, mode="wrap"), "VALID"
    return jax.lax.conv_general_dilated(Y, S, (1,) * (Y.ndim - 2), padding, precision="highest")


def by_torch(boundary: str, what: str) -> Any:
    """Return PyTorch's value, or its derivative by Y or S at the cotangent Z."""

    def compute(S: np.ndarray, Y: np.ndarray, Z: np.ndarray) -> np.ndarray:
        import torch

        at = {"S": torch.from_numpy(S).requires_grad_(), "Y": torch.from_numpy(Y).requires_grad_()}
        value = torch_conv(at["S"], at["Y"], boundary)
        if what == "value":
            return value.detach().numpy()
        return torch.autograd.grad(value, at[what], torch.from_numpy(Z))[0].numpy()

    return compute


def by_jax(boundary: str, what: str) -> Any:
    """Return JAX's value, or its derivative by Y or S at the cotangent Z."""

    def compute(S: np.ndarray, Y: np.ndarray, Z: np.ndarray) -> np.ndarray:
        import jax

        with jax.enable_x64(True):
            value, vjp = jax.vjp(lambda S, Y: jax_conv(S, Y, boundary), S, Y)
            return np.asarray(value if what == "value" else vjp(jax.numpy.asarray(Z))["SY".index(what)])

    return compute


def by_matrix(boundary: str, what: str) -> Any:
    """Return K(S) Y, K(S)ᵀ Z or the stencil gradient."""

    def compute(S: np.ndarray, Y: np.ndarray, Z: np.ndarray) -> np.ndarray:
        grid = Grid(Y.shape[2:])
        if what == "S":
            route = Convolution(grid, S.shape[1], S.shape[0], S.shape[2:], boundary)
            return route.stencil_gradient(columns_from_nchw(Z), columns_from_nchw(Y))
        K = convolution_matrix(S, grid, boundary=boundary)
        product = K @ columns_from_nchw(Y) if what == "value" else K.T @ columns_from_nchw(Z)
        return nchw_from_columns(product, grid)

    return compute


def size_of(ours: Any) -> Any:
    """Return the scale of a multilinear map: its largest result with the absolute values of all inputs."""

    def scale(**inputs: Any) -> float:
        sizes = {name: abs(a) if isinstance(a, np.ndarray) else a for name, a in inputs.items()}
        return float(ours(**sizes).max(initial=0.0))

    return scale


def multilinear(
    library: str, function: str, refms: str, draw: Any, theirs: Any, ours: Any, why: str = ""
) -> Comparison:
    """Return the comparison of multilinear maps."""
    return Comparison(library, function, refms, draw, theirs, ours, size_of(ours), SIZES, why)


CALLS = {
    ("torch", "zero"): 'F.conv{1,2,3}d(padding="same")',
    ("torch", "periodic"): 'F.pad(mode="circular"), F.conv{1,2,3}d',
    ("jax", "zero"): 'lax.conv_general_dilated(padding="SAME")',
    ("jax", "periodic"): 'jnp.pad(mode="wrap"), lax.conv_general_dilated',
}
RESULTS = {"value": "{}", "Y": "{}, derivative by the image", "S": "{}, derivative by the weight"}
OURS = {
    "value": 'convolution_matrix(S, grid, boundary="{}") @ y',
    "Y": 'convolution_matrix(S, grid, boundary="{}").T @ z',
    "S": 'Convolution(…, boundary="{}").stencil_gradient(z, y)',
}


def draw_layer(rng: np.random.Generator, n: int) -> Inputs:
    """Return weight, images and options of a layer Conv2d that fits images of n to n + 1 cells an axis."""
    while True:
        grid = tuple(int(n + more) for more in rng.integers(0, 2, 2))
        k, p, s, dilation = (
            tuple(int(i) for i in rng.integers(low, top + 1, 2))
            for low, top in ((1, 4), (0, 3), (1, 3), (1, 2))
        )
        mode = str(rng.choice(["zeros", "reflect", "replicate", "circular"]))
        most = {"reflect": min(grid) - 1, "circular": min(grid)}.get(mode, 3)
        left = [j + 2 * q - e * (i - 1) for i, q, e, j in zip(k, p, dilation, grid, strict=True)]
        if max(p) <= most and min(left) >= 1:
            break
    groups, each_in, each_out, m = (int(rng.integers(1, 3)) for _ in range(4))
    S = rng.standard_normal((groups * each_out, each_in, *k))
    Y = rng.standard_normal((m, groups * each_in, *grid))
    options = {"stride": s, "padding": p, "dilation": dilation, "groups": groups, "mode": mode}
    return {"S": S, "Y": Y, **options}


def torch_layer(S: np.ndarray, Y: np.ndarray, mode: str, **options: Any) -> np.ndarray:
    """Return ``Conv2d(…)(Y)``."""
    import torch

    shape = options["groups"] * S.shape[1], S.shape[0], S.shape[2:]
    with torch.device("meta"):
        layer = torch.nn.Conv2d(*shape, bias=False, padding_mode=mode, **options)
    images = torch.from_numpy(Y)
    found = torch.func.functional_call(layer, {"weight": torch.from_numpy(S)}, (images,))
    return found.numpy().reshape(len(Y), -1)


def matrix_layer(S: np.ndarray, Y: np.ndarray, mode: str, **options: Any) -> np.ndarray:
    """Return K y by ``conv_matrix``."""
    K = conv_matrix(S, Grid(Y.shape[2:]), padding_mode=mode, **options)
    return (K @ columns_from_nchw(Y)).T.reshape(len(Y), -1)


def draw_transposed(rng: np.random.Generator, n: int) -> Inputs:
    """Return weight, images and options of a layer ConvTranspose2d."""
    k, s, dilation = (tuple(int(i) for i in rng.integers(1, top + 1, 2)) for top in (4, 3, 2))
    padding = tuple(int(rng.integers(0, e * (i - 1) // 2 + 1)) for i, e in zip(k, dilation, strict=True))
    more = tuple(int(rng.integers(0, max(i, e))) for i, e in zip(s, dilation, strict=True))
    groups, each_in, each_out, m = (int(rng.integers(1, 3)) for _ in range(4))
    S = rng.standard_normal((groups * each_in, each_out, *k))
    Y = rng.standard_normal((m, groups * each_in, n, n + 1))
    options = {
        "stride": s,
        "padding": padding,
        "output_padding": more,
        "dilation": dilation,
        "groups": groups,
    }
    return {"S": S, "Y": Y, **options}


def torch_transposed(S: np.ndarray, Y: np.ndarray, **options: Any) -> np.ndarray:
    """Return ``F.conv_transpose2d``."""
    import torch

    found = torch.nn.functional.conv_transpose2d(torch.from_numpy(Y), torch.from_numpy(S), **options)
    return found.numpy().reshape(len(Y), -1)


def matrix_transposed(S: np.ndarray, Y: np.ndarray, **options: Any) -> np.ndarray:
    """Return Kᵀ y by ``conv_transpose_matrix``."""
    K = conv_transpose_matrix(S, Grid(Y.shape[2:]), **options)
    return (K @ columns_from_nchw(Y)).T.reshape(len(Y), -1)


def draw_strided(rng: np.random.Generator, n: int) -> Inputs:
    """Return weight and images of a strided layer that pads as much as its stride asks for."""
    k, s = (tuple(int(i) for i in rng.integers(1, top + 1, 2)) for top in (4, 3))
    c_in, c_out = (int(rng.integers(1, 3)) for _ in range(2))
    S, Y = rng.standard_normal((c_out, c_in, *k)), rng.standard_normal((1, c_in, n, n + 1))
    return {"S": S, "Y": Y, "stride": s}


def jax_strided(S: np.ndarray, Y: np.ndarray, stride: tuple[int, ...]) -> np.ndarray:
    """Return ``lax.conv_general_dilated(window_strides=stride, padding="SAME")``."""
    import jax

    with jax.enable_x64(True):
        found = jax.lax.conv_general_dilated(Y, S, stride, "SAME", precision="highest")
        return np.asarray(found).reshape(len(Y), -1)


def matrix_strided(S: np.ndarray, Y: np.ndarray, stride: tuple[int, ...]) -> np.ndarray:
    """Return K y, as many zeros around as the stride asks for, the odd one at the end."""
    K = conv_matrix(S, Grid(Y.shape[2:]), stride=stride, padding="same")
    return (K @ columns_from_nchw(Y)).T.reshape(len(Y), -1)


def draw_back(rng: np.random.Generator, n: int) -> Inputs:
    """Return weight (c_out, c_in, *stencil) of a layer without padding and images z that it led to."""
    s = tuple(int(i) for i in rng.integers(1, 4, 2))
    k = tuple(i + int(rng.integers(0, 2)) for i in s)
    c_in, c_out = (int(rng.integers(1, 3)) for _ in range(2))
    S, Z = rng.standard_normal((c_out, c_in, *k)), rng.standard_normal((1, c_out, n, n + 1))
    return {"S": S, "Z": Z, "stride": s}


def jax_back(transpose_kernel: bool) -> Any:
    """Return ``lax.conv_transpose``, whose weight without ``transpose_kernel`` is (c_in, c_out, …)."""

    def compute(S: np.ndarray, Z: np.ndarray, stride: tuple[int, ...]) -> np.ndarray:
        import jax

        weight = S if transpose_kernel else S.swapaxes(0, 1)
        with jax.enable_x64(True):
            found = jax.lax.conv_transpose(
                Z,
                weight,
                stride,
                "VALID",
                dimension_numbers=("NCHW", "OIHW", "NCHW"),
                transpose_kernel=transpose_kernel,
                precision="highest",
            )
            return np.asarray(found).reshape(len(Z), -1)

    return compute


def matrix_back(S: np.ndarray, Z: np.ndarray, stride: tuple[int, ...]) -> np.ndarray:
    """Return Kᵀ z."""
    return matrix_transposed(S, Z, stride=stride)


def draw_plain(rng: np.random.Generator, n: int) -> Inputs:
    """Return one stencil and one image in two dimensions, the stencil no larger than the image."""
    stencil = tuple(int(2 * r + 1) for r in rng.integers(0, (n - 1) // 2 + 1, 2))
    return {"s": rng.standard_normal(stencil), "y": rng.standard_normal((n, n + 1))}


def jax_convolve(s: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return ``jax.scipy.signal.convolve``."""
    import jax

    with jax.enable_x64(True):
        return np.asarray(jax.scipy.signal.convolve(y, s, mode="same", precision="highest"))


def opencv_filter(border: str) -> Any:
    """Return ``cv2.filter2D`` with a border."""

    def compute(s: np.ndarray, y: np.ndarray) -> np.ndarray:
        import cv2

        return cv2.filter2D(y, -1, s, borderType=getattr(cv2, border))

    return compute


def plain(**options: str) -> Any:
    """Return K(s) y of one image with zeros beyond it."""
    return lambda s, y: (
        convolution_matrix(s, Grid(y.shape), boundary="zero", **options) @ y.ravel()
    ).reshape(y.shape)


def reflected(s: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return K y of one image mirrored at its edge cells."""
    around = tuple(k // 2 for k in s.shape)
    K = conv_matrix(s[None, None], Grid(y.shape), padding=around, padding_mode="reflect")
    return (K @ y.ravel()).reshape(y.shape)


def draw_stencil(rng: np.random.Generator, n: int) -> Inputs:
    """Return one stencil and a grid in one to three dimensions."""
    d = int(rng.integers(1, 4))
    stencil = tuple(int(2 * r + 1) for r in rng.integers(0, 3, d))
    return {"s": rng.standard_normal(stencil), "grid": tuple(int(n + i) for i in rng.integers(0, 2, d))}


def pyamg_stencil(s: np.ndarray, grid: tuple[int, ...]) -> np.ndarray:
    """Return ``pyamg.gallery.stencil_grid``."""
    from pyamg.gallery import stencil_grid

    return stencil_grid(s, grid, dtype=s.dtype, format="csr").toarray()


COMPARISONS = (
    *(
        multilinear(
            library,
            RESULTS[what].format(CALLS[library, boundary]),
            OURS[what].format(boundary),
            draw_images,
            by(boundary, what),
            by_matrix(boundary, what),
        )
        for library, by in (("torch", by_torch), ("jax", by_jax))
        for boundary in PADDING
        for what in RESULTS
    ),
    multilinear(
        "torch",
        "nn.Conv2d(stride, padding, dilation, groups, padding_mode)",
        "conv_matrix(S, grid, …) @ y",
        draw_layer,
        torch_layer,
        matrix_layer,
    ),
    multilinear(
        "torch",
        "F.conv_transpose2d(stride, padding, output_padding, groups, dilation)",
        "conv_transpose_matrix(S, grid, …) @ y",
        draw_transposed,
        torch_transposed,
        matrix_transposed,
    ),
    multilinear(
        "jax",
        'lax.conv_general_dilated(window_strides, padding="SAME")',
        'conv_matrix(S, grid, stride=…, padding="same") @ y',
        draw_strided,
        jax_strided,
        matrix_strided,
    ),
    multilinear(
        "jax",
        'lax.conv_transpose(padding="VALID", transpose_kernel=True)',
        "conv_transpose_matrix(S, grid, stride=…) @ z",
        draw_back,
        jax_back(True),
        matrix_back,
    ),
    multilinear(
        "jax",
        'lax.conv_transpose(padding="VALID")',
        "conv_transpose_matrix(S, grid, stride=…) @ z",
        draw_back,
        jax_back(False),
        matrix_back,
        why="Without `transpose_kernel=True` the stencil is not flipped: it is not the transpose of the "
        "convolution with the same stencil.",
    ),
    multilinear(
        "jax",
        'jax.scipy.signal.convolve(y, s, mode="same")',
        'convolution_matrix(s, grid, boundary="zero", orientation="convolution") @ y',
        draw_plain,
        jax_convolve,
        plain(orientation="convolution"),
    ),
    multilinear(
        "opencv-python-headless",
        "cv2.filter2D(y, -1, s, borderType=BORDER_CONSTANT)",
        'convolution_matrix(s, grid, boundary="zero") @ y',
        draw_plain,
        opencv_filter("BORDER_CONSTANT"),
        plain(),
    ),
    multilinear(
        "opencv-python-headless",
        "cv2.filter2D(y, -1, s)",
        'conv_matrix(s, grid, padding=…, padding_mode="reflect") @ y',
        draw_plain,
        opencv_filter("BORDER_DEFAULT"),
        reflected,
    ),
    multilinear(
        "pyamg",
        "gallery.stencil_grid(s, grid)",
        'convolution_matrix(s, grid, boundary="zero")',
        draw_stencil,
        pyamg_stencil,
        lambda s, grid: convolution_matrix(s, Grid(grid), boundary="zero").toarray(),
    ),
)
