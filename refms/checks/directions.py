"""Along which directions a derivative is tested, and how small an error shows there."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from refms.backend import backend_of
from refms.checks.report import Report
from refms.checks.residual import as_double, inner, is_number, ratio
from refms.errors import Array, InputError, require_array, require_same_precision, require_whole
from refms.linear.vectors import norm

Term = Array | Callable[..., Array]
"""A derivative as an array, or as a function that returns it."""

Blocks = Callable[[Array], Mapping[str, Array]]
"""What splits a vector like x into named blocks that are views of it, such as ``Layout.unpack``."""


def require_terms(**terms: Term | None) -> None:
    """Refuse derivatives that are neither functions nor arrays nor numbers."""
    for name, term in terms.items():
        if term is not None and not callable(term) and not is_number(term):
            require_array(term, name)


def directions_from(
    x: Array, direction: Array | None, count: int, seed: int, *, fixed: bool
) -> tuple[Array, ...]:
    """Return the given direction and random ones of its norm; all random, of the norm of x, without one.

    A derivative that is ``fixed``, an array that belongs to one direction, is tested along that one only.
    """
    count = require_whole(count, "directions", 1)
    if fixed and direction is None:
        raise InputError("a derivative along v is given as an array; give v, or a function (x, v) -> J(x)v.")
    backend, found = backend_of(x), [] if direction is None else [direction]
    for v in (x, *found):
        backend_of(x, v)
        require_same_precision(x=x, direction=v)
        if v.dtype.kind == "c" or v.shape != x.shape:
            raise InputError(
                f"x is {x.dtype} {x.shape}, direction {v.dtype} {v.shape}; expected real arrays of one shape."
            )
    rng, size = np.random.default_rng(require_whole(seed, "seed")), norm(found[0] if found else x)
    while len(found) < count and not fixed:
        drawn = np.asarray(rng.standard_normal(x.shape))
        factor = size / norm(drawn) if size > 0 and drawn.size else 1.0
        found.append(backend.from_host((factor * drawn).astype(str(x.dtype))))
    return tuple(found)


def nothing_along(directions: tuple[Array, ...]) -> str | None:
    """Return a sentence where x has no entries or the first direction is zero: nothing can be seen."""
    if not directions[0].size:
        return "x has no entries, so nothing was tested."
    if not norm(directions[0]) < math.inf:
        return "the direction is not finite, so nothing was tested."
    return None if norm(directions[0]) > 0 else "the direction is zero, so nothing was tested."


@dataclass(frozen=True)
class Seen:
    """The smallest error of a derivative along one direction v that shows, and what that derivative is."""

    error: float
    size: float  # |⟨g, v⟩| or ‖J v‖
    parts: Mapping[str, float | None]  # the same of each block of v alone; None where it is zero


def parts_of(
    blocks: Blocks | None, v: Array, gradient: Array | None, jvp: Callable[[Array], Array] | None
) -> dict[str, float | None]:
    """Return |⟨g_b, v_b⟩| or ‖J v_b‖ of each block b; none where there are no blocks or no way to tell."""
    found = dict[str, float | None]()
    if blocks is None or (gradient is None and jvp is None):
        return found
    for name, part in blocks(v).items():
        if norm(part) == 0.0:
            found[name] = None
        elif gradient is not None:
            found[name] = abs(inner(blocks(gradient)[name], part))
        elif jvp is not None:
            only = 0 * v
            blocks(only)[name][...] = part
            found[name] = norm(as_double(jvp(only), backend_of(v)))
    return found


@dataclass(frozen=True)
class DirectionalReport(Report):
    """What the tests of a derivative along directions report besides."""

    directions: int = 0
    """Along how many directions was tested."""
    resolution: float = math.inf
    """The smallest relative error of the derivative that would have been seen."""
    resolutions: Mapping[str, float] = field(default_factory=dict)
    """The same in each block of x, by name; infinite where the derivative or every direction is zero."""


def resolved(seen: Sequence[Seen]) -> tuple[float, dict[str, float]]:
    """Return the smallest relative errors that would have been seen: of all, and of each block."""
    whole = min(ratio(one.error, one.size, 1.0) if one.size else math.inf for one in seen)
    return whole, {
        name: min(one.error / size if (size := one.parts[name]) else math.inf for one in seen)
        for name in seen[0].parts
    }


def describe(seen: Sequence[Seen]) -> str:
    """Return a clause that says how small an error would have been seen, in each block."""
    whole, blocks = resolved(seen)
    apart = ", ".join(f"{name} {value:.1g}" for name, value in blocks.items())
    return f"a relative error of {whole:.1g} would have been seen{f' ({apart})' if apart else ''}"


def unseen(seen: Sequence[Seen]) -> str:
    """Return a clause that names the blocks in which every direction is zero; empty if there is none."""
    names = [name for name in seen[0].parts if all(one.parts[name] is None for one in seen)]
    return f"nothing was tested in {', '.join(names)}, where every direction is zero" if names else ""
