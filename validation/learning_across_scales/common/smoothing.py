"""The smoothing of images on one mesh that matches the smoothing on another one."""

from __future__ import annotations

from refms.data.dataset import Dataset
from refms.grid import Grid
from refms.multiscale.matched_smoothing import matched_between
from refms.stencils.transfer import transfer_pair


def matched_on(there: int, here: int, sigma: float, pair: str, images: Dataset) -> float:
    """Return the width on a mesh that is matched to a width on another one.

    Parameters
    ----------
    there, here : int
        Cells along each axis of both meshes.
    sigma : float
        Width for the mesh ``here``, in cells of the images.
    pair : str
        The transfer pair between both.
    images : Dataset
        The images.

    Returns
    -------
    float
        In cells of the images, see :func:`~refms.multiscale.matched_smoothing.matched_between`.
    """
    grids = (Grid((n,) * images.grid.dimension) for n in (here, there))
    return matched_between(*grids, sigma, transfer_pair(pair), images.grid)
