"""What holds exactly between a trained net and what a transfer makes of it."""

from dataclasses import replace
from typing import Any

import numpy as np

from refms.checks import galerkin_test
from refms.data.dataset import Dataset
from refms.grid import Grid
from refms.model import Model
from refms.multiscale.resolution import transfer
from refms.stencils.transfer import transfer_pair


def exact_identities(model: Model, grid: Grid, pair_name: str, images: Dataset) -> dict[str, float]:
    """Return rho of K_H = R K_h P over the layers, and the change of the logits in the limit T -> 0.

    The second statement compares X_H = R X_h on the way up and X_h = P X_H on the way down.
    """
    other, pair = transfer(model, grid, pair_name, weights="pair"), transfer_pair(pair_name)
    by_adjoint = transfer(model, grid, pair_name, weights="adjoint")
    coarse, fine = (model, other) if grid.cells > model.grid.cells else (other, model)
    options: dict[str, Any] = {"dtype": model.dtype, "levels": coarse.grid.levels_to(fine.grid)}
    c = model.architecture.channels
    R = pair.restriction_matrix(fine.grid, channels=c, **options)
    P = pair.prolongation_matrix(fine.grid, channels=c, **options)
    matrix_c, matrix_f = (m.architecture.convolution.matrix for m in (coarse, fine))
    reports = [
        galerkin_test(R, matrix_f(fine.arrays["stencils"][k]), P, matrix_c(coarse.arrays["stencils"][k]))
        for k in range(model.architecture.layers)
    ]
    if fine is other:
        X_there = other.prepare(images, interpolate=True)
        X_here = pair.restriction_matrix(fine.grid, images.channels, **options) @ X_there
    else:
        X_there = other.prepare(images)
        X_here = pair.prolongation_matrix(fine.grid, images.channels, **options) @ X_there
    expected = _still(model).outputs(X_here)
    change, by_adjoint_change = (
        float(np.abs(_still(moved_net).outputs(X_there) - expected).max())
        for moved_net in (other, by_adjoint)
    )
    return {
        "galerkin_rho": max(report.rho for report in reports),
        "logit_change_without_propagation": change,
        "logit_change_without_propagation_adjoint": by_adjoint_change,
        "largest_logit": float(np.abs(expected).max()),
    }


def _still(model: Model) -> Model:
    """Return the model with T = 0."""
    return replace(model, architecture=replace(model.architecture, final_time=0.0))
