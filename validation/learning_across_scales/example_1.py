"""Example 1 and Fig. 1 of [LAS]: one stencil on two meshes, on real images, for every named pair.

The fine stencil s_h of the paper is restricted to s_H by K_H = R K_h P. Images y_h are restricted to
y_H = R y_h, and eq. (8), K_H y_H = R K_h P y_H, is measured on them; so is what becomes of it if the stencil
is left unchanged.

    python validation/learning_across_scales/example_1.py CONFIG.toml --data-dir DIR -o OUT
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from common.plan import options_of, read_plan
from common.publishing import Publisher, ended

from refms.checks import galerkin_test
from refms.checks.residual import scaled_residual
from refms.cli.streams import end_with
from refms.data.dataset import Dataset, subset
from refms.data.preprocessing import Preprocessing, prepare
from refms.errors import Array, InputError
from refms.run.experiment import dataset_of
from refms.stencils.convolution import convolution_matrix
from refms.stencils.galerkin import prolong_stencil, restrict_stencil
from refms.stencils.transfer import TRANSFER_PAIRS, TransferPair

if TYPE_CHECKING:
    from matplotlib.figure import Figure

S_FINE = np.array([[-0.89, -2.03, 4.30], [-2.07, 0.00, -2.07], [4.39, -2.03, 1.28]])
S_COARSE_PRINTED = np.array([[-0.48, -0.17, 0.82], [-0.15, -0.80, 0.37], [0.84, 0.40, 0.07]])
"""The two stencils as [LAS] prints them."""


@dataclass(frozen=True)
class Settings:
    """The table [experiment].

    Parameters
    ----------
    shown : int
        Which image is drawn, counted from 0 in the order of the classes.
    figure_pair : str
        With which pair.
    """

    shown: int = 3
    figure_pair: str = "averaging-bilinear"


def first_of_each_class(dataset: Dataset) -> Dataset:
    """Return the first image of every class that occurs."""
    _, first = np.unique(dataset.labels, return_index=True)
    return subset(dataset, first)


def filtered(pair: TransferPair, images: Dataset, smoothing: float, dtype: str) -> dict[str, Array]:
    """Return fine and coarse images, filtered by matrices, as columns.

    ``fine`` y_h and ``coarse`` y_H = R y_h; ``fine_filtered`` K_h y_h, ``coarse_filtered`` K_H y_H,
    ``galerkin`` R K_h P y_H and ``unchanged`` K(s_h) y_H; ``restricted`` R K_h y_h; ``scale``
    |R| |K_h| |P| |y_H|, the size of the terms that eq. (8) adds up; the stencils ``s_h`` and ``s_H``; and
    ``matrix_rho``, ρ of K_H = R K_h P.
    """
    s_h = S_FINE.astype(dtype)
    s_H = restrict_stencil(s_h, pair, d=2)
    y_h, grid = prepare(images, Preprocessing(smoothing=smoothing), dtype)
    coarse = grid.coarsen()
    R, P = pair.restriction_matrix(grid, dtype=dtype), pair.prolongation_matrix(grid, dtype=dtype)
    K_h, K_H = convolution_matrix(s_h, grid), convolution_matrix(s_H, coarse)
    y_H = R @ y_h
    return {
        "fine": y_h,
        "coarse": y_H,
        "fine_filtered": K_h @ y_h,
        "coarse_filtered": K_H @ y_H,
        "galerkin": R @ (K_h @ (P @ y_H)),
        "unchanged": convolution_matrix(s_h, coarse) @ y_H,
        "restricted": R @ (K_h @ y_h),
        "scale": abs(R) @ (abs(K_h) @ (abs(P) @ abs(y_H))),
        "s_h": s_h,
        "s_H": s_H,
        "matrix_rho": np.array(galerkin_test(R, K_h, P, K_H).rho),
    }


def measured(pair: TransferPair, found: dict[str, dict[str, Array]]) -> dict[str, Any]:
    """Return the numbers of one pair from its filtered images in each precision."""
    double = found["float64"]

    def relative(got: str, expected: str) -> float:
        return float(np.linalg.norm(double[got] - double[expected]) / np.linalg.norm(double[expected]))

    s_H = double["s_H"]
    printed = s_H.shape == S_COARSE_PRINTED.shape
    back = float(abs(prolong_stencil(s_H, pair, d=2) - S_FINE).max()) if 3 in pair.closed_sizes else None
    return {
        "s_H": s_H.tolist(),
        "deviation_from_printed": float(abs(s_H - S_COARSE_PRINTED).max()) if printed else None,
        "error_of_prolonged_again": back,
        "rho": {
            dtype: scaled_residual(
                one["coarse_filtered"], one["galerkin"], float(np.linalg.norm(one["scale"]))
            )
            for dtype, one in found.items()
        },
        "matrix_rho": {dtype: float(one["matrix_rho"]) for dtype, one in found.items()},
        "relative_error": relative("coarse_filtered", "galerkin"),
        "relative_error_unchanged": relative("unchanged", "galerkin"),
        "distance_to_restricted": relative("coarse_filtered", "restricted"),
        "distance_to_restricted_unchanged": relative("unchanged", "restricted"),
    }


def picture(figure: Figure, found: dict[str, Array], shape: tuple[int, ...], shown: int) -> None:
    """Draw Fig. 1: coarse above fine, images and filtered images, and what the unchanged stencil gives."""
    panels = [
        ("coarse", "coarse image"),
        ("coarse_filtered", "coarse, stencil restricted"),
        ("unchanged", "coarse, stencil unchanged"),
        ("fine", "fine image"),
        ("fine_filtered", "fine, filtered"),
    ]
    axes = figure.subplots(2, 3).ravel()
    for axis, (name, title) in zip(axes, panels, strict=False):
        n = tuple(extent // 2 for extent in shape) if name not in ("fine", "fine_filtered") else shape
        values = found[name][:, shown].reshape(n)
        grey = name in ("coarse", "fine")
        most = float(abs(values).max())
        drawn = axis.imshow(
            values,
            cmap="gray_r" if grey else "PuOr",
            vmin=0.0 if grey else -most,
            vmax=most,
            extent=(0, 1, 1, 0),
        )
        axis.set_title(title)
        axis.grid(visible=False)
        axis.set_xticks([0, 1])
        axis.set_yticks([0, 1])
        axis.set_xlabel("$x_2$", labelpad=-6)
        axis.set_ylabel("$x_1$", labelpad=-6)
        figure.colorbar(drawn, ax=axis, shrink=0.7)
    stencils = [f"{name}:\n{_rows(found[name])}" for name in ("s_h", "s_H")]
    axes[-1].axis("off")
    axes[-1].text(0.0, 0.5, "\n\n".join(stencils), family="monospace", va="center")


def _rows(stencil: Array) -> str:
    return "\n".join(" ".join(f"{value:6.2f}" for value in row) for row in stencil)


def main(argv: Sequence[str] | None = None) -> int:
    """Filter, measure, draw and write."""
    options: argparse.Namespace = options_of(
        "Example 1 and Fig. 1: one stencil on two meshes, for every named pair.", argv, trains=False
    )
    plan = read_plan(options, Settings)
    publisher = Publisher("example_1", options)
    section, settings = plan.configuration.data, plan.settings
    images = first_of_each_class(dataset_of(plan.configuration, options.data_dir))
    if not 0 <= settings.shown < images.count:
        raise InputError(
            f"[experiment] shown is {settings.shown}; expected 0 to {images.count - 1}, one image a class."
        )
    found = {
        pair.name: {
            dtype: filtered(pair, images, section.smoothing, dtype) for dtype in ("float64", "float32")
        }
        for pair in TRANSFER_PAIRS
    }
    if settings.figure_pair not in found:
        raise InputError(f"[experiment] figure_pair is {settings.figure_pair!r}; expected one of {[*found]}.")
    pairs = {pair.name: measured(pair, found[pair.name]) for pair in TRANSFER_PAIRS}
    result = {
        "configuration": {"data": {"dataset": section.dataset, "smoothing": section.smoothing}},
        "images": images.count,
        "grid": list(images.grid.shape),
        "s_h": S_FINE.tolist(),
        "s_H_printed": S_COARSE_PRINTED.tolist(),
        "figure_pair": settings.figure_pair,
        "pairs": pairs,
    }
    arrays = {
        f"{pair}/{name}": array
        for pair, both in found.items()
        for name, array in both["float64"].items()
        if name not in ("scale", "matrix_rho")
    }
    publisher.publish(
        result,
        arrays,
        lambda figure: picture(
            figure, found[settings.figure_pair]["float64"], images.grid.shape, settings.shown
        ),
        (8.0, 4.8),
    )
    for name, one in pairs.items():
        print(
            f"{name}: rho={one['rho']['float64']:.2f} relative_error={one['relative_error']:.1e} "
            f"unchanged={one['relative_error_unchanged']:.2f}"
        )
    return 0


if __name__ == "__main__":
    end_with(lambda: ended("example_1", main))
