"""Section of ``example_1.py``: one stencil on two meshes."""

from typing import Any

from writing import table

from results.wording import command, figure, filled, number

COLUMNS = (
    ("deviation from the printed s_H", "deviation_from_printed", ".4f"),
    ("ρ float64", "float64", ".2f"),
    ("ρ float32", "float32", ".2f"),
    ("relative", "relative_error", ".1e"),
    ("unchanged", "relative_error_unchanged", ".2f"),
    ("from R K_h y_h", "distance_to_restricted", ".2f"),
    ("unchanged", "distance_to_restricted_unchanged", ".2f"),
    ("there and back", "error_of_prolonged_again", ".1e"),
)
"""Head of a column, the number in it, and its format."""


def section(result: dict[str, Any]) -> str:
    """Return the section of one run."""
    shown = result["pairs"][result["figure_pair"]]
    rows = [
        [f"`{name}`", *(number({**found, **found["rho"]}[key], form) for _, key, form in COLUMNS)]
        for name, found in result["pairs"].items()
    ]
    stencils = zip(result["s_h"], shown["s_H"], result["s_H_printed"], strict=True)
    lines = [[" ".join(f"{value:.2f}" for value in row) for row in three] for three in stencils]
    return filled(
        result,
        command=command(result),
        data=result["configuration"]["data"],
        grid="×".join(map(str, result["grid"])),
        coarse="×".join(str(extent // 2) for extent in result["grid"]),
        stencils=table(["s_h", "s_H of refms", "s_H printed in the paper"], lines),
        figure=figure(
            result, "coarse above fine: images, and filtered with the restricted and the unchanged stencil"
        ),
        table=table(["pair", *(head for head, _, _ in COLUMNS)], rows),
    )
