"""The picture of the theory: six panels, every one with what it should show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from refms.plots.style import COLOURS, MARKERS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def picture(figure: Figure, result: dict[str, Any]) -> None:
    """Draw Lemma 1 in one and two dimensions, mesh-free, the bounds, variances and hot starts."""
    axes = figure.subplots(2, 3).ravel()
    lemma = result["lemma_1"]
    for axis, kind, title in (
        (axes[0], "line", "Lemma 1, one dimension"),
        (axes[1], "square", "Lemma 1, two dimensions"),
    ):
        chosen = [row for row in lemma[kind] if row["title"].startswith(("one convolution", "σ"))]
        _series(axis, title, chosen)
    _series(axes[2], "mesh-free convolution", [row for row in lemma["mesh_free"] if row["order"] is not None])
    _bounds(axes[3], result["bounds"])
    _variances(axes[4], result["variances"])
    _starts(axes[5], result["theorem_1"])


def _series(axis: Axes, title: str, rows: list[dict[str, Any]]) -> None:
    for place, row in enumerate(rows):
        line = {"color": COLOURS[place % len(COLOURS)], "marker": MARKERS[place % len(MARKERS)]}
        dashes = "--" if "limit" in row["title"] else "-"
        axis.loglog(row["cells"], row["values"], dashes, label=row["title"], **line)
    axis.set_xscale("log", base=2)
    axis.set(title=title, xlabel="cells along an axis", ylabel="‖g_h − g_2h‖")
    axis.legend(fontsize=4.5)


def _bounds(axis: Axes, rows: list[dict[str, Any]]) -> None:
    line = [row for row in rows if len(row["cells"]) == 1 and row["noise"] == 0]
    for place, name in enumerate(("B.1", "B.2")):
        own = [row for row in line if row["bound_of"] == name]
        cells = [row["cells"][0] for row in own]
        told = "coarsening" if name == "B.1" else "cropping"
        axis.loglog(cells, [row["difference"] for row in own], color=COLOURS[place], marker="o", label=told)
        axis.loglog(cells, [row["bound"] for row in own], "--", color=COLOURS[place], label=f"bound {name}")
    axis.set_xscale("log", base=2)
    axis.set(title="bounds, smooth, one dimension", xlabel="cells", ylabel="‖g_h − g_sub‖")
    axis.legend()


def _variances(axis: Axes, found: dict[str, Any]) -> None:
    axis.loglog(found["sizes"], found["single"], color=COLOURS[0], marker="o", label="mean of N gradients")
    axis.axhline(found["predicted"], color=COLOURS[1], label="MGE, Σ V_l/N_l")
    axis.axhline(found["measured"], color=COLOURS[2], linestyle="--", label="MGE, measured")
    axis.set_xscale("log", base=2)
    axis.set(title="variance", xlabel="N", ylabel="tr Var")
    axis.legend()


def _starts(axis: Axes, found: dict[str, Any]) -> None:
    kinds = [name for name in found["data"] if name != "smooth, α = 0"]
    for place, name in enumerate(kinds):
        rows = found["data"][name]["meshes"]
        for start, dashes in (("hot", "-"), ("cold", "--")):
            cells, steps = [row["cells"] for row in rows], [max(row[start], 1) for row in rows]
            axis.loglog(cells, steps, dashes, color=COLOURS[place], marker="o", label=f"{name}, {start}")
    axis.set_xscale("log", base=2)
    axis.set(title="Theorem 1: steps to ε", xlabel="cells", ylabel="steps")
    axis.legend(fontsize=6)
