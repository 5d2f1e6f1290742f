"""Figures as bytes: the same figure gives the same bytes, without dates and random names."""

from __future__ import annotations

import io
import warnings
from typing import Any

from matplotlib.figure import Figure

from refms.errors import require_choice
from refms.names import PICTURE_FORMATS
from refms.plots.style import styled

_WITHOUT_DATES: dict[str, dict[str, Any]] = {
    "svg": {"Date": None, "Creator": "refms"},
    "png": {"Software": "refms"},
    "pdf": {"CreationDate": None, "Creator": "refms", "Producer": None},
}


def figure_bytes(figure: Figure, kind: str = "svg") -> bytes:
    """Return a figure as a file holds it.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure; it is drawn, not changed.
    kind : str
        ``"svg"``, ``"png"`` or ``"pdf"``.

    Returns
    -------
    bytes
        Equal for equal figures, with one version of matplotlib.

    Raises
    ------
    InputError
        If the format is another one.

    Examples
    --------
    >>> figure_bytes(Figure(), "png")[1:4]
    b'PNG'
    """
    require_choice(kind, PICTURE_FORMATS, "format")
    buffer = io.BytesIO()
    with styled(), warnings.catch_warnings():
        # Names in files may hold characters that the font lacks; they are shown as boxes.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from", UserWarning)
        figure.savefig(buffer, format=kind, metadata=_WITHOUT_DATES[kind])
    return buffer.getvalue()
