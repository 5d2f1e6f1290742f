"""The residual network of [LAS]: an opening and N identical layers, eqs. (1)-(3), or other steps in time."""

from __future__ import annotations

from collections.abc import Mapping as MappingABC
from dataclasses import dataclass, replace

import numpy as np

from refms.errors import Array, InputError, require_choice, require_shape, require_whole
from refms.grid import Grid
from refms.network.activation import activation
from refms.network.composition import Frozen, Sequence
from refms.network.integrators.runge_kutta import RungeKutta
from refms.network.integrators.tableau import MIDPOINT, RK4
from refms.network.integrators.verlet import Verlet
from refms.network.layers.antisymmetric import AntisymmetricLayer
from refms.network.layers.convolution_layer import ConvolutionLayer
from refms.network.layers.opening import ConvolutionOpening
from refms.network.propagation import ForwardEuler
from refms.network.time_stepping import TimeStepping
from refms.stencils.convolution import Convolution

OPENINGS = ("fixed", "learned")
INTEGRATORS = ("forward-euler", "midpoint", "rk4", "verlet")
LAYERS = ("convolution", "antisymmetric")
"""Right-hand sides: σ(K y + b), and σ((K − Kᵀ − γI) y + b)."""


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
        ``"forward-euler"``, eq. (3); ``"midpoint"`` or ``"rk4"``, with θ(t) linear between the layers; or
        ``"verlet"``, in which two halves of the channels move each other, so that stencils are c/2 × c/2.
    layer : str
        ``"convolution"``, σ(K y + b), or ``"antisymmetric"``, σ((K − Kᵀ − γI) y + b).
    layer_damping : float
        γ ≥ 0 of the antisymmetric layer, in units of 1/time.

    Raises
    ------
    InputError
        If a name is unknown, extents do not fit the grid, or choices do not go together: Verlet with an odd
        number of channels or the antisymmetric layer, damping without the latter.

    Examples
    --------
    >>> Residual(Grid((14, 14)), channels=8).parameter_shapes["stencils"]
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

    def __post_init__(self) -> None:
        require_choice(self.opening, OPENINGS, "opening")
        require_choice(self.integrator, INTEGRATORS, "integrator")
        require_choice(self.layer, LAYERS, "layer")
        self._require_fitting_choices()
        for name in ("stencil_shape", "opening_shape"):
            shape = getattr(self, name)
            if isinstance(shape, list):  # as JSON gives it back
                object.__setattr__(self, name, tuple(shape))
        _ = self.propagation, self.opening_map  # their constructors refuse what does not fit

    @property
    def opening_map(self) -> ConvolutionOpening:
        """The opening L as a map of its stencil and the images."""
        return ConvolutionOpening(self._convolution(self.image_channels, self.opening_shape, self.channels))

    @property
    def propagation(self) -> TimeStepping:
        """The N layers with their steps in time."""
        c, N, T = self.layer_channels, self.layers, self.final_time
        convolution = ConvolutionLayer(
            self._convolution(c, self.stencil_shape, c), activation(self.activation)
        )
        if self.integrator == "verlet":
            return Verlet(convolution, N, T)
        antisymmetric = self.layer == "antisymmetric"
        layer = AntisymmetricLayer(convolution, self.layer_damping) if antisymmetric else convolution
        if self.integrator == "forward-euler":
            return ForwardEuler(layer, N, T)
        return RungeKutta(layer, N, T, {"midpoint": MIDPOINT, "rk4": RK4}[self.integrator])

    @property
    def layer_channels(self) -> int:
        """Channels into and out of a layer: c, with Verlet c/2."""
        return self.channels // 2 if self.integrator == "verlet" else self.channels

    @property
    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shapes of the three named arrays ``opening``, ``stencils`` and ``biases``."""
        c = self.layer_channels
        return {
            "opening": (self.channels, self.image_channels, *self.opening_shape),
            "stencils": (self.layers, c, c, *self.stencil_shape),
            "biases": (self.layers, c),
        }

    def mapping(self, opening: Array) -> Sequence:
        """Return the network as a map from θ and images to y_N.

        Parameters
        ----------
        opening : array
            The opening stencil, shape (c, image_channels, *opening_shape). Where the opening is learned, only
            θ counts and this argument is checked and then ignored.

        Returns
        -------
        Sequence
            Maps ``opening`` and ``propagation``.

        Raises
        ------
        InputError
            If the stencil has another shape.
        """
        require_shape(
            opening, self.parameter_shapes["opening"], "opening", "(channels, image channels, *stencil)"
        )
        if self.opening == "learned":
            return Sequence((("opening", self.opening_map), ("propagation", self.propagation)))
        fixed = Frozen(self.opening_map, opening.reshape(-1))
        return Sequence((("opening", fixed), ("propagation", self.propagation)))

    def theta(self, parameters: MappingABC[str, Array]) -> Array:
        """Return the parameter vector θ of named arrays.

        Parameters
        ----------
        parameters : mapping of str to array
            ``opening``, ``stencils`` and ``biases`` in the shapes of :attr:`parameter_shapes`.

        Returns
        -------
        array
            Shape (mapping.layout.size,); layer by layer stencil and bias, after a learned opening.

        Raises
        ------
        InputError
            If an array is missing or of another shape.
        """
        for name, shape in self.parameter_shapes.items():
            if name not in parameters:
                raise InputError(f"parameter {name!r} is missing; expected {sorted(self.parameter_shapes)}.")
            require_shape(parameters[name], shape, name)
        layout = self.mapping(parameters["opening"]).layout
        parts = {}
        for k in range(self.layers):
            parts[f"propagation/layer{k}/stencil"] = parameters["stencils"][k]
            parts[f"propagation/layer{k}/bias"] = parameters["biases"][k]
        if self.opening == "learned":
            parts["opening/stencil"] = parameters["opening"]
        return layout.pack(parts)

    def parameters(self, theta: Array, opening: Array) -> dict[str, Array]:
        """Return the named arrays of a parameter vector, the inverse of :meth:`theta`.

        Parameters
        ----------
        theta : array
            Shape (mapping.layout.size,).
        opening : array
            The opening stencil; returned as it is where it is fixed.

        Returns
        -------
        dict of str to array
            ``opening``, ``stencils`` and ``biases``; new arrays but for a fixed opening.
        """
        parts = self.mapping(opening).layout.unpack(theta)
        rows = theta[theta.size - self.propagation.layout.size :].reshape(self.layers, -1)
        split = rows.shape[1] - self.layer_channels
        return {
            "opening": parts["opening/stencil"].copy() if self.opening == "learned" else opening,
            "stencils": rows[:, :split].reshape(self.parameter_shapes["stencils"]).copy(),
            "biases": rows[:, split:].copy(),
        }

    def on(self, grid: Grid) -> Residual:
        """Return the same network on another grid.

        Parameters
        ----------
        grid : Grid
            Of the same dimension.

        Returns
        -------
        Residual
            The configuration with the grid replaced.
        """
        return replace(self, grid=grid)

    def _require_fitting_choices(self) -> None:
        if self.integrator == "verlet" and self.layer == "antisymmetric":
            raise InputError(
                "integrator 'verlet' and layer 'antisymmetric' do not go together: Verlet couples two halves "
                "of the channels by K and -Kᵀ, which is antisymmetric as it is; expected layer 'convolution'."
            )
        if self.integrator == "verlet":
            require_whole(self.channels, "channels", 2)
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

    def _convolution(self, c_in: int, stencil_shape: tuple[int, ...], c_out: int) -> Convolution:
        return Convolution(
            self.grid,
            c_in=c_in,
            c_out=c_out,
            stencil_shape=stencil_shape,
            boundary=self.boundary,
            orientation=self.orientation,
        )


def initial_parameters(
    network: Residual,
    seed: int,
    stencil_scale: float = 0.1,
    dtype: str = "float64",
    opening_scale: float = 1.0,
) -> dict[str, Array]:
    """Return random initial parameters: identical layers, zero biases.

    Parameters
    ----------
    network : Residual
        The configuration.
    seed : int
        Seed of ``numpy.random.default_rng``.
    stencil_scale : float
        The layers' stencils are normal with standard deviation stencil_scale / √(c · stencil entries), so
        that ‖K(s) y‖ ≈ stencil_scale ‖y‖; the same in all layers, a function constant in time. c are the
        channels of a layer.
    dtype : str
        ``"float64"`` or ``"float32"``; both hold the same draws.
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
    >>> drawn = initial_parameters(Residual(Grid((4, 4)), channels=2), seed=1)
    >>> bool((drawn["stencils"][0] == drawn["stencils"][1]).all())
    True
    """
    require_choice(dtype, ("float64", "float32"), "dtype")
    require_whole(seed, "seed")
    for name, scale in (("stencil_scale", stencil_scale), ("opening_scale", opening_scale)):
        if not np.isfinite(scale):
            raise InputError(f"{name} is {scale}; expected a finite number.")
    rng = np.random.default_rng(seed)
    shapes = network.parameter_shapes
    inputs = int(np.prod(shapes["opening"][1:]))
    opening = rng.standard_normal(shapes["opening"]) * (opening_scale / np.sqrt(inputs))
    one = rng.standard_normal(shapes["stencils"][1:])
    one *= stencil_scale / np.sqrt(np.prod(shapes["stencils"][2:]))
    drawn = {
        "opening": opening,
        "stencils": np.broadcast_to(one, shapes["stencils"]).copy(),
        "biases": np.zeros(shapes["biases"]),
    }
    return {name: array.astype(dtype) for name, array in drawn.items()}
