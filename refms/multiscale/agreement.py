"""The smoothing with which a transferred net agrees best with the one it came from, measured."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from refms.backend import backend_of
from refms.data.dataset import Dataset, subset
from refms.errors import Array, InputError, note
from refms.linear.vectors import norm
from refms.model import Model
from refms.multiscale.matched_smoothing import matched_between
from refms.objective.reading import Classes
from refms.stencils.transfer import TransferPair

EXAMPLES = 500
"""Images on which two nets are compared where nothing else is said."""

_NODES = 13
_TOLERANCE = 1e-3
_NARROWEST = 0.5

DOUBTFUL = 0.1
"""Distance of the logits from which accuracy was lost, see validation/RESULTS.md."""


@dataclass(frozen=True)
class Agreement:
    """How well a transferred net agrees with the one it came from.

    Parameters
    ----------
    smoothing : float
        Width σ of the Gaussian for the images of the transferred net, in cells of the images.
    distance : float
        ‖Z(σ) − Z‖ / ‖Z‖ of its logits Z(σ) from those of the other net on the same images.
    """

    smoothing: float
    distance: float


def agreeing_smoothing(model: Model, moved: Model, images: Dataset, widest: float) -> Agreement:
    """Return the smoothing of a moved net's images at which its logits are closest to those of its origin.

    Parameters
    ----------
    model : Model
        The net as it was trained; its own pre-processing is that of its training.
    moved : Model
        The net that :func:`~refms.multiscale.resolution.transfer` made of it; the smoothing of its
        pre-processing does not count.
    images : Dataset
        Some images, of which no label is looked at. They are interpolated to a mesh finer than their own.
    widest : float
        Largest width that is tried, in cells of the images.

    Returns
    -------
    Agreement
        The best of all widths between 0 and ``widest``.

    Raises
    ------
    InputError
        If the widest width is not positive, the nets have other numbers of classes, or all logits are zero.

    Warns
    -----
    InputWarning
        If even at the best width the logits differ by so much that the moved net has to be expected to be
        less accurate.

    Notes
    -----
    :func:`~refms.multiscale.matched_smoothing.matched_smoothing` knows what the pair does to y_0: the fine
    net expects P y_H in the place of y_h. But the layers go on: where the coarse net computes σ(R K_h P y_H),
    the fine one computes σ(K_h y_h), which is not in the range of P, so that its next layer sees increments
    that are sharper than those of the coarse net by the variance of R and P; and on the way down smoother
    ones. One width for the images cannot match y_0 and all increments at once. Which compromise is best
    depends on T, N, the stencils and the images, and is measured here: the minimum over σ of ‖Z(σ) − Z‖,
    found on equidistant variances σ² first, then by Brent's method between the neighbours of the best.

    Examples
    --------
    >>> from refms.data.dataset import Dataset
    >>> from refms.data.preprocessing import Preprocessing
    >>> from refms.grid import Grid
    >>> from refms.model import initial_model
    >>> from refms.multiscale.resolution import transfer
    >>> from refms.objective.reading import Classes
    >>> from refms.maps.architectures.residual import Residual
    >>> steps = Preprocessing(smoothing=0.9, levels=1)
    >>> net = initial_model(Residual(Grid((4, 4)), 2, final_time=0.0), Classes(3), preprocessing=steps)
    >>> rng = np.random.default_rng(0)
    >>> net = net.with_arrays(W=rng.standard_normal(net.arrays["W"].shape))
    >>> some = Dataset(rng.random((5, 1, 8, 8)), np.zeros(5, int), classes=3, name="noise", max_value=1.0)
    >>> fine = transfer(net, Grid((8, 8)), "averaging-bilinear", weights="adjoint")
    >>> round(agreeing_smoothing(net, fine, some, 2.0).smoothing, 2)  # T = 0: W reads what it read before
    0.9
    """
    if not (math.isfinite(widest) and widest > 0):
        raise InputError(f"the widest smoothing is {widest}; expected a positive number of cells.")
    here, there = (net.maps[list(net.maps)[-1]].rows_out for net in (model, moved))
    if isinstance(model.reading, Classes) and here != there:
        raise InputError(
            f"the nets have {here} and {there} classes; expected a net and what a transfer made of it."
        )
    expected = _logits(model, images)
    size = norm(expected)
    if size == 0:
        raise InputError("all logits of the net are zero; expected a trained net.")

    def distance(variance: float) -> float:
        steps = replace(moved.preprocessing, smoothing=math.sqrt(variance))
        return norm(_logits(replace(moved, preprocessing=steps), images) - expected) / size

    nodes = np.linspace(0.0, widest**2, _NODES)
    values = [distance(node) for node in nodes]
    best = int(np.argmin(values))
    around = float(nodes[max(best - 1, 0)]), float(nodes[min(best + 1, _NODES - 1)])
    xatol = _TOLERANCE * widest**2
    from scipy.optimize import minimize_scalar  # which takes longer to import than all of this package

    refined = minimize_scalar(distance, bounds=around, method="bounded", options={"xatol": xatol})
    found = min((values[best], float(nodes[best])), (float(refined.fun), float(refined.x)))
    if found[0] > DOUBTFUL:
        note(
            f"the logits of the moved net differ by {100 * found[0]:.0f} % even with the best smoothing. "
            "Nets that differed by 10 to 20 % lost up to 5 points of accuracy, by 40 % and more 15 points "
            "and more: evaluate it on the new mesh, or train one to move (theta_transfer, more smoothing)."
        )
    return Agreement(math.sqrt(found[1]), found[0])


def agreement(model: Model, moved: Model, pair: TransferPair, images: Dataset) -> Agreement:
    """Return the best smoothing up to twice the one with which the net was trained, or the matched one."""
    sigma = model.preprocessing.smoothing
    matched = matched_between(model.grid, moved.grid, sigma, pair, images.grid)
    some = subset(images, np.arange(min(EXAMPLES, images.count)))
    return agreeing_smoothing(model, moved, some, 2 * max(sigma, matched, _NARROWEST))


def _logits(model: Model, images: Dataset) -> Array:
    Z = model.outputs(model.prepare(images, interpolate=True))
    host: Array = backend_of(Z).to_host(Z).astype("float64")
    return host
