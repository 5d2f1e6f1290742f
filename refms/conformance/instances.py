"""Seeded instances on which properties are checked: few small integers and a seed that draws every array."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from refms.conformance.oracles.transfer import PAIRS, Pair, closed
from refms.conformance.profile import Problem, Profile
from refms.conformance.spread import USUAL, Spread, channels, counts, extents
from refms.errors import Array

_LARGEST = {1: 16, 2: 8, 3: 5}
"""Largest extent of a grid by dimension."""

_SOME_SINGLE = {2: (0.25, 0.75), 3: (0.2, 0.4, 0.4)}
"""Probabilities of one, two, … channels or examples: with one alone, exchanged channels stay unseen."""

_LARGEST_SMALL = {1: 8, 2: 4, 3: 3}
"""The same where few cells are enough."""


@dataclass(frozen=True)
class Domain:
    """The instances for which a property is stated.

    Parameters
    ----------
    boundary : str or None
        The boundary it is stated for; None for every one.
    multiple : int
        Every extent of the grid is a multiple of this.
    smallest : int
        Smallest extent, in multiples.
    resolves : bool
        Whether the grid has at least n_K cells along every axis.
    pair : callable or None
        Which transfer pairs it is stated for; None if pairs do not matter.
    stencil : str
        ``"any"`` odd sizes; ``"equal"`` sizes along all axes; ``"closed"``: equal sizes that the pair maps
        one to one onto themselves.
    square : bool
        Whether all extents of grid and stencil are equal.
    sizes : tuple of int or None
        The stencil sizes it is stated for; None for every one.
    dimensions : tuple of int
        Dimensions it is stated for.
    activations : tuple of str or None
        The activations it is stated for; None for every one.
    small : bool
        Whether a few cells, stencils up to size 3 and one or two channels are enough.
    """

    boundary: str | None = None
    multiple: int = 1
    smallest: int = 1
    resolves: bool = False
    pair: Callable[[Pair], bool] | None = None
    stencil: str = "any"
    square: bool = False
    sizes: tuple[int, ...] | None = None
    dimensions: tuple[int, ...] = (1, 2, 3)
    activations: tuple[str, ...] | None = None
    small: bool = False


ANY = Domain()
"""No restriction."""


@dataclass(frozen=True)
class Instance:
    """One case: sizes, names and a seed; smaller numbers are simpler cases.

    Parameters
    ----------
    grid : tuple of int
        Cells along each axis (of the fine grid).
    stencil : tuple of int
        Odd sizes.
    c_in, c_out : int
        Channels.
    examples, classes, layers : int
        m, ℓ and N.
    boundary, pair, activation : str
        Names.
    final_time : float
        T.
    dtype : str
        Precision of all arrays.
    seed : int
        Seed of every draw.
    volume_weighted : bool
        Whether logits are weighted with h^d; W is drawn so that they are about one in both cases.
    stencil_scale, image_scale : float
        Size of stencils and of images, and of whatever else a statement is linear in.
    within : float
        Entries of stencils and images are spread over so many decades below that size.

    Examples
    --------
    >>> x = Instance((4,), (3,), 1, 1, 1, 2, 1, "periodic", "nearest", "tanh", 1.0, "float32", 0)
    >>> x.draw("Y", 2, 3).shape, x.draw("Y", 2, 3).dtype.name
    ((2, 3), 'float32')
    """

    grid: tuple[int, ...]
    stencil: tuple[int, ...]
    c_in: int
    c_out: int
    examples: int
    classes: int
    layers: int
    boundary: str
    pair: str
    activation: str
    final_time: float
    dtype: str
    seed: int
    volume_weighted: bool = True
    stencil_scale: float = 1.0
    image_scale: float = 1.0
    within: float = 0.0

    @property
    def d(self) -> int:
        """Dimension."""
        return len(self.grid)

    @property
    def cells(self) -> int:
        """Number of cells n."""
        return math.prod(self.grid)

    @property
    def volume(self) -> float:
        """The factor of Wᵀy in the logits: h^d, or 1 where they are not weighted."""
        return 1.0 / self.cells if self.volume_weighted else 1.0

    @property
    def weights(self) -> Pair:
        """The numbers and facts of the transfer pair."""
        return PAIRS[self.pair]

    @property
    def problem(self) -> Problem:
        """Grid, T, boundary and activation."""
        return Problem(self.grid, self.final_time, self.boundary, self.activation)

    def draw(self, name: str, *shape: int, scale: float = 1.0) -> Array:
        """Return standard normal numbers that depend on the seed, the name and the shape alone.

        Parameters
        ----------
        name : str
            What is drawn; another name gives other numbers.
        *shape : int
            Shape.
        scale : float
            They are multiplied by this.

        Returns
        -------
        numpy.ndarray
            In the instance's dtype: the same draws in both precisions, rounded.
        """
        return (scale * self._rng(name).standard_normal(shape)).astype(self.dtype)

    def stencils(self, name: str = "S") -> Array:
        """Return random stencils (c_out, c_in, *stencil) of the instance's size."""
        return self._spread(name, self.stencil_scale, self.c_out, self.c_in, *self.stencil)

    def single(self, name: str = "s") -> Array:
        """Return one random stencil as (1, 1, *stencil)."""
        return self._spread(name, self.stencil_scale, 1, 1, *self.stencil)

    def image(
        self,
        name: str = "Y",
        channels: int | None = None,
        grid: tuple[int, ...] | None = None,
        examples: int | None = None,
    ) -> Array:
        """Return random images (m, c, *grid), by default with c_in channels on the grid."""
        shape = examples or self.examples, channels or self.c_in, *(grid or self.grid)
        return self._spread(name, self.image_scale, *shape)

    def one_hot(self, name: str = "labels", examples: int | None = None) -> Array:
        """Return random one-hot labels (ℓ, m)."""
        m = examples or self.examples
        chosen = self._rng(name).integers(self.classes, size=m)
        return (np.arange(self.classes)[:, None] == chosen).astype(self.dtype)

    def parameters(self, name: str = "", layers: int | None = None) -> dict[str, Array]:
        """Return random parameters of a network with c_in image channels and c_out feature channels.

        They are scaled so that ‖K(s)‖, the features and the logits are about one, which keeps round-off
        small: the opening undoes the size of the images.

        Parameters
        ----------
        name : str
            Another name gives other numbers.
        layers : int or None
            N; None takes the instance's.

        Returns
        -------
        dict of str to array
            The arrays of ``PARAMETERS``.
        """
        c, N = self.c_out, layers or self.layers
        shapes = {
            "opening": (c, self.c_in, *self.stencil),
            "stencils": (N, c, c, *self.stencil),
            "biases": (N, c),
            "W": (c * self.cells, self.classes),
            "mu": (self.classes,),
        }
        units = self.units
        drawn = {key: self.draw(name + key, *shape) * units[key] for key, shape in shapes.items()}
        return {key: array.astype(self.dtype) for key, array in drawn.items()}

    @property
    def units(self) -> dict[str, float]:
        """Standard deviations of the random parameters, the units in which they and their changes count."""
        c, entries = self.c_out, math.prod(self.stencil)
        return {
            "opening": 1 / (self.image_scale * math.sqrt(self.c_in * entries)),
            "stencils": 1 / (c * math.sqrt(entries)),
            "biases": 0.5,
            "W": 1 / (self.volume * math.sqrt(self.cells * c)),
            "mu": 0.5,
        }

    def in_units(self, parameters: Mapping[str, Array]) -> dict[str, Array]:
        """Return parameters, or a change of them, divided by their units."""
        return {key: np.asarray(array, "float64") / self.units[key] for key, array in parameters.items()}

    def per_unit(self, gradient: Mapping[str, Array]) -> dict[str, Array]:
        """Return a gradient with respect to parameters in their units; ⟨gradient, v⟩ stays what it is."""
        return {key: np.asarray(array, "float64") * self.units[key] for key, array in gradient.items()}

    def describe(self) -> str:
        """Return the case in one line."""
        sizes = [
            text
            for text, usual in (
                (f"stencils × {self.stencil_scale:.3g}", self.stencil_scale == 1.0),
                (f"images × {self.image_scale:.3g}", self.image_scale == 1.0),
                (f"entries over {self.within:g} decades", self.within == 0.0),
            )
            if not usual
        ]
        return (
            f"grid {self.grid}, stencil {self.stencil}, channels {self.c_in}->{self.c_out}, "
            f"{self.examples} example(s), {self.classes} classes, {self.layers} layer(s), "
            f"T={self.final_time:g}, {self.boundary}, {self.pair}, {self.activation}, {self.dtype}, "
            f"{''.join(text + ', ' for text in sizes)}seed {self.seed}"
        )

    def _rng(self, name: str) -> np.random.Generator:
        """Return the generator of one array."""
        return np.random.default_rng([self.seed, zlib.crc32(name.encode())])

    def _spread(self, name: str, scale: float, *shape: int) -> Array:
        """Return normal numbers of a size, spread over decades where the instance says so."""
        if self.within == 0.0:
            return self.draw(name, *shape, scale=scale)
        sizes = 10.0 ** -self._rng(f"{name} within").uniform(0, self.within, shape)
        return (scale * sizes * self._rng(name).standard_normal(shape)).astype(self.dtype)


