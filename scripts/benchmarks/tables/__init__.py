"""The tables, a module each: `specifications(quick)` lists its processes, `measure(**arguments)` is one."""

from typing import Any

DTYPES = ("float64", "float32")

TABLES = {
    "network": "forward, gradient, Gauss–Newton product and step: refms and every peer; time and memory",
    "bcd": "one iteration of block-coordinate descent, all engines under the same optimiser",
    "iteration": "iterations of block-coordinate descent on all of MNIST (REFMS_DATA), step by step",
    "preconditioners": "CG on both blocks of MNIST with each preconditioner: iterations, time to a residual",
    "convolution": "one convolution: routes of refms, SciPy, PyTorch; share of the matrix product's rate",
    "layers": "a wide 3×3 layer, forward + adjoint + gradient: routes of refms against PyTorch's conv2d",
    "image_networks": "the networks of [MST] and ResNet-34, value and gradient, each mesh: refms and PyTorch",
    "image_memory": "the memory of these gradients, with and without checkpoints, and of PyTorch's",
    "image_products": "their Gauss–Newton products: refms and torch.func",
    "estimates": "a multiscale gradient beside a single-scale one of as many images, on one and two threads",
    "assembly": "K(S) refilled for a new S against built anew from SciPy's shift matrices",
    "transfer": "stencils across meshes: refms, SciPy's R K P, PyTorch",
    "scaling": "how time grows with examples, cells, layers and channels, with fitted exponents",
    "memory": "memory of one gradient of a deep network on many images",
    "startup": "how long refms takes to start",
    "gpu": "the Gauss–Newton product on a CUDA GPU: CuPy (extra gpu) against torch.func, and the roofline",
    "gpu_image_networks": "the networks of [MST] on a CUDA GPU: CuPy and PyTorch",
}
"""In the order of the report."""


def process(threads: int = 1, allocator: str = "default", **arguments: Any) -> dict[str, Any]:
    """Return what JSON can hold of one process: ``measure(**arguments)`` on so many threads."""
    held = {name: list(value) if isinstance(value, tuple) else value for name, value in arguments.items()}
    return {"arguments": held, "threads": threads, "allocator": allocator}
