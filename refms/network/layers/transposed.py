"""The layer with the transposed convolution, σ(K(s)ᵀ y + b)."""

from __future__ import annotations

from dataclasses import dataclass

from refms.errors import Array
from refms.network.layers.reparametrized import ReparametrizedLayer
from refms.stencils.routes.route import flip


def transposed_stencils(S: Array) -> Array:
    """Return the stencils of K(S)ᵀ: flipped, their channels transposed; for either orientation.

    Parameters
    ----------
    S : array
        Shape (c_out, c_in, *stencil).

    Returns
    -------
    array
        Shape (c_in, c_out, *stencil), a view.

    Examples
    --------
    >>> import numpy as np
    >>> transposed_stencils(np.array([[[1.0, 2.0, 3.0]]])).tolist()
    [[[3.0, 2.0, 1.0]]]
    """
    return flip(S).swapaxes(0, 1)


@dataclass(frozen=True)
class TransposedLayer(ReparametrizedLayer):
    """The layer σ(K(S)ᵀ Y + b).

    Parameters
    ----------
    layer : ConvolutionLayer
        σ(K(S) Y + b), with as many channels in as out.

    Notes
    -----
    K(S)ᵀ = K(τS) with the permutation (τS)_{o,c,κ} = S_{c,o,−κ}, its own inverse and so symmetric.
    """

    def mixed(self, stencil: Array) -> Array:
        """Return τS."""
        return transposed_stencils(stencil)
