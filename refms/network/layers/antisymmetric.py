"""The antisymmetric layer, σ((K(s) − K(s)ᵀ − γI) y + b)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from numbers import Real

import numpy as np

from refms.backend import backend_of
from refms.errors import Array, InputError
from refms.network.layers.reparametrized import ReparametrizedLayer
from refms.network.layers.transposed import transposed_stencils


@dataclass(frozen=True)
class AntisymmetricLayer(ReparametrizedLayer):
    """The layer σ((K(S) − K(S)ᵀ − γI) Y + b), stable by construction.

    Parameters
    ----------
    layer : ConvolutionLayer
        σ(K(S) Y + b), with as many channels in as out.
    damping : float
        γ ≥ 0, in units of 1/time.

    Raises
    ------
    InputError
        If the layer does not fit, or γ is negative or not finite.

    Notes
    -----
    K(S) − K(S)ᵀ = K(S − τS) is antisymmetric to the last bit, with eigenvalues on the imaginary axis; those
    of the Jacobian D (K − Kᵀ), D = σ′ > 0, are there, too, for it is similar to the antisymmetric matrix
    D^½ (K − Kᵀ) D^½. Forward Euler amplifies such modes by |1 + iδtω| > 1, hence γ: |1 + δt(iω − γ)| ≤ 1
    where δt(ω² + γ²) ≤ 2γ.

    S and S + (symmetric stencils) give the same layer. With R K P for K the layer's matrix becomes
    R(K − Kᵀ)P: antisymmetric, and the one of the transferred S, for every pair whose stencil map commutes
    with the flip, such as all with R ∝ Pᵀ. γ is kept, as it is the same in every cell of any mesh.

    Examples
    --------
    >>> import numpy as np
    >>> from refms.grid import Grid
    >>> from refms.network.activation import TANH
    >>> from refms.network.layers.convolution_layer import ConvolutionLayer
    >>> from refms.stencils.convolution import Convolution
    >>> layer = AntisymmetricLayer(ConvolutionLayer(Convolution(Grid((4,)), stencil_shape=(3,)), TANH), 0.1)
    >>> layer.effective(np.array([1.0, 2.0, 4.0, 0.0])).tolist()
    [-3.0, -0.1, 3.0, 0.0]
    """

    damping: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not (isinstance(self.damping, Real) and 0 <= self.damping < math.inf):
            raise InputError(f"damping of the layer is {self.damping!r}; expected a finite number >= 0.")

    def mixed(self, stencil: Array) -> Array:
        """Return S − τS."""
        return stencil - transposed_stencils(stencil)

    def shifted(self, stencil: Array) -> Array:
        """Return the stencils minus γ in the centre of each channel's own one."""
        if self.damping == 0:
            return stencil
        centre = np.zeros(stencil.shape[2:])
        centre[tuple(size // 2 for size in centre.shape)] = self.damping
        identity = np.eye(stencil.shape[0]).reshape(*stencil.shape[:2], *[1] * centre.ndim)
        return stencil - backend_of(stencil).from_host((identity * centre).astype(str(stencil.dtype)))
