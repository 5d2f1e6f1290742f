"""Section of ``example_1.py``: one stencil on two meshes."""

from typing import Any

from results.wording import command, figure, number, origin

COLUMNS = (
    "pair",
    "deviation from the printed s_H",
    "ρ float64",
    "ρ float32",
    "relative",
    "unchanged",
    "from R K_h y_h",
    "unchanged",
    "there and back",
)


def section(result: dict[str, Any]) -> str:
    """Return the section of one run."""
    grid = "×".join(map(str, result["grid"]))
    coarse = "×".join(str(extent // 2) for extent in result["grid"])
    rows = "\n".join(_row(name, found) for name, found in result["pairs"].items())
    shown = result["pairs"][result["figure_pair"]]
    stencils = "\n".join(
        f"| {_entries(fine)} | {_entries(ours)} | {_entries(printed)} |"
        for fine, ours, printed in zip(result["s_h"], shown["s_H"], result["s_H_printed"], strict=True)
    )
    data = result["configuration"]["data"]
    return f"""## Example 1 and Fig. 1: `{result["name"]}.toml`

`{command(result)}`,
{origin(result)}.

{result["images"]} images of {data["dataset"]}, one of each class, {grid} and restricted to {coarse}
by the R of each pair (smoothed before with σ = {data["smoothing"]:g} cells).
The stencils with `{result["figure_pair"]}`:

| s_h | s_H of refms | s_H printed in the paper |
|---|---|---|
{stencils}

{figure(result, "coarse above fine: images, and filtered with the restricted and the unchanged stencil")}

Eq. (8) on the images, y_H = R y_h: ‖K_H y_H − R K_h P y_H‖ in units of eps times ‖|R| |K_h| |P| |y_H|‖ (ρ),
relative to ‖R K_h P y_H‖, and the same with the stencil left unchanged on the coarse mesh. Then how far
K_H R y_h is from R K_h y_h, which no statement makes zero: P R y_h is not y_h. Last, the largest entry of s_h
minus s_h restricted and prolonged again.

| {" | ".join(COLUMNS)} |
|{"---|" * len(COLUMNS)}
{rows}

"–": that pair makes a coarse stencil of another size, or does not determine the fine one.
"""


def _row(name: str, found: dict[str, Any]) -> str:
    cells = (
        number(found["deviation_from_printed"], ".4f"),
        number(found["rho"]["float64"], ".2f"),
        number(found["rho"]["float32"], ".2f"),
        number(found["relative_error"], ".1e"),
        number(found["relative_error_unchanged"], ".2f"),
        number(found["distance_to_restricted"], ".2f"),
        number(found["distance_to_restricted_unchanged"], ".2f"),
        number(found["error_of_prolonged_again"], ".1e"),
    )
    return f"| `{name}` | {' | '.join(cells)} |"


def _entries(row: list[float]) -> str:
    return " ".join(f"{value:.2f}" for value in row)
