"""The residual network of [LAS]: an opening and N identical layers, eqs. (1)-(3), or other steps in time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from refms.display import short_repr
from refms.errors import Array, InputError, require_choice, require_whole, require_whole_fields
from refms.grid import Grid, as_grid
from refms.maps.activation import activation
from refms.maps.architectures.architecture import Arrays, Move, register_architecture
from refms.maps.chain import chain
from refms.maps.layers.convolution import convolution_layer, convolution_map
from refms.maps.layers.tied import antisymmetric_layer, symmetric_layer
from refms.maps.map import Map
from refms.maps.time.coupling import leapfrog, verlet
from refms.maps.time.euler import forward_euler
from refms.maps.time.runge_kutta import runge_kutta
from refms.maps.time.tableau import MIDPOINT, RK4
from refms.stencils.convolution import Convolution

OPENINGS = ("fixed", "learned")
INTEGRATORS = ("forward-euler", "midpoint", "rk4", "verlet", "leapfrog")
LAYERS = ("convolution", "antisymmetric", "symmetric")
"""Right-hand sides: σ(K y + b), σ((K − Kᵀ − γI) y + b), and −Kᵀσ(K y + b)."""


@dataclass(frozen=True)
class Residual:
    """Everything that defines the network apart from the numbers it learns.

    Parameters
    ----------
    grid : Grid
        Mesh of the images and of all features.
    channels : int
        Channels c of the features.
    image_channels : int
        Channels of the images.
    layers : int
        Number of layers N.
    final_time : float
        T; the time step is T / N.
    stencil_shape : tuple of int
        Odd extents of the layers' stencils.
    opening : str
        ``"fixed"``: the opening stencil is data; ``"learned"``: it is part of θ.
    opening_shape : tuple of int
        Odd extents of the opening stencil.
    activation : str
        Name of σ.
    boundary : str
        ``"periodic"`` or ``"zero"``.
    orientation : str
        ``"correlation"`` (stencil notation) or ``"convolution"``.
    integrator : str
        ``"forward-euler"``, eq. (3); ``"midpoint"`` or ``"rk4"``, with θ(t) linear between the layers;
        ``"verlet"``, in which two halves of the channels move each other, so that stencils are c/2 × c/2; or
        ``"leapfrog"`` for y″ = F(θ(t), y), y′(0) = 0.
    layer : str
        ``"convolution"``, σ(K y + b); ``"antisymmetric"``, σ((K − Kᵀ − γI) y + b); or ``"symmetric"``,
        −Kᵀσ(K y + b).
    layer_damping : float
        γ ≥ 0 of the antisymmetric layer, in units of 1/time.

    Raises
    ------
    InputError
        If a name is unknown, extents do not fit the grid, or choices do not go together: Verlet with an odd
        number of channels or another layer, damping without the antisymmetric one.

    Examples
    --------
    >>> Residual(Grid((14, 14)), channels=8).arrays.shapes["stencils"]
    (2, 8, 8, 3, 3)
    """

    grid: Grid
    channels: int
    image_channels: int = 1
    layers: int = 2
    final_time: float = 1.0
    stencil_shape: tuple[int, ...] = (3, 3)
    opening: str = "fixed"
    opening_shape: tuple[int, ...] = (1, 1)
    activation: str = "tanh"
    boundary: str = "periodic"
    orientation: str = "correlation"
    integrator: str = "forward-euler"
    layer: str = "convolution"
    layer_damping: float = 0.0

    __repr__ = short_repr

    def __post_init__(self) -> None:
        object.__setattr__(self, "grid", as_grid(self.grid))
        require_whole_fields(self, channels=1, layers=1, image_channels=1)
        require_choice(self.opening, OPENINGS, "opening")
        require_choice(self.integrator, INTEGRATORS, "integrator")
        require_choice(self.layer, LAYERS, "layer")
        self._require_fitting_choices()
        for name in ("stencil_shape", "opening_shape"):
            shape = getattr(self, name)
            if isinstance(shape, list):  # as JSON gives it back
                object.__setattr__(self, name, tuple(shape))
        _ = self.map  # its constructors refuse what does not fit

    @cached_property
    def map(self) -> Map:
        """From θ and images to y_N: a chain of ``opening`` and ``propagation``."""
        return chain(("opening", self.opening_map), ("propagation", self.propagation))

    @property
    def opening_map(self) -> Map:
        """The opening L as a map of its stencil and the images."""
        c_in, c_out, sizes = self.image_channels, self.channels, self.opening_shape
        return convolution_map(Convolution(self.grid, c_in, c_out, sizes, self.boundary, self.orientation))

    @cached_property
    def propagation(self) -> Map:
        """The N layers with their steps in time."""
        N, T = self.layers, self.final_time
        K, sigma = self.convolution, activation(self.activation)
        if self.integrator == "verlet":
            return verlet(K, sigma, N, T)
        if self.layer == "antisymmetric":
            layer = antisymmetric_layer(K, sigma, self.layer_damping)
        else:
            layer = symmetric_layer(K, sigma) if self.layer == "symmetric" else convolution_layer(K, sigma)
        if self.integrator in ("midpoint", "rk4"):
            return runge_kutta(layer, N, T, MIDPOINT if self.integrator == "midpoint" else RK4)
        return leapfrog(layer, N, T) if self.integrator == "leapfrog" else forward_euler(layer, N, T)

    @property
    def convolution(self) -> Convolution:
        """Geometry of K in the layers."""
        c = self.layer_channels
        return Convolution(self.grid, c, c, self.stencil_shape, self.boundary, self.orientation)

    @property
    def layer_channels(self) -> int:
        """Channels into and out of a layer: c, with Verlet c/2."""
        return self.channels // 2 if self.integrator == "verlet" else self.channels

    @cached_property
    def arrays(self) -> Arrays:
        """``opening`` (c, c_image, *stencil), ``stencils`` (N, c, c, *stencil) and ``biases`` (N, c)."""
        stacked = {
            name: tuple(f"propagation/layer{k}/{part}" for k in range(self.layers))
            for name, part in (("stencils", "stencil"), ("biases", "bias"))
        }
        return Arrays(self.map.layout, {"opening": "opening/stencil", **stacked})

    @property
    def held(self) -> tuple[str, ...]:
        """The opening, where it is fixed."""
        return ("opening",) if self.opening == "fixed" else ()

    @property
    def moves(self) -> dict[str, Move]:
        """Stencils by K_H = R K_h P, stencils and biases by interpolation in time."""
        return {
            "opening": Move(stencil=True, pointwise=True),
            "stencils": Move(stencil=True, time=True),
            "biases": Move(time=True),
        }

    def on(self, grid: Grid, stencils: Mapping[str, tuple[int, ...]] | None = None) -> Residual:
        """Return the same network on another grid, perhaps with stencils of other sizes."""
        sizes = stencils or {}
        return replace(
            self,
            grid=grid,
            stencil_shape=sizes.get("stencils", self.stencil_shape),
            opening_shape=sizes.get("opening", self.opening_shape),
        )

    def with_layers(self, layers: int) -> Residual:
        """Return the same network with another number of layers, for the same T."""
        return replace(self, layers=layers)

    def initial(
        self, seed: int, dtype: str = "float64", stencil_scale: float = 0.1, opening_scale: float = 1.0
    ) -> dict[str, Array]:
        """Return random initial arrays: identical layers, zero biases.

        Parameters
        ----------
        seed : int
            Seed of ``numpy.random.default_rng``.
        dtype : str
            ``"float64"`` or ``"float32"``; both hold the same draws.
        stencil_scale : float
            The layers' stencils are normal with standard deviation stencil_scale / √(c · stencil entries), so
            that ‖K(s) y‖ ≈ stencil_scale ‖y‖; the same in all layers, a function constant in time. c are the
            channels of a layer.
        opening_scale : float
            The opening is normal with standard deviation opening_scale / √(entries of one of its stencils).

        Returns
        -------
        dict of str to numpy.ndarray
            ``opening``, ``stencils`` and ``biases``.

        Raises
        ------
        InputError
            If the seed is negative or no integer, a scale is not finite, or the dtype is another one.

        Examples
        --------
        >>> drawn = Residual(Grid((4, 4)), channels=2).initial(seed=1)
        >>> bool((drawn["stencils"][0] == drawn["stencils"][1]).all())
        True
        """
        require_choice(dtype, ("float64", "float32"), "dtype")
        seed = require_whole(seed, "seed")
        for name, scale in (("stencil_scale", stencil_scale), ("opening_scale", opening_scale)):
            if not np.isfinite(scale):
                raise InputError(f"{name} is {scale}; expected a finite number.")
        rng, shapes = np.random.default_rng(seed), self.arrays.shapes
        inputs = math.prod(shapes["opening"][1:])
        opening = rng.standard_normal(shapes["opening"]) * (opening_scale / np.sqrt(inputs))
        one = rng.standard_normal(shapes["stencils"][1:])
        one *= stencil_scale / np.sqrt(np.prod(shapes["stencils"][2:]))
        drawn = {
            "opening": opening,
            "stencils": np.broadcast_to(one, shapes["stencils"]).copy(),
            "biases": np.zeros(shapes["biases"]),
        }
        return {name: array.astype(dtype) for name, array in drawn.items()}

    def _require_fitting_choices(self) -> None:
        if self.integrator == "verlet" and self.layer != "convolution":
            raise InputError(
                f"integrator 'verlet' and layer {self.layer!r} do not go together: Verlet couples two halves "
                "of the channels by K and -Kᵀ, which is antisymmetric as it is; expected layer 'convolution'."
            )
        if self.integrator == "verlet":
            require_whole_fields(self, channels=2)
            if self.channels % 2:
                raise InputError(
                    f"channels is {self.channels}; expected an even number for integrator 'verlet', in which "
                    "two halves of the channels move each other."
                )
        if self.layer != "antisymmetric" and self.layer_damping != 0:
            raise InputError(
                f"layer_damping is {self.layer_damping!r}; expected 0 for layer {self.layer!r}: only "
                "'antisymmetric' layers are damped."
            )


register_architecture("residual", Residual)
