"""The classifier's logits h^d Wᵀ y + μ of eq. (5)."""

from __future__ import annotations

from dataclasses import dataclass

from refms.backend import backend_of, zeros_like
from refms.errors import Array, require_same_precision, require_shape, require_whole
from refms.grid import Grid
from refms.network.parameters import Layout


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

        dZ = h^d (dWᵀ Y + Wᵀ dY) + dμ,   gW = h^d Y Gᵀ,   gμ = G 1,   gY = h^d W G.

    Examples
    --------
    >>> import numpy as np
    >>> classifier = Classifier(Grid((2,)), channels=1, classes=2)
    >>> omega = classifier.layout.pack({"W": np.eye(2), "mu": np.array([0.0, 1.0])})
    >>> classifier.apply(omega, np.array([[4.0], [6.0]])).ravel().tolist()
    [2.0, 4.0]
    """

    grid: Grid
    channels: int
    classes: int

    def __post_init__(self) -> None:
        require_whole(self.channels, "channels", 1)
        require_whole(self.classes, "classes", 2)

    @property
    def layout(self) -> Layout:
        """Parts ``W`` (c·n, ℓ) and ``mu`` (ℓ,)."""
        return Layout((("W", (self.rows_in, self.classes)), ("mu", (self.classes,))))

    @property
    def rows_in(self) -> int:
        """c·n."""
        return self.channels * self.grid.cells

    @property
    def rows_out(self) -> int:
        """ℓ."""
        return self.classes

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds for one example."""
        return self.rows_in * self.classes

    @property
    def stored(self) -> int:
        """Numbers kept per example: the logits."""
        return self.classes

    def apply(self, theta: Array, Y: Array) -> Array:
        """Return the logits.

        Parameters
        ----------
        theta : array
            W and μ as one vector, shape (layout.size,).
        Y : array
            Features y_N, shape (c·n, m), same precision.

        Returns
        -------
        array
            Logits, shape (ℓ, m).

        Raises
        ------
        InputError
            If shapes or precisions do not fit.
        """
        require_same_precision(theta=theta, Y=Y)
        require_shape(Y, (self.rows_in, None), "Y", "(channels * cells, examples)")
        parts = self.layout.unpack(theta)
        return self.grid.cell_volume * (parts["W"].T @ Y) + parts["mu"][:, None]

    def linearize(self, theta: Array, Y: Array) -> ClassifierLinearization:
        """Return the logits linearised at (W, μ, Y); parameters as for :meth:`apply`."""
        return ClassifierLinearization(self, self.layout.unpack(theta)["W"], Y, self.apply(theta, Y))

    def trace(self, theta: Array, Y: Array) -> dict[str, Array]:
        """Return ``output``, the logits; parameters as for :meth:`apply`."""
        return {"output": self.apply(theta, Y)}


@dataclass(frozen=True, eq=False)
class ClassifierLinearization:
    """The classifier at (W, μ, Y); formulas in :class:`Classifier`."""

    classifier: Classifier
    W: Array
    Y: Array
    output: Array

    def jvp(self, dtheta: Array | None, dY: Array | None = None) -> Array:
        """Return h^d (dWᵀ Y + Wᵀ dY) + dμ, shape (ℓ, m)."""
        volume = self.classifier.grid.cell_volume
        dZ = zeros_like(self.output)
        if dtheta is not None:
            d = self.classifier.layout.unpack(dtheta)
            dZ = volume * (d["W"].T @ self.Y) + d["mu"][:, None]
        return dZ if dY is None else dZ + volume * (self.W.T @ dY)

    def vjp(self, G: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the gradient of (W, μ) as a vector and h^d W G."""
        volume = self.classifier.grid.cell_volume
        gW, gmu = volume * (self.Y @ G.T), G.sum(axis=1)
        gY = self.pull_back(G) if wrt_input else None
        return backend_of(G).xp.concatenate([gW.reshape(-1), gmu]), gY

    def pull_back(self, G: Array) -> Array:
        """Return h^d W G."""
        return self.W @ (self.classifier.grid.cell_volume * G)

    def linearize_adjoint(
        self, G: Array, *, wrt_input: bool = True
    ) -> tuple[ClassifierAdjoint, Array | None]:
        """Return the adjoint linearised at G, and h^d W G."""
        return ClassifierAdjoint(self, G), (self.pull_back(G) if wrt_input else None)


@dataclass(frozen=True, eq=False)
class ClassifierAdjoint:
    """The adjoint (h^d Y Gᵀ, G 1, h^d W G), linearised at a cotangent G.

    Notes
    -----
    Bilinear in (W, μ) and Y, hence along (dW, dμ, dY, dG)

        dgW = h^d (Y dGᵀ + dY Gᵀ),   dgμ = dG 1,   dgY = h^d (W dG + dW G).
    """

    at: ClassifierLinearization
    G: Array

    def along(self, dtheta: Array | None, dY: Array | None = None) -> ClassifierTangent:
        """Return the derivatives along (dW and dμ as a vector, dY)."""
        dW = None if dtheta is None else self.at.classifier.layout.unpack(dtheta)["W"]
        return ClassifierTangent(self, (dW, dY), self.at.jvp(dtheta, dY))


@dataclass(frozen=True, eq=False)
class ClassifierTangent:
    """The derivatives of the logits and of their adjoint; formulas in :class:`ClassifierAdjoint`."""

    adjoint: ClassifierAdjoint
    direction: tuple[Array | None, Array | None]
    output: Array

    def vjp(self, dG: Array, *, wrt_input: bool = True) -> tuple[Array, Array | None]:
        """Return the derivatives of the gradient of (W, μ), as a vector, and of h^d W G."""
        at, G, (_, dY) = self.adjoint.at, self.adjoint.G, self.direction
        gW = at.Y @ dG.T
        if dY is not None:
            gW = gW + dY @ G.T
        gW = at.classifier.grid.cell_volume * gW
        dgY = self.pull_back(dG) if wrt_input else None
        return backend_of(dG).xp.concatenate([gW.reshape(-1), dG.sum(axis=1)]), dgY

    def pull_back(self, dG: Array) -> Array:
        """Return h^d (W dG + dW G)."""
        at, G, (dW, _) = self.adjoint.at, self.adjoint.G, self.direction
        dgY = at.pull_back(dG)
        return dgY if dW is None else dgY + dW @ (at.classifier.grid.cell_volume * G)
