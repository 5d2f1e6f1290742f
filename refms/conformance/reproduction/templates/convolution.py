"""K(S) by ``np.roll``, its adjoint, its derivative and its matrix, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from refms.conformance.adapters.profile import Profile
from refms.conformance.reproduction.templates.layout import cells_apart, field, images


def shifts(profile: Profile, boundary: str, head: str, *, adjoint: bool = False) -> str:
    """Return the source of a function of stencils S that adds up shifted images.

    Parameters
    ----------
    profile : Profile
        Gives the orientation.
    boundary : str
        Of this call.
    head : str
        The first lines of the function, from ``def`` to where ``y`` is images and ``total`` is zero.
    adjoint : bool
        Whether it is the transpose.

    Returns
    -------
    str
        The function, without the return statement; its result is ``total``.
    """
    at, shift = cells_apart(profile, adjoint=adjoint)
    entering, leaving = ("o", "c") if adjoint else ("c", "o")
    wide = "    wide = np.pad(y, [(0, 0), (0, 0)] + [(0, n // 2) for n in S.shape[2:]])  # zeros outside"
    lines = [
        f"# at {leaving}, i: the sum of S_ock y_{entering},{at} over {entering} and the offsets k, "
        f"{boundary} boundary",
        head,
        *([wide] if boundary == "zero" else []),
        "    for q in np.ndindex(S.shape[2:]):",
        f"        shift = [{shift} for j, n in zip(q, S.shape[2:])]",
        f"        moved = np.roll({'wide' if boundary == 'zero' else 'y'}, shift, range(2, y.ndim))",
        f'        total = total + np.einsum("oc,m{entering}...->m{leaving}...", S[(..., *q)], moved)',
        *(["    total = total[(..., *map(slice, y.shape[2:]))]"] if boundary == "zero" else []),
    ]
    return "\n".join(lines)


def convolution(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of K(S) Y."""
    head = f"def oracle(S, Y, grid, boundary):\n    y, total = {images(profile, 'Y')}, 0"
    return f"{shifts(profile, given[3], head)}\n    return {field(profile, 'total')}"


def convolution_adjoint(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of K(S)ᵀ Z."""
    head = f"def oracle(S, Z, grid, boundary):\n    y, total = {images(profile, 'Z')}, 0"
    return f"{shifts(profile, given[3], head, adjoint=True)}\n    return {field(profile, 'total')}"


def stencil_gradient(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of ∂⟨Z, K(S)Y⟩/∂S."""
    at, shift = cells_apart(profile)
    pad = ""
    if given[4] == "zero":
        pad = """
    z, y = (np.pad(f, [(0, 0), (0, 0)] + [(0, n // 2) for n in stencil]) for f in (z, y))"""
    return f"""# at o, c, k: the sum of z_oi y_c,{at} over examples and cells i, {given[4]} boundary
def oracle(Z, Y, grid, stencil, boundary):
    z, y = {images(profile, "Z")}, {images(profile, "Y")}{pad}
    total, axes = np.zeros((z.shape[1], y.shape[1], *stencil)), list(range(2, z.ndim))
    for q in np.ndindex(*stencil):
        moved = np.roll(y, [{shift} for j, n in zip(q, stencil)], axes)
        total[(..., *q)] = np.tensordot(z, moved, ([0, *axes], [0, *axes]))
    return total"""


def convolution_matrix(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of the explicit K(S)."""
    at, _ = cells_apart(profile)
    column = "a + j - n // 2" if at == "i+k" else "a - j + n // 2"
    inside = "\n            if all(0 <= b < m for b, m in zip(to, grid)):" if given[2] == "zero" else ""
    wrapped = f"({column}) % m" if given[2] == "periodic" else column
    indent = "    " if inside else ""
    return f"""# S_ock in row o, i and column c, {at}, {given[2]} boundary; where entries meet they add
def oracle(S, grid, boundary):
    K = np.zeros((S.shape[0], *grid, S.shape[1], *grid))
    for i in np.ndindex(*grid):
        for q in np.ndindex(S.shape[2:]):
            to = [{wrapped} for a, j, n, m in zip(i, q, S.shape[2:], grid)]{inside}
            {indent}K[(slice(None), *i, slice(None), *to)] += S[(..., *q)]
    return K.reshape(S.shape[0] * np.prod(grid), -1)"""
