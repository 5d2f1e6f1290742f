"""The numbers of [LAS] on MNIST with ours beside them, at the head of the page."""

from collections.abc import Mapping
from typing import Any

from results.wording import over_runs

NEAREST, BEST = "transferable", "transfer_aware_splits"
"""The result with the paper's ingredients alone, and the one over five splits."""

_ROWS = (
    ("native, 14×14", "native coarse", "14"),
    ("native, 28×28", "native fine", "28"),
    ("14×14 to 28×28, prolonged stencils", "up", (14, 28, "galerkin")),
    ("14×14 to 28×28, unchanged stencils", "up keep", (14, 28, "keep")),
    ("28×28 to 14×14, restricted stencils", "down", (28, 14, "galerkin")),
    ("28×28 to 14×14, unchanged stencils", "down keep", (28, 14, "keep")),
)

_COLUMNS = (
    (NEAREST, "averaging-constant", "pair", "training"),
    (NEAREST, "averaging-bilinear", "pair", "training"),
    (BEST, "averaging-bilinear", "adjoint", "matched"),
    (BEST, "averaging-bilinear", "adjoint", "agreeing"),
)
"""Result, pair, rule for W, and how the images are smoothed."""


def section(results: Mapping[str, dict[str, Any]]) -> str:
    """Return the table."""
    if not {NEAREST, BEST} <= {*results}:
        return ""
    paper = results[BEST]["paper"]
    lines = [
        " | ".join([title, f"{paper[key]:.2f}", *(_cell(results, column, way) for column in _COLUMNS)])
        for title, key, way in _ROWS
    ]
    rows = "\n".join(f"| {line} |" for line in lines)
    told = {"training": "as in training"}
    head = " | ".join(
        f"`{name}`, `{pair}`, images {told.get(images, images)}" for name, pair, _, images in _COLUMNS
    )
    return f"""## The paper's numbers, and ours

Accuracy in % on 10,000 images of MNIST; on another mesh without any training. `{NEAREST}` has the paper's
ingredients, Gaussian smoothing, regularisation in space and time, tanh, and a Tikhonov term on the stencils.
`{BEST}` has a penalty on stencils whose symbols on both meshes do not agree, and images
smoothed to match the pair, or so that the logits of some training images agree (no label is looked at). With
unchanged stencils W goes by the pair.

| | paper | {head} |
|---|---|{"---|" * len(_COLUMNS)}
{rows}
"""


def _cell(
    results: Mapping[str, dict[str, Any]], column: tuple[str, ...], way: str | tuple[int, int, str]
) -> str:
    name, pair, weights, images = column
    splits = results[name]["splits"]
    if isinstance(way, str):  # a net on its own mesh
        return over_runs([split["native"][way]["validation"]["accuracy"] for split in splits])
    here, there, stencils = way
    rule = "pair" if stencils == "keep" else weights
    wanted = {
        "pair": pair,
        "weights": rule,
        "images": images,
        "stencils": stencils,
        "from": here,
        "to": there,
    }
    return over_runs(
        [
            row["accuracy"]
            for split in splits
            for row in split["transfers"]
            if all(row[key] == wanted[key] for key in wanted)
        ]
    )
