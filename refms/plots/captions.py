"""Figures with a caption in sentences below them."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from matplotlib.figure import Figure

from refms.plots.saving import figure_bytes


@dataclass(frozen=True, eq=False)
class Captioned:
    """A figure, and the sentences below it; notebooks show both.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure, with the caption on it.
    caption : str
        Sentences that say what there is to see.

    Examples
    --------
    >>> caption(Figure(), "Nothing is drawn here.")
    Captioned('Nothing is drawn here.')
    """

    figure: Figure
    caption: str

    def __repr__(self) -> str:
        return f"Captioned({self.caption!r})"

    def _repr_png_(self) -> bytes:
        return figure_bytes(self.figure, "png")


def caption(figure: Figure, text: str) -> Captioned:
    """Put a caption below a figure, in lines as wide as it is.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    text : str
        The caption.

    Returns
    -------
    Captioned
        The figure with its caption.

    Examples
    --------
    >>> caption(Figure(), "Nothing is drawn here.").figure.get_supxlabel()
    'Nothing is drawn here.'
    """
    width = int(16 * figure.get_figwidth())
    figure.supxlabel(textwrap.fill(text, width), fontsize=8, x=0.02, ha="left")
    return Captioned(figure, text)
