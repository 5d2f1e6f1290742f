"""The networks of [MST] on a GPU: CuPy and PyTorch's autograd, mesh by mesh."""

from typing import Any

from benchmarks.tables import image_networks, process

CELLS = (256, 128, 64, 32, 16)
IMAGES = 32


def specifications(quick: bool) -> list[dict[str, Any]]:
    """Return what to measure, in single precision, which is what a GPU is for."""
    return [
        process(network=name, cells=n, dtype="float32", seconds=1.0 if quick else 10.0)
        for name in (list(image_networks.NETWORKS)[:1] if quick else image_networks.NETWORKS)
        for n in (CELLS[3:] if quick else CELLS)
    ]


def measure(
    network: str, cells: int, dtype: str, seconds: float = 10.0, least: int = 3, card: str = "cuda"
) -> dict[str, Any]:
    """Time value and gradient; ``card="cpu"`` runs the same on the host, to try the measurement itself."""
    return image_networks.measure(network, cells, dtype, seconds, least, card, IMAGES)
