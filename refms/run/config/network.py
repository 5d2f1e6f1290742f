"""The section [network]: its shape and its random start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from refms.errors import InputError, require_nonnegative, require_whole_fields
from refms.grid import Grid
from refms.maps.architectures.architecture import Architecture, architecture_named, as_tuple
from refms.maps.architectures.residual import Residual
from refms.run.config.reading import finite_fields, has_no_default


@dataclass(frozen=True)
class NetworkSection:
    """Shape of the network and its random start.

    Parameters
    ----------
    channels, layers : int
        Channels c and number of layers N.
    final_time : float
        T.
    stencil, opening_stencil : int
        Odd extents of the layers' and the opening's stencils.
    opening : str
        ``"fixed"`` or ``"learned"``.
    activation : str
        σ: ``"tanh"``, ``"relu"``, ``"leaky_relu"``, ``"smoothed_relu"``, ``"silu"`` or ``"identity"``.
    integrator : str
        ``"forward-euler"`` as in [LAS], ``"midpoint"``, ``"rk4"``, ``"verlet"`` or ``"leapfrog"``.
    layer : str
        ``"convolution"`` as in [LAS], ``"antisymmetric"`` or ``"symmetric"``.
    layer_damping : float
        γ ≥ 0 of the antisymmetric layer.
    seed : int
        Seed of the initial parameters.
    stencil_scale, opening_scale : float
        Size of the initial stencils and of the opening.
    architecture : str
        ``"residual"``, which the keys above are about, ``"resnet"``, or another name that was registered.
    options : mapping
        Fields of an architecture other than ``"residual"``.
    """

    channels: int = 8
    layers: int = 2
    final_time: float = 2.0
    stencil: int = 3
    opening: str = "fixed"
    opening_stencil: int = 1
    activation: str = "tanh"
    integrator: str = "forward-euler"
    layer: str = "convolution"
    layer_damping: float = 0.0
    seed: int = 0
    stencil_scale: float = 0.5
    opening_scale: float = 1.0
    architecture: str = "residual"
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_whole_fields(self, seed=0, channels=1, layers=1, stencil=1, opening_stencil=1)
        for name in ("stencil", "opening_stencil"):
            if getattr(self, name) % 2 == 0:
                raise InputError(f"{name} is {getattr(self, name)}; expected an odd number, such as 3.")
        for name in ("stencil_scale", "opening_scale"):
            require_nonnegative(getattr(self, name), name)
        if self.architecture == "residual":
            self.network(Grid((16, 16)))
        else:  # which may not fit that grid
            checked_options(self.architecture, self.options)

    @property
    def scales(self) -> dict[str, float]:
        """Sizes of the initial parameters, as the architecture's ``initial`` takes them."""
        if self.architecture != "residual":
            return {}
        return {"stencil_scale": self.stencil_scale, "opening_scale": self.opening_scale}

    def network(self, grid: Grid, image_channels: int = 1) -> Architecture:
        """Return the network on a grid, for images of so many channels."""
        if self.architecture != "residual":
            return registered_network(self.architecture, self.options, grid, image_channels)
        if self.options:
            raise InputError(
                f"options is {dict(self.options)}; expected none for architecture 'residual', whose keys "
                "stand in [network] itself."
            )
        return Residual(
            grid,
            self.channels,
            image_channels=image_channels,
            layers=self.layers,
            final_time=self.final_time,
            stencil_shape=(self.stencil,) * grid.dimension,
            opening=self.opening,
            opening_shape=(self.opening_stencil,) * grid.dimension,
            activation=self.activation,
            integrator=self.integrator,
            layer=self.layer,
            layer_damping=self.layer_damping,
        )


def registered_network(
    name: str, options: Mapping[str, Any], grid: Grid, image_channels: int | None = None
) -> Architecture:
    """Return the architecture of a registered name on a grid, with its options as TOML gives them."""
    kind, checked = architecture_named(name), checked_options(name, options)
    told = image_channels is not None and "image_channels" in kind.__dataclass_fields__
    own = {"image_channels": image_channels} if told else {}
    given = {"grid": grid, **own, **checked}
    if lacking := [item.name for item in fields(kind) if has_no_default(item) and item.name not in given]:
        raise InputError(
            f"architecture {name!r} needs {', '.join(lacking)}; expected them in [network.options]."
        )
    network: Architecture = kind(**given)
    return network


def checked_options(name: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an architecture, but its grid, that a table gives, in their defaults' types."""
    given = {key: as_tuple(value) for key, value in options.items()}
    return finite_fields(architecture_named(name), "network.options", given, but=("grid",))
