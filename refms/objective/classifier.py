"""The classifier's logits h^d Wᵀ y + μ of eq. (5)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from refms.backend import backend_of, zeros_like
from refms.errors import Array, require_whole_fields
from refms.grid import Grid, as_grid
from refms.maps.layout import Layout
from refms.maps.map import Along, At, Gradients, Map, Tangent


@dataclass(frozen=True)
class Classifier:
    """Logits Z = h^d Wᵀ Y + μ: the midpoint rule for the L₂ inner products of w_j and y.

    Parameters
    ----------
    grid : Grid
        Of the features, or of the blocks over which they were averaged; its cell volume is the h^d.
    channels : int
        Channels c of the features.
    classes : int
        Number of classes ℓ.

    Raises
    ------
    InputError
        If there are fewer than one channel or two classes.

    Notes
    -----
    [LAS] eq. (5). Parameters W ∈ R^{(c·n)×ℓ} and μ ∈ R^ℓ. Derivatives (Euclidean inner products):

        dZ = h^d (dWᵀ Y + Wᵀ dY) + dμ,   gW = h^d Y Gᵀ,   gμ = G 1,   gY = h^d W G,

    and, bilinear in (W, μ) and Y, once more along (dW, dμ, dY, dG)

        dgW = h^d (Y dGᵀ + dY Gᵀ),   dgμ = dG 1,   dgY = h^d (W dG + dW G).

    Examples
    --------
    >>> import numpy as np
    >>> classifier = Classifier(Grid((2,)), channels=1, classes=2)
    >>> omega = classifier.layout.pack({"W": np.eye(2), "mu": np.array([0.0, 1.0])})
    >>> classifier.map.apply(omega, np.array([[4.0], [6.0]])).ravel().tolist()
    [2.0, 4.0]
    """

    grid: Grid
    channels: int
    classes: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "grid", as_grid(self.grid))
        require_whole_fields(self, channels=1, classes=2)

    @property
    def rows_in(self) -> int:
        """c·n."""
        return self.channels * self.grid.cells

    @property
    def layout(self) -> Layout:
        """Parts ``W`` (c·n, ℓ) and ``mu`` (ℓ,)."""
        return self.map.layout

    @cached_property
    def map(self) -> Map:
        """The logits as a map of (W, μ) and the features."""
        volume, classes, rows = self.grid.cell_volume, self.classes, self.rows_in

        def weights(theta: Array) -> Array:
            return theta[:-classes].reshape(rows, classes)

        def evaluate(theta: Array, Y: Array) -> Array:
            return volume * (weights(theta).T @ Y) + theta[-classes:, None]

        def linearize(theta: Array, Y: Array) -> At:
            W, output = weights(theta), evaluate(theta, Y)

            def jvp(dtheta: Array | None, dY: Array | None = None) -> Array:
                if dtheta is None:
                    return zeros_like(output) if dY is None else zeros_like(output) + volume * (W.T @ dY)
                dZ = evaluate(dtheta, Y)
                return dZ if dY is None else dZ + volume * (W.T @ dY)

            def gradient(gW: Array, G: Array) -> Array:
                return backend_of(G).xp.concatenate([(volume * gW).reshape(-1), G.sum(axis=1)])

            def vjp(G: Array, *, wrt_theta: bool = True, wrt_input: bool = True) -> Gradients:
                gtheta = gradient(Y @ G.T, G) if wrt_theta else None
                return gtheta, (W @ (volume * G) if wrt_input else None)

            def second(G: Array, *, wrt_input: bool = True) -> tuple[Along, Array | None]:
                def along(dtheta: Array | None, dY: Array | None = None) -> Tangent:
                    def tangent_vjp(
                        dG: Array, *, wrt_theta: bool = True, wrt_input: bool = True
                    ) -> Gradients:
                        dgtheta, dgY = None, None
                        if wrt_theta:
                            gW = Y @ dG.T
                            dgtheta = gradient(gW if dY is None else gW + dY @ G.T, dG)
                        if wrt_input:
                            dgY = W @ (volume * dG)
                            dgY = dgY if dtheta is None else dgY + weights(dtheta) @ (volume * G)
                        return dgtheta, dgY

                    return Tangent(jvp(dtheta, dY), tangent_vjp)

                return along, (W @ (volume * G) if wrt_input else None)

            return At(output, jvp, vjp, second)

        return Map(
            Layout((("W", (rows, classes)), ("mu", (classes,)))),
            rows,
            classes,
            evaluate,
            linearize,
            multiply_adds=rows * classes,
            stored=classes,  # the logits
        )
