"""Figures as bytes: the same figure gives the same bytes, without dates and random names."""

from __future__ import annotations

import io
import warnings
from typing import Any

from matplotlib.figure import Figure

from refms.errors import require_choice
from refms.names import PICTURE_FORMATS
from refms.plots.style import use_style

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
        The figure. Its layout is settled when it is first drawn and left as it is from then on, for drawing
        again would move the axes a little.
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
    with use_style(), warnings.catch_warnings():
        # Names in files may hold characters that the font lacks, which are shown as boxes, or be too long.
        warnings.filterwarnings("ignore", r"Glyph \d+ .* missing from", UserWarning)
        warnings.filterwarnings("ignore", ".*not applied because axes sizes collapsed", UserWarning)
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        figure.savefig(buffer, format=kind, metadata=_WITHOUT_DATES[kind])
    return buffer.getvalue()
