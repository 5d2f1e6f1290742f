"""Measure which resize matrix each method of each library is: unit images of one axis, all n and n' up to N.

    python validation/peers/resizing.py [N]    # a minute; writes validation/peers/results/resizing.json

It needs PyTorch, JAX, Pillow, OpenCV, scikit-image and SciPy: ``pip install 'refms[peers,resize-peers]'``.
"""

from __future__ import annotations

import datetime
import importlib.metadata
import itertools
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from refms.grid import Grid
from refms.stencils.resize import resize_matrix
from refms.stencils.resize_methods import RESIZE_METHODS

TARGET = Path(__file__).parent / "results" / "resizing.json"
Resize = Callable[[np.ndarray, int], np.ndarray]
"""Images (count, n) -> (count, n'), each row an image of one axis."""


def torch_resize(mode: str, **options: Any) -> Resize:
    """Return ``F.interpolate`` with these options."""

    def resize(rows: np.ndarray, m: int) -> np.ndarray:
        import torch

        images = torch.from_numpy(rows)[:, None, None, :]
        return torch.nn.functional.interpolate(images, size=(1, m), mode=mode, **options).numpy()[:, 0, 0]

    return resize


def jax_resize(method: str, **options: Any) -> Resize:
    """Return ``jax.image.resize``."""

    def resize(rows: np.ndarray, m: int) -> np.ndarray:
        import jax

        with jax.enable_x64(True):
            return np.asarray(jax.image.resize(rows, (len(rows), m), method, **options))

    return resize


def of_each(call: Callable[[np.ndarray, int], np.ndarray]) -> Resize:
    """Return what resizes every row by itself, as an image of three equal rows."""
    return lambda rows, m: np.stack([call(np.repeat(row[None], 3, axis=0), m)[1] for row in rows])


def pillow_resize(filter_name: str) -> Resize:
    """Return ``Image.resize`` on images of single precision."""

    def resize(image: np.ndarray, m: int) -> np.ndarray:
        from PIL import Image

        picture = Image.fromarray(image.astype("float32"))
        return np.asarray(picture.resize((m, 3), Image.Resampling[filter_name]))

    return of_each(resize)


def opencv_resize(flag: str) -> Resize:
    """Return ``cv2.resize``."""

    def resize(image: np.ndarray, m: int) -> np.ndarray:
        import cv2

        return cv2.resize(image, (m, 3), interpolation=getattr(cv2, flag))

    return of_each(resize)


def skimage_resize(order: int, **options: Any) -> Resize:
    """Return ``skimage.transform.resize``."""

    def resize(image: np.ndarray, m: int) -> np.ndarray:
        import skimage.transform

        return skimage.transform.resize(image, (3, m), order=order, **{"anti_aliasing": False, **options})

    return of_each(resize)


def scipy_zoom(order: int, **options: Any) -> Resize:
    """Return ``scipy.ndimage.zoom``."""

    def resize(rows: np.ndarray, m: int) -> np.ndarray:
        import scipy.ndimage

        return np.stack([scipy.ndimage.zoom(row, m / len(row), order=order, **options) for row in rows])

    return resize


CALLS: dict[str, tuple[str, Resize]] = {
    **{
        f"torch-{mode}": (f'F.interpolate(x, size, mode="{mode}")', torch_resize(mode))
        for mode in ("nearest", "nearest-exact", "area", "bilinear", "bicubic")
    },
    **{
        f"torch-{mode}-{option.replace('_', '-')}": (
            f'F.interpolate(x, size, mode="{mode}", {option}=True)',
            torch_resize(mode, **{option: True}),
        )
        for mode in ("bilinear", "bicubic")
        for option in ("align_corners", "antialias")
    },
    **{
        f"jax-{method}": (f'jax.image.resize(x, shape, "{method}")', jax_resize(method))
        for method in ("nearest", "linear", "cubic")
    },
    **{
        f"jax-{method}-no-antialias": (
            f'jax.image.resize(x, shape, "{method}", antialias=False)',
            jax_resize(method, antialias=False),
        )
        for method in ("linear", "cubic")
    },
    **{
        f"pillow-{name.lower()}": (f"Image.resize(size, Resampling.{name})", pillow_resize(name))
        for name in ("NEAREST", "BOX", "BILINEAR", "BICUBIC")
    },
    **{
        f"opencv-{name}": (f"cv2.resize(x, size, interpolation=cv2.{flag})", opencv_resize(flag))
        for name, flag in (
            ("nearest", "INTER_NEAREST"),
            ("nearest-exact", "INTER_NEAREST_EXACT"),
            ("linear", "INTER_LINEAR"),
            ("cubic", "INTER_CUBIC"),
            ("area", "INTER_AREA"),
        )
    },
    **{
        f"skimage-order-{k}": (
            f"skimage.transform.resize(x, shape, {k}, anti_aliasing=False)",
            skimage_resize(k),
        )
        for k in (0, 1)
    },
    "scipy-zoom-order-1": ('ndimage.zoom(x, ratio, order=1, mode="nearest")', scipy_zoom(1, mode="nearest")),
    "scipy-zoom-order-1-grid-mode": (
        'ndimage.zoom(x, ratio, order=1, mode="nearest", grid_mode=True)',
        scipy_zoom(1, mode="nearest", grid_mode=True),
    ),
}
"""Method -> how it is called, and the call."""

