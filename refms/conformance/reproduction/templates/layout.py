"""How a template says the conventions that a profile declares: layouts of fields, shifts, boundaries."""

from __future__ import annotations

from refms.conformance.adapters.profile import Profile


def images(profile: Profile, field: str, grid: str = "grid") -> str:
    """Return the expression of a field of the adapter as images (m, c, *grid).

    Parameters
    ----------
    profile : Profile
        Declares the layout.
    field, grid : str
        Names in the script.

    Returns
    -------
    str
        An expression.
    """
    return {
        "columns": f"{field}.T.reshape({field}.shape[1], -1, *{grid})",
        "NCHW": field,
        "NHWC": f"np.moveaxis({field}, -1, 1)",
    }[profile.layout]


def field(profile: Profile, images: str) -> str:
    """Return the expression of images, given by a plain name, as a field of the adapter."""
    return {
        "columns": f"{images}.reshape(len({images}), -1).T",
        "NCHW": images,
        "NHWC": f"np.moveaxis({images}, 1, -1)",
    }[profile.layout]


def cells_apart(profile: Profile, *, adjoint: bool = False) -> tuple[str, str]:
    """Return the index that K(s) reads, such as ``"i+k"``, and the shift of ``np.roll`` that reads there."""
    forward = (profile.orientation == "correlation") != adjoint
    return ("i+k", "n // 2 - j") if forward else ("i-k", "j - n // 2")
