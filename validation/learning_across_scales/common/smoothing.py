"""The smoothing of images on one mesh that matches the smoothing on another one."""

from refms.data.dataset import Dataset
from refms.grid import Grid
from refms.multiscale.matched_smoothing import matched_between
from refms.stencils.transfer import transfer_pair


def matched_on(there: int, here: int, sigma: float, pair: str, images: Dataset) -> float:
    """Return the width for the mesh ``there`` that matches σ for ``here``, both in cells of the images."""
    grids = (Grid((n,) * images.grid.dimension) for n in (here, there))
    return matched_between(*grids, sigma, transfer_pair(pair), images.grid)
