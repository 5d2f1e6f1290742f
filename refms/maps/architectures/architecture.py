"""What a network is apart from its numbers, and the registry by which configurations and files name it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import entry_points
from typing import Any, Protocol, Self, TypeVar

from refms.backend import backend_of
from refms.display import short_repr
from refms.errors import Array, InputError, require_choice, require_shape
from refms.grid import Grid
from refms.maps.chain import chain
from refms.maps.layout import Layout, join_layouts
from refms.maps.map import Map
from refms.maps.parameters import frozen


@dataclass(frozen=True)
class Arrays:
    """The parameters of a network under the names that files and users know.

    Parameters
    ----------
    layout : Layout
        Of the parameter vector θ.
    names : mapping of str to str or tuple of str
        Name of an array to the part of the layout that it is, or to a tuple of parts of one shape, even of a
        single one, that are stacked along a new first axis (the layers of a propagation).

    Examples
    --------
    >>> layout = Layout((("layer0/bias", (2,)), ("layer1/bias", (2,))))
    >>> Arrays(layout, {"biases": ("layer0/bias", "layer1/bias")}).shapes
    {'biases': (2, 2)}
    """

    layout: Layout
    names: Mapping[str, str | tuple[str, ...]]

    __repr__ = short_repr

    def __post_init__(self) -> None:
        told = sorted(part for name in self.names for part in self.parts(name))
        if told != sorted(self.layout.names):
            raise InputError(
                f"the arrays hold the parts {told}; expected exactly {sorted(self.layout.names)}."
            )

    def parts(self, name: str) -> tuple[str, ...]:
        """Return the parts of the layout that an array holds."""
        held = self.names[name]
        return (held,) if isinstance(held, str) else held

    @cached_property
    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each array."""
        of_part = dict(self.layout.parts)
        return {
            name: of_part[held] if isinstance(held, str) else (len(held), *of_part[held[0]])
            for name, held in self.names.items()
        }

    def pack(self, arrays: Mapping[str, Array]) -> Array:
        """Return θ, shape (layout.size,), of the named arrays; a missing or unfit one is refused."""
        parts: dict[str, Array] = {}
        for name, shape in self.shapes.items():
            if name not in arrays:
                raise InputError(f"parameter {name!r} is missing; expected {sorted(self.shapes)}.")
            require_shape(arrays[name], shape, name)
            stacked = [arrays[name]] if isinstance(self.names[name], str) else arrays[name]
            parts |= dict(zip(self.parts(name), stacked, strict=True))
        return self.layout.pack(parts)

    def unpack(self, theta: Array) -> dict[str, Array]:
        """Return the named arrays of θ, new ones; the inverse of :meth:`pack`."""
        parts, xp = self.layout.unpack(theta), backend_of(theta).xp
        return {
            name: parts[held].copy() if isinstance(held, str) else xp.stack([parts[part] for part in held])
            for name, held in self.names.items()
        }


@dataclass(frozen=True)
class Move:
    """How an array goes to another mesh, and to another depth.

    Parameters
    ----------
    stencil : bool
        Its last d axes are stencils, which move by K_H = R K_h P; otherwise it is kept.
    pointwise : bool
        Whether a stencil of one cell is kept as it is: it mixes channels cell by cell, and R (L x) = L (R x).
    time : bool
        Its first axis are the layers, at times t_k = k δt, between which it is interpolated.

    Examples
    --------
    >>> from refms import Grid, Residual
    >>> Residual(Grid((4, 4)), channels=2).moves["biases"]  # kept on another mesh, interpolated in time
    Move(stencil=False, pointwise=False, time=True)
    """

    stencil: bool = False
    pointwise: bool = False
    time: bool = False


class Architecture(Protocol):
    """A network on a mesh, apart from the numbers it learns: a frozen dataclass with at least a grid.

    Your own class joins by having these; :func:`register_architecture`, or an entry point in the group
    ``refms.architectures`` of your package, gives it a name for configurations and files. Its fields are
    stored with a model as JSON.
    """

    @property
    def grid(self) -> Grid:
        """Mesh of the inputs."""

    @property
    def channels(self) -> int:
        """Channels of the output, which lives on the same mesh, or on ``output_grid`` where it has that."""

    def on(self, grid: Grid, stencils: Mapping[str, tuple[int, ...]] | None = None) -> Self:
        """Return the same network on another grid, with stencils of these sizes where they are named."""

    @property
    def map(self) -> Map:
        """From θ and inputs as columns to the output."""

    @property
    def arrays(self) -> Arrays:
        """The parameters by name."""

    @property
    def held(self) -> tuple[str, ...]:
        """Names of arrays that are data and not learned; each is all the parameters of a map of the chain."""

    @property
    def moves(self) -> Mapping[str, Move]:
        """How arrays move between meshes and depths; what is not named is kept."""

    def initial(self, seed: int, dtype: str) -> dict[str, Array]:
        """Return initial arrays, drawn on the host."""


def require_fitting_names(architecture: Architecture, others: Iterable[str] = ()) -> None:
    """Refuse an architecture that holds or moves arrays it has not, or names one as ``others`` are named."""
    kind, names = type(architecture).__name__, architecture.arrays.names
    for what in ("held", "moves"):
        for name in getattr(architecture, what):
            require_choice(name, names, f"array in `{what}` of {kind}")
    if both := sorted(set(names) & set(others)):
        raise InputError(
            f"the arrays {both} of {kind} have the names of arrays of the reading; rename those of {kind}."
        )


