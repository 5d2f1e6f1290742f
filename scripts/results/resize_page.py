"""The page validation/peers/RESIZE.md from the result of ``resizing.py``."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from writing import table, words

from refms.stencils.resize_methods import RESIZE_METHODS

RESULT = Path(__file__).resolve().parents[2] / "validation" / "peers" / "results" / "resizing.json"
COLUMNS = ("`--like`", "call", "matrix", "n' < n", "n' ≥ n", "ties decided otherwise")


def text() -> str:
    """Return the page."""
    result = json.loads(RESULT.read_text(encoding="utf-8"))
    return words(
        __file__,
        command=result["command"],
        date=result["date"],
        versions=", ".join(f"{package} {version}" for package, version in result["versions"].items()),
        largest=result["largest"],
        rows=table(COLUMNS, [_row(row) for row in result["methods"]]),
        others=table(("call", "the closest matrix", "differs by"), [_other(row) for row in result["others"]]),
    )


def _row(row: Mapping[str, Any]) -> list[str]:
    return [
        f"`{row['method']}`",
        f"`{row['call']}`",
        in_words(RESIZE_METHODS[row["method"]]),
        *(_size(row[way]) for way in ("down", "up")),
        f"{row['ties decided otherwise']} of {row['ties']}" if row["ties"] else "",
    ]


def _other(row: Mapping[str, Any]) -> list[str]:
    return [f"`{row['call']}`", in_words(row["closest"]), f"{row['deviation']:.2f}"]


def in_words(options: Mapping[str, Any]) -> str:
    """Return the arguments of ``resize_matrix`` as the table has them.

    Examples
    --------
    >>> in_words({"kernel": "cubic", "antialias": True, "boundary": "renormalize"})
    'cubic −0.5, antialias, renormalize'
    """
    kernel = options["kernel"]
    said = [f"cubic −{-options.get('cubic', -0.5):g}" if kernel == "cubic" else kernel]
    if kernel in ("box", "linear", "cubic"):
        said += ["antialias"] * bool(options["antialias"]) + ["align corners"] * options.get(
            "align_corners", False
        )
        said.append(options.get("boundary", "clamp"))
    return ", ".join(said)


def _size(deviation: float) -> str:
    return f"{deviation:.0e}" if deviation else "0"
