"""The bounds of [MST], B.1 for coarsening and B.2 for cropping, with their constants measured on pixels."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from mathematics.pixels import Fields, pixel_gradients
from refms.errors import Array
from refms.stencils.transfer import transfer_pair


@dataclass(frozen=True)
class Bound:
    """A difference of gradients, the bound on it, and the constant in the bound."""

    difference: float
    bound: float
    constant: float


def coarsening_bound(stencils: Array, fine: Fields, pair: str = "averaging-constant") -> Bound:
    """Return ‖g_h − g_2h‖ ≤ λ max_i |x_i − x_C(i)|, eq. (26), one example.

    λ = max_i ‖γ_i − γ_C(i)‖ / |x_i − x_C(i)| with γ_C the pixel gradients of the coarse mesh: assumptions (2)
    and (3) together. All cells are √d h/2 from the centre of theirs.
    """
    coarse = fine.coarsened(pair)
    own, twin = (pixel_gradients(stencils, fields)[:, :, 0] for fields in (fine, coarse))
    P = transfer_pair("averaging-constant").prolongation_matrix(fine.grid)
    distance = sqrt(fine.grid.dimension) / (2 * fine.grid.shape[0])
    largest = np.linalg.norm(own - (P @ twin.T).T, axis=0).max() / distance
    difference = np.linalg.norm(own.mean(axis=1) - twin.mean(axis=1))
    return Bound(float(difference), float(largest * distance), float(largest))


def cropping_bound(stencils: Array, fields: Fields, share: float = 0.5) -> Bound:
    """Return ‖g_h − g_crop‖ ≤ 2 ζ (1 − |C|/|P|), ζ = max_i ‖γ_i‖, eq. (32), one example.

    C is the window at the origin with this share of the cells along each axis.
    """
    own, shape = pixel_gradients(stencils, fields)[:, :, 0], fields.grid.shape
    window = tuple(slice(0, round(share * n)) for n in shape)
    inside = own.reshape(-1, *shape)[(slice(None), *window)].reshape(len(own), -1)
    zeta = float(np.linalg.norm(own, axis=0).max())
    difference = np.linalg.norm(own.mean(axis=1) - inside.mean(axis=1))
    return Bound(float(difference), 2 * zeta * (1 - inside.shape[1] / own.shape[1]), zeta)
