"""The symbol λ(ω) = Σ_κ s_κ e^{iω·κ}: K(s) multiplies the mode e^{iω·j} with it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from refms.definition.arrays import Array
from refms.definition.convolution import offsets


def frequencies(grid: Sequence[int]) -> Array:
    """Return the grid's frequencies ω = 2πk/n as rows, shape (n, d), in C order of k."""
    return 2 * np.pi * np.indices(grid).reshape(len(grid), -1).T / np.asarray(grid)


def symbol(S: Array, omega: Array, orientation: str = "correlation") -> Array:
    """Return λ(ω) for frequencies as rows (k, d), shape (k, c_out, c_in); e^{-iω·κ} for "convolution".

    >>> symbol(np.array([[[1.0, -2.0, 1.0]]]), np.array([[np.pi]])).real.round(9).tolist()
    [[[-4.0]]]
    """
    sign = 1 if orientation == "correlation" else -1
    waves = ((index, np.exp(sign * 1j * (omega @ np.array(kappa)))) for index, kappa in offsets(S.shape[2:]))
    return sum(np.multiply.outer(wave, S[(..., *index)]) for index, wave in waves)
