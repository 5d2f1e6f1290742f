"""Whole networks on other meshes and in other depths, written from ``help(Adapter)`` alone."""

import math

import numpy as np
from from_help_formulas import PAIRS, as_images, as_rows, gathered, polygon, scattered


def blurred(Y, sigma):
    """Return images smoothed by the periodic Gaussian, cut off at 4σ."""
    reach = range(-math.ceil(4 * sigma), math.ceil(4 * sigma) + 1)
    weights = np.array([math.exp(-(k**2) / (2 * sigma**2)) if k else 1.0 for k in reach])
    for axis in range(2, Y.ndim):
        Y = sum(w * np.roll(Y, k, axis) for k, w in zip(reach, weights / weights.sum(), strict=True))
    return Y


class Meshes:
    """Operations of the level "transfer"."""

    def _with(self, parameters, stencils, W):
        """Return the network with all stencils moved, but for an opening of one cell."""
        found = {**parameters, "stencils": np.stack([stencils(s) for s in parameters["stencils"]]), "W": W}
        if math.prod(parameters["opening"].shape[2:]) > 1:
            found["opening"] = stencils(parameters["opening"])
        return self._out(found)

    def refine_network(self, parameters, grid, pair, weights):
        r, p = PAIRS[pair]
        w = as_images(parameters["W"].astype(float), grid)
        fine = scattered(w, p) if weights == "pair" else 2 ** len(grid) * scattered(w, r)
        return self._with(parameters, lambda s: self.stencil_up(s, pair), as_rows(fine))

    def coarsen_network(self, parameters, grid, pair, weights):
        if any(n % 2 for n in grid):
            raise ValueError(f"{grid} cannot be halved")
        r, p = PAIRS[pair]
        w, d = as_images(parameters["W"].astype(float), grid), len(grid)
        coarse = gathered(w, r) / sum(r.values()) ** d if weights == "pair" else gathered(w, p) / 2**d
        return self._with(parameters, lambda s: self.stencil_down(s, pair), as_rows(coarse))

    def forward_at_depth(self, parameters, X, problem, layers):
        deep = {key: polygon(parameters[key], layers) for key in ("stencils", "biases")}
        return self._out(self._states({**parameters, **deep}, X, problem)[1])

    def blur(self, Y, grid, sigma):
        return self._out(blurred(Y.astype(float), sigma))

    def coarse_input(self, Y, grid, pair, sigma):
        return self._out(gathered(blurred(Y.astype(float), sigma), PAIRS[pair][0]))