def same_names(layout: Layout) -> Arrays:
    """Return arrays that are the parts of the layout under their own names: what most networks want.

    Parameters
    ----------
    layout : Layout
        Of the network's parameters.

    Returns
    -------
    Arrays
        One for each part.

    Examples
    --------
    >>> same_names(Layout((("stencil", (1, 1, 3)), ("bias", (1,))))).shapes
    {'stencil': (1, 1, 3), 'bias': (1,)}
    """
    return Arrays(layout, {name: name for name in layout.names})


def free_map(architecture: Architecture, arrays: Mapping[str, Array]) -> Map:
    """Return the network as a map of the learned parameters alone: the maps of held arrays are frozen."""
    whole, channels, cells = architecture.map, architecture.channels, output_grid_of(architecture).cells
    if whole.rows_out != channels * cells:
        raise InputError(
            f"the map of {type(architecture).__name__} has {whole.rows_out} rows of output; expected "
            f"channels × cells = {channels} × {cells} = {channels * cells}."
        )
    if architecture.held and not whole.parts:
        raise InputError(
            f"{list(architecture.held)} are held, but the map of {type(architecture).__name__} is no chain; "
            "expected a chain with maps whose parameters are held, or held = ()."
        )
    held = {part for name in architecture.held for part in architecture.arrays.parts(name)}
    if not held:
        return whole
    values = Arrays(*_restricted(architecture, architecture.held)).pack(arrays)
    parts, start = [], 0
    for name, map_ in whole.parts:
        own = set(join_layouts([(name, map_.layout)]).names)
        if not own & held:
            parts.append((name, map_))
            continue
        if not own <= held:
            raise InputError(
                f"only {sorted(own & held)} of map {name!r} are held; expected all of {sorted(own)}."
            )
        stop = start + map_.layout.size
        parts.append((name, frozen(map_, values[start:stop])))
        start = stop
    return chain(*parts)


def free_arrays(architecture: Architecture) -> Arrays:
    """Return the learned arrays alone, with the layout of :func:`free_map`."""
    learned = set(architecture.arrays.names) - set(architecture.held)
    if not learned:
        raise InputError(
            f"all arrays of {type(architecture).__name__} are held; expected at least one that is learned."
        )
    return Arrays(*_restricted(architecture, learned))


def _restricted(
    architecture: Architecture, wanted: Iterable[str]
) -> tuple[Layout, dict[str, str | tuple[str, ...]]]:
    """Return the layout of some arrays alone, and their names."""
    names = {name: parts for name, parts in architecture.arrays.names.items() if name in set(wanted)}
    told = {part for name in names for part in architecture.arrays.parts(name)}
    parts = architecture.arrays.layout.parts
    return Layout(tuple((part, shape) for part, shape in parts if part in told)), names


ARCHITECTURES: dict[str, Any] = {}
"""Classes by the names that configurations and files use."""

A = TypeVar("A", bound=type)


def register_architecture(name: str, kind: A) -> A:
    """Give an architecture a name, under which configurations and files find it.

    Parameters
    ----------
    name : str
        A short word.
    kind : type
        A frozen dataclass as :class:`Architecture` says.

    Returns
    -------
    type
        The class.

    Raises
    ------
    InputError
        If the name is taken by a class of another name, or the class is no dataclass with a grid.

    Examples
    --------
    >>> from refms.maps import Residual, register_architecture
    >>> register_architecture("residual", Residual) is Residual
    True
    """
    if name in ARCHITECTURES and ARCHITECTURES[name].__qualname__ != kind.__qualname__:
        raise InputError(f"architecture {name!r} is registered already; choose another name.")
    if not dataclasses.is_dataclass(kind) or "grid" not in {one.name for one in dataclasses.fields(kind)}:
        raise InputError(f"{kind!r} is no dataclass with a field 'grid'; see Architecture for what one has.")
    ARCHITECTURES[name] = kind  # a class of the same name takes its place: a cell that is run again
    return kind


def architecture_named(name: str) -> Any:
    """Return the class of that name: registered, or an entry point ``refms.architectures`` of a package.

    Parameters
    ----------
    name : str
        As given to :func:`register_architecture`, or of the entry point.

    Returns
    -------
    type
        The class.

    Raises
    ------
    InputError
        If there is none of that name; the nearest one is offered.

    Examples
    --------
    >>> from refms.maps import Residual, architecture_named
    >>> architecture_named("residual") is Residual
    True
    """
    if name not in ARCHITECTURES:
        for point in entry_points(group="refms.architectures"):
            if point.name == name:
                register_architecture(name, point.load())
    try:
        return ARCHITECTURES[require_choice(name, ARCHITECTURES, "architecture")]
    except InputError as error:
        raise InputError(
            f"{error} For one of your own import the module that calls register_architecture first, or give "
            "its package an entry point in the group refms.architectures, which the command line finds."
        ) from None


def as_tuple(value: Any) -> Any:
    """Return a value of JSON or TOML with tuples for lists: a field of a frozen dataclass."""
    return tuple(as_tuple(one) for one in value) if isinstance(value, list) else value


def name_of(architecture: Any) -> str:
    """Return the name under which an architecture's class was registered."""
    own = type(architecture)
    for name, kind in ARCHITECTURES.items():
        if (kind.__module__, kind.__qualname__) == (own.__module__, own.__qualname__):
            return name
    raise InputError(
        f"{type(architecture).__name__} is not registered; call register_architecture('a-name', "
        f"{type(architecture).__name__}) before a model of it is saved."
    )


def output_grid_of(architecture: Architecture) -> Grid:
    """Return the mesh of the output: that of the inputs, unless the architecture has an ``output_grid``."""
    found: Grid = getattr(architecture, "output_grid", architecture.grid)
    return found


def count_parameters(architecture: Architecture) -> int:
    """Return how many numbers all arrays have together."""
    return architecture.arrays.layout.size