def instances(
    domain: Domain, profile: Profile, count: int, seed: int, spread: Spread = USUAL
) -> tuple[Instance, ...]:
    """Return random instances of a domain within a profile, going round dimensions, pairs and boundaries.

    Parameters
    ----------
    domain : Domain
        What a property is stated for.
    profile : Profile
        What an implementation covers.
    count : int
        How many; at least one for every admissible pair is made.
    seed : int
        Equal seeds give equal instances.
    spread : Spread
        How widely shapes and sizes are drawn.

    Returns
    -------
    tuple of Instance
        Empty if the profile has nothing in the domain.

    Examples
    --------
    >>> len(instances(Domain(boundary="periodic"), Profile("mine"), 4, 0))
    4
    """
    dimensions = [d for d in profile.dimensions if d in domain.dimensions]
    boundaries = [b for b in profile.boundaries if domain.boundary in (None, b)]
    activations = [a for a in profile.activations if domain.activations is None or a in domain.activations]
    if domain.pair is None:
        pairs = [next(iter(PAIRS))]
    else:
        pairs = [name for name in profile.pairs if domain.pair(PAIRS[name])]
    sizes = {name: stencil_sizes(domain, profile, name) for name in pairs}
    pairs = [name for name in pairs if sizes[name]]
    if not (dimensions and boundaries and activations and pairs):
        return ()
    made = []
    for index in range(max(count, len(pairs))):
        rng = np.random.default_rng([seed, index])
        # One more step after each round, so that all combinations come up.
        d = dimensions[(index + index // len(pairs)) % len(dimensions)]
        boundary = boundaries[(index + index // len(dimensions)) % len(boundaries)]
        pair, activation = pairs[index % len(pairs)], activations[index % len(activations)]
        usual = _drawn(
            rng, domain, profile, d, pair, sizes[pair], boundary, activation, seed * 10_000 + index
        )
        made.append(usual if spread == USUAL else _spread_out(rng, domain, profile, usual, spread))
    return tuple(made)


def stencil_sizes(domain: Domain, profile: Profile, pair: str) -> list[int]:
    """Return the stencil sizes that a domain and a profile allow with a pair."""
    sizes = [size for size in profile.stencil_sizes if domain.sizes is None or size in domain.sizes]
    if domain.small:
        sizes = [size for size in sizes if size <= 3] or sizes[:1]
    if domain.stencil != "closed":
        return sizes
    return [size for size in sizes if size > 1 and closed(PAIRS[pair], size)]


def _drawn(
    rng: np.random.Generator,
    domain: Domain,
    profile: Profile,
    d: int,
    pair: str,
    sizes: list[int],
    boundary: str,
    activation: str,
    seed: int,
) -> Instance:
    """Draw the sizes of one instance."""
    equal = domain.square or not profile.rectangular
    affordable = [size for size in sizes if size <= (7 if d < 3 else 5)] or sizes
    drawn = [int(rng.choice(affordable)) for _ in range(d)]
    # Half of the stencils have equal sizes, the usual case and the one in which axes can be exchanged unseen.
    alike = equal or domain.stencil != "any" or rng.random() < 0.5
    stencil = (max(drawn),) * d if alike else tuple(drawn)
    cells = []
    for low in least_multiples(domain, stencil):
        high = max(low, (_LARGEST_SMALL if domain.small else _LARGEST)[d] // domain.multiple)
        cells.append(domain.multiple * int(rng.integers(low, high + 1)))
    grid = (max(cells),) * d if equal else tuple(cells)
    most = 2 if domain.small else 3
    c_in, c_out = (int(n) for n in rng.choice(most, 2, p=_SOME_SINGLE[most]) + 1)
    examples = int(rng.choice(3, p=_SOME_SINGLE[3])) + 1
    return Instance(
        grid=grid,
        stencil=stencil,
        c_in=c_in,
        c_out=c_out,
        examples=examples,
        classes=int(rng.integers(2, 5)),
        layers=int(rng.integers(1, 4)),
        boundary=boundary,
        pair=pair,
        activation=activation,
        final_time=float(rng.choice([0.5, 1.0, 2.0])),
        dtype=profile.dtype,
        seed=seed,
        volume_weighted=profile.volume_weighted,
    )


def least_multiples(domain: Domain, stencil: tuple[int, ...]) -> list[int]:
    """Return the smallest extents of a grid that a domain allows with a stencil, in its multiples."""
    return [
        max(domain.smallest, math.ceil(size / domain.multiple) if domain.resolves else 1) for size in stencil
    ]


def _spread_out(
    rng: np.random.Generator, domain: Domain, profile: Profile, usual: Instance, spread: Spread
) -> Instance:
    """Return an instance with another shape and other sizes, within the same domain."""
    shape, equal = spread.shape(rng), domain.square or not profile.rectangular
    least = tuple(domain.multiple * low for low in least_multiples(domain, usual.stencil))
    if equal and shape in ("narrow", "long"):
        shape = "large"
    grid = extents(rng, shape, least, usual.grid, domain.multiple, domain.small)
    grid = (max(grid),) * usual.d if equal else grid
    c_in, c_out = channels(rng, shape, (usual.c_in, usual.c_out), math.prod(grid), domain.small)
    m, classes, layers = counts(rng, shape, (usual.examples, usual.classes, usual.layers))
    return replace(
        usual,
        grid=grid,
        c_in=c_in,
        c_out=c_out,
        examples=m,
        classes=classes,
        layers=layers,
        stencil_scale=spread.scale(rng),
        image_scale=spread.scale(rng),
        within=spread.decades_within(rng),
    )