OTHERS: dict[str, tuple[str, Resize]] = {
    "skimage-order-1-anti-aliasing": (
        "skimage.transform.resize(x, shape, 1)",
        skimage_resize(1, anti_aliasing=True),
    ),
    "skimage-order-3": ("skimage.transform.resize(x, shape, 3, anti_aliasing=False)", skimage_resize(3)),
    "scipy-zoom-order-3": ('ndimage.zoom(x, ratio, mode="nearest")', scipy_zoom(3, mode="nearest")),
    **{
        f"torch-{mode}-antialias-align-corners": (
            f'F.interpolate(x, size, mode="{mode}", antialias=True, align_corners=True)',
            torch_resize(mode, antialias=True, align_corners=True),
        )
        for mode in ("bilinear", "bicubic")
    },
}
"""Methods that are no matrix of ``resize_matrix``."""

EACH = 11
"""Where not all sizes are measured, one of so many."""

PACKAGES = ("torch", "jax", "pillow", "opencv-python-headless", "scikit-image", "scipy", "numpy")


def matrix_by(resize: Resize, n: int, m: int) -> np.ndarray:
    """Return the matrix (m, n) of a method: its columns are the resized unit images."""
    return np.asarray(resize(np.eye(n), m), dtype="float64").T


def ties(kernel: str, n: int, m: int) -> np.ndarray:
    """Return which new cells (m,) meet an old one in a way that rounding decides.

    For nearest, and area on the way up, I n/m is a whole number; for nearest-exact and box an edge of the one
    is a centre of the other; elsewhere nothing is decided.
    """
    cell = np.arange(m)
    if kernel == "nearest" or (kernel == "area" and m > n):
        return cell * n % m == 0
    centre = (2 * cell + 1) * n  # over 2 m
    if kernel == "nearest-exact":
        return centre % (2 * m) == 0
    if kernel == "box":
        return ((centre - max(n, m)) % (2 * m) == m) | ((centre + max(n, m)) % (2 * m) == m)
    return np.zeros(m, bool)


def deviations(resize: Resize, options: Any, n: int, m: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the largest deviation from the matrix of refms in each row (m,), and which rows are ties."""
    expected = resize_matrix(Grid(n), Grid(m), **options).toarray()
    return abs(matrix_by(resize, n, m) - expected).max(axis=1), ties(options["kernel"], n, m)


def sizes_for(method: str, largest: int) -> list[tuple[int, int]]:
    """Return all (n, n') up to a size, or every eleventh for JAX, which compiles each by itself."""
    return list(itertools.product(range(1, largest + 1), repeat=2))[
        :: EACH if method.startswith("jax") else 1
    ]


def measure(method: str, largest: int) -> dict[str, Any]:
    """Return the largest deviation on the way down and up, and how many ties are decided otherwise."""
    call, resize = CALLS[method]
    worst, tied, other = {"down": 0.0, "up": 0.0}, 0, 0
    sizes = sizes_for(method, largest)
    for n, m in sizes:
        found, tie = deviations(resize, RESIZE_METHODS[method], n, m)
        way = "down" if m < n else "up"
        worst[way] = max(worst[way], float(found[~tie].max(initial=0.0)))
        tied, other = tied + int(tie.sum()), other + int((found[tie] > 1e-3).sum())
    counts = {"sizes": len(sizes), "ties": tied, "ties decided otherwise": other}
    return {"method": method, "call": call, **worst, **counts}


def nearest_of_all(method: str, largest: int) -> dict[str, Any]:
    """Return the matrix of refms that is closest to a method that is none of them, and how far it is."""
    call, resize = OTHERS[method]
    sizes = [(n, m) for n, m in sizes_for(method, largest)[::EACH] if n != m and min(n, m) > 1]
    found = {size: matrix_by(resize, *size) for size in sizes}
    known = {tuple(sorted(options.items())): options for options in RESIZE_METHODS.values()}
    far = {
        key: max(
            abs(resize_matrix(Grid(n), Grid(m), **options).toarray() - A).max() for (n, m), A in found.items()
        )
        for key, options in known.items()
    }
    closest = min(far, key=lambda key: far[key])
    return {"method": method, "call": call, "closest": dict(closest), "deviation": float(far[closest])}


def main(largest: int = 64) -> None:
    """Measure all and write the result."""
    result = {
        "command": f"python validation/peers/resizing.py {largest}",
        "largest": largest,
        "date": datetime.date.today().isoformat(),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
        "methods": [measure(method, largest) for method in CALLS],
        "others": [nearest_of_all(method, largest) for method in OTHERS],
    }
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(f"wrote {TARGET}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
