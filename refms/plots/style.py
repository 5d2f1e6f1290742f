"""How pictures look: colours that colour-blind readers can tell apart, thin axes, no settings of the user."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from matplotlib import style

COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
"""Of Okabe and Ito, for lines; their yellow is left out, which white paper swallows."""

MARKERS = ("o", "s", "^", "D", "v", "P", "X")
"""Beside the colours, for who prints without them."""

SEQUENTIAL = "viridis"
"""For what grows from 0, and for values in an order."""

DIVERGING = "RdBu_r"
"""For what has a sign: white is 0, blue is negative, red is positive."""

_SETTINGS: dict[str, Any] = {
    "axes.formatter.limits": (-3, 4),
    "axes.grid": True,
    "axes.labelsize": 9,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 9,
    "figure.titlesize": 10,
    "font.size": 9,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "image.interpolation": "none",
    "legend.fontsize": 8,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "lines.markersize": 3.5,
    "savefig.dpi": 150,
    "svg.fonttype": "path",  # looks the same where the font is missing
    "svg.hashsalt": "refms",  # the same picture has the same names inside, and so the same bytes
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
}


@contextmanager
def use_style() -> Iterator[None]:
    """Draw or save with these settings, whatever matplotlibrc says; outside nothing has changed.

    Examples
    --------
    >>> import matplotlib
    >>> with use_style():
    ...     matplotlib.rcParams["svg.hashsalt"]
    'refms'
    >>> matplotlib.rcParams["svg.hashsalt"] == "refms"
    False
    """
    with style.context(["default", _SETTINGS]):
        yield


def colour(i: int) -> str:
    """Return the colour of the i-th line."""
    return COLOURS[i % len(COLOURS)]


def look(i: int) -> dict[str, Any]:
    """Return colour, marker and dashes of the i-th line: others where colours begin again, 49 in all.

    Examples
    --------
    >>> look(0) == look(7), look(0)["color"] == look(7)["color"], look(7)["linestyle"]
    (False, True, '--')
    """
    again = i // len(COLOURS)
    marker, dashes = MARKERS[(i + again) % len(MARKERS)], ("-", "--", ":", "-.")[again % 4]
    return {"color": colour(i), "marker": marker, "linestyle": dashes}
