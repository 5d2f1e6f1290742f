"""Which library resizes images how: names of their methods, and the matrix that each of them is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SAMPLED: dict[str, Any] = {"antialias": False}
_CUBIC: dict[str, Any] = {"kernel": "cubic", "antialias": False, "cubic": -0.75}
_WIDENED: dict[str, Any] = {"antialias": True, "boundary": "renormalize"}

RESIZE_METHODS: Mapping[str, Mapping[str, Any]] = {
    "torch-nearest": {"kernel": "nearest"},
    "torch-nearest-exact": {"kernel": "nearest-exact"},
    "torch-area": {"kernel": "adaptive"},
    "torch-bilinear": {"kernel": "linear", **_SAMPLED},
    "torch-bilinear-align-corners": {"kernel": "linear", **_SAMPLED, "align_corners": True},
    "torch-bilinear-antialias": {"kernel": "linear", **_WIDENED},
    "torch-bicubic": _CUBIC,
    "torch-bicubic-align-corners": {**_CUBIC, "align_corners": True},
    "torch-bicubic-antialias": {"kernel": "cubic", **_WIDENED},
    "jax-nearest": {"kernel": "nearest-exact"},
    "jax-linear": {"kernel": "linear", **_WIDENED},
    "jax-linear-no-antialias": {"kernel": "linear", **_SAMPLED},
    "jax-cubic": {"kernel": "cubic", **_WIDENED},
    "jax-cubic-no-antialias": {"kernel": "cubic", "antialias": False, "boundary": "renormalize"},
    "pillow-nearest": {"kernel": "nearest-exact"},
    "pillow-box": {"kernel": "box", **_WIDENED},
    "pillow-bilinear": {"kernel": "linear", **_WIDENED},
    "pillow-bicubic": {"kernel": "cubic", **_WIDENED},
    "opencv-nearest": {"kernel": "nearest"},
    "opencv-nearest-exact": {"kernel": "nearest-exact"},
    "opencv-linear": {"kernel": "linear", **_SAMPLED},
    "opencv-cubic": _CUBIC,
    "opencv-area": {"kernel": "area"},
    "skimage-order-0": {"kernel": "nearest-exact"},
    "skimage-order-1": {"kernel": "linear", **_SAMPLED, "boundary": "reflect"},
    "scipy-zoom-order-1": {"kernel": "linear", **_SAMPLED, "align_corners": True},
    "scipy-zoom-order-1-grid-mode": {"kernel": "linear", **_SAMPLED},
}
"""Method -> arguments of ``resize_matrix``, as validation/peers/RESIZE.md measures them."""
