"""Parameter vectors and the names of their parts."""

from __future__ import annotations

import math
from collections.abc import Iterable
from collections.abc import Mapping as MappingABC
from dataclasses import dataclass
from functools import cached_property

from refms.backend import backend_of
from refms.display import short_repr
from refms.errors import Array, InputError, require_array, require_shape


@dataclass(frozen=True)
class Layout:
    """Which named arrays a flat parameter vector holds, and in which order.

    Optimisers see one vector; maps see its parts as views; files store the parts under their names.

    Parameters
    ----------
    parts : tuple of (str, tuple of int)
        Name and shape of each part, in the order in which they stand in the vector (each in C order).

    Examples
    --------
    >>> import numpy as np
    >>> layout = Layout((("stencil", (1, 1, 3)), ("bias", (1,))))
    >>> layout.size
    4
    >>> layout.unpack(np.arange(4.0))["bias"].tolist()
    [3.0]
    """

    parts: tuple[tuple[str, tuple[int, ...]], ...] = ()

    __repr__ = short_repr

    def __post_init__(self) -> None:
        if len(set(self.names)) < len(self.parts):
            twice = sorted({name for name in self.names if self.names.count(name) > 1})
            raise InputError(f"the parts {twice} occur twice; give maps next to each other different names.")

    @cached_property
    def size(self) -> int:
        """Number of parameters."""
        return sum(math.prod(shape) for _, shape in self.parts)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parts, in order."""
        return tuple(name for name, _ in self.parts)

    @property
    def layers(self) -> tuple[slice, ...]:
        """Where each layer stands in the vector: neighbouring parts with one name but for its last word."""
        layers: list[tuple[str, int, int]] = []
        stop = 0
        for name, shape in self.parts:
            start, stop = stop, stop + math.prod(shape)
            layer = name.rpartition("/")[0]
            if layers and layers[-1][0] == layer:
                start = layers.pop()[1]
            layers.append((layer, start, stop))
        return tuple(slice(start, stop) for _, start, stop in layers)

    def require(self, theta: Array, name: str = "theta") -> None:
        """Refuse a vector of another length, naming the parts."""
        require_array(theta, name)
        if theta.shape != (self.size,):  # the words are made where they are needed
            parts = ", ".join(f"{part} {shape}" for part, shape in self.parts) or "none"
            require_shape(theta, (self.size,), name, f"parts {parts}")

    def unpack(self, theta: Array) -> dict[str, Array]:
        """Return the named parts of a parameter vector, as views of it.

        Parameters
        ----------
        theta : array
            Shape (size,); any floating dtype.

        Returns
        -------
        dict of str to array
            The parts in their shapes, in order.

        Raises
        ------
        InputError
            If the vector has another length.
        """
        self.require(theta)
        views, start = {}, 0
        for name, shape in self.parts:
            stop = start + math.prod(shape)
            views[name] = theta[start:stop].reshape(shape)
            start = stop
        return views

    def pack(self, parts: MappingABC[str, Array]) -> Array:
        """Return the parameter vector that holds the given parts.

        Parameters
        ----------
        parts : mapping of str to array
            Exactly the parts of this layout, each in its shape.

        Returns
        -------
        array
            Shape (size,), a new vector of the parts' dtype.

        Raises
        ------
        InputError
            If a part is missing, unknown or of another shape.
        """
        if set(parts) != set(self.names):
            raise InputError(f"got the parts {sorted(parts)}; expected exactly {list(self.names)}.")
        for name, shape in self.parts:
            require_shape(parts[name], shape, name)
        xp = backend_of(*parts.values()).xp
        return xp.concatenate([parts[name].reshape(-1) for name in self.names])


def join_layouts(parts: Iterable[tuple[str, Layout]]) -> Layout:
    """Return the layout of vectors that stand one after the other.

    Parameters
    ----------
    parts : iterable of (str, Layout)
        Prefix and layout of each; a slash joins the prefix to a name, ``""`` prefixes nothing.

    Returns
    -------
    Layout
        Of size Σ sizes.

    Examples
    --------
    >>> one = Layout((("bias", (2,)),))
    >>> join_layouts([("first", one), ("", one)]).names
    ('first/bias', 'bias')
    """
    return Layout(
        tuple(
            (f"{prefix}/{name}" if prefix else name, shape)
            for prefix, layout in parts
            for name, shape in layout.parts
        )
    )


EMPTY = Layout()
"""The layout of a map without parameters."""
