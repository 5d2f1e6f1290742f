"""The seam between the kit and an implementation: one method per operation, in the field's terms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from textwrap import indent
from typing import Any

from refms.conformance.adapters.profile import LAYOUTS, Profile
from refms.conformance.operations import OPERATIONS, PARAMETER_AXES, SYMBOLS
from refms.definition.transfer import PAIRS


class Adapter:
    """Base class of adapters; override what the implementation has, leave the rest.

    The methods, their arguments and their results are the rows of :mod:`refms.conformance.operations`;
    ``help(Adapter)`` lists them. A method that is not overridden, or that raises NotImplementedError, makes
    the properties that need it NOT IMPLEMENTED, never passed. A class that does not inherit from this one,
    but has the attribute ``profile`` and some of the methods, serves as well. Properties of the operations of
    [MST], ``resize`` to ``full_multiscale``, are NOT APPLICABLE where an adapter has none of these; so are
    those of every other level that can be claimed in the profile, see :class:`Profile`.

    To refuse what an operation must refuse, raise any exception but NotImplementedError. Where a docstring
    says nothing of a case, the kit does not ask for it.

    Arrays are NumPy arrays of dtype ``profile.dtype``; results may be anything ``numpy.asarray`` or
    ``numpy.from_dlpack`` takes, in the same dtype. Arguments may be stored in every way that NumPy knows: in
    Fortran order, with gaps, negative strides or stride 0, read-only. They must not be modified, and results
    must not change with them later; only a whole array that stays as it is may come back itself. Fields
    (``Y``, ``Z``, ``X``) have the layout ``profile.layout``; ``grid`` is the tuple (n_1, …, n_d). Stencils
    have the shape (c_out, c_in, *stencil), labels C and logits the shape (ℓ, m).

    Parameters
    ----------
    profile : Profile
        The conventions of the implementation.

    Notes
    -----
    ``parameters`` and ``direction`` are mappings of five arrays, in one shape under every layout; images have
    that of the layout (c = c_image for ``X``). There are c channels, N layers, n = Π n_j cells, ℓ classes,
    m examples; rows of W have the channel slowest, then the axes of the grid in C order::

        {arrays}

    ``problem`` has the attributes ``grid``, ``final_time`` (T; a step is δt = T/N), ``boundary`` and
    ``activation``. ``pair`` is a name; along each axis (R y)_I = Σ_a r_a y_{2I+a} and the coarse cell J adds
    p_b times its value to the fine cell 2J+b, all indices periodic, offset: weight being::

        {pairs}

    ``name`` and ``activation`` are among ``tanh``, ``relu``, ``leaky_relu`` (slope 0.01 below zero),
    ``smoothed_relu`` ((z + η)²/4η for |z| < η = 0.1, else max(z, 0)) and ``identity``.

    Examples
    --------
    >>> class Mine(Adapter):
    ...     def restrict(self, Y, grid, pair):
    ...         return (Y[0::2] + Y[1::2]) / 2
    >>> provides(Mine(Profile("mine")), "restrict"), provides(Mine(Profile("mine")), "prolong")
    (True, False)
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile


def _weights(one: Mapping[int, float]) -> str:
    return ", ".join(f"{offset}: {weight:g}" for offset, weight in one.items())


def _with_arrays(text: str) -> str:
    """Return a docstring with the shapes of all arrays of a network, images by layout, and all pairs."""
    named = {
        **{key: [SYMBOLS[axis] for axis in axes.split()] for key, axes in PARAMETER_AXES.items()},
        **{f"X, {layout}": axes for layout, axes in LAYOUTS.items()},
    }
    tables = {
        "arrays": [f"{name:12}  ({', '.join(axes)})" for name, axes in named.items()],
        "pairs": [
            f"{name:22}  r {_weights(pair.r):24}  p {_weights(pair.p)}" for name, pair in PAIRS.items()
        ],
    }
    for name, lines in tables.items():
        place = re.search(rf"^( *)\{{{name}\}}$", text, flags=re.MULTILINE)
        if place:  # none where Python strips docstrings
            text = text.replace(place[0], indent("\n".join(lines), place[1]))
    return text


Adapter.__doc__ = _with_arrays(Adapter.__doc__ or "")

for _operation in OPERATIONS.values():
    setattr(Adapter, _operation.name, _operation.placeholder())


def provides(adapter: Any, operation: str) -> bool:
    """Return whether an adapter has an operation of its own, not the placeholder of the base class."""
    method = getattr(adapter, operation, None)
    return callable(method) and getattr(method, "__func__", None) is not getattr(Adapter, operation)
