"""Section of ``resolution_front.py``: native against transferred accuracy, and what the symbols say."""

from typing import Any

from writing import table

from results.wording import FOLDER, figure, filled, over_runs

IMAGES = ("training", "matched", "agreeing")
"""How the images of the other mesh are smoothed; a row each."""

_COLUMNS = (
    ("averaging-bilinear", "pair", "galerkin"),
    ("averaging-bilinear", "adjoint", "galerkin"),
    ("averaging-constant", "pair", "galerkin"),
    ("averaging-bilinear", "pair", "keep"),
)


def section(result: dict[str, Any]) -> str:
    """Return the section of one study."""
    nets = result["nets"]
    shared = nets[0]["configuration"]
    return filled(
        result,
        data=shared["data"],
        network=shared["network"],
        iterations=shared["optimization"]["iterations"],
        meshes=" and ".join(map(str, result["sizes"])),
        drawn=f" --figure {FOLDER}/results/{result['figure']}" if result["figure"] else "",
        accuracies="\n".join(_accuracy_row(net, images) for net in nets for images in IMAGES),
        figure=figure(result, "accuracy on the other mesh over native accuracy, a panel a direction"),
        spectra="\n".join(_spectrum_row(net) for net in nets),
        fitted=_fitted(nets),
    )


def _label(net: dict[str, Any]) -> str:
    return f"{net['name']} | {net['size']}"


def _accuracy_row(net: dict[str, Any], smoothing: str) -> str:
    cells = [_accuracy(net, *way, smoothing) for way in _COLUMNS]
    sigma = net["configuration"]["data"]["smoothing"]
    native = f"{100 * net['native']['accuracy']:.2f}" if smoothing == "training" else ""
    return f"| {_label(net)} | {sigma:.3g} | {native} | {smoothing} | {' | '.join(cells)} |"


def _accuracy(net: dict[str, Any], pair: str, weights: str, stencils: str, images: str) -> str:
    for row in net["transfers"]:
        if (row["pair"], row["weights"], row["stencils"], row["images"]) == (pair, weights, stencils, images):
            return f"{100 * row['accuracy']:.2f}"
    return "–"


def _spectrum_row(net: dict[str, Any]) -> str:
    found = [
        net["explained"][way]
        for way in ("averaging-bilinear galerkin", "averaging-constant galerkin", "averaging-bilinear keep")
    ]
    up = net["transfers"][0]["to"] > net["size"]
    fine = found if up else [net["explained"]["native"]]
    cells = (
        [f"{one['symbol_gap']:.2f}" for one in found],
        [f"{one['gain']['low']:.0f}" for one in fine],
        [f"{one['gain']['high']:.0f}" for one in fine],
        [f"{100 * one['high_energy'][-1]:.1f}" for one in fine],
    )
    return f"| {_label(net)} | {' | '.join(' / '.join(cell) for cell in cells)} |"


def _fitted(nets: list[dict[str, Any]]) -> str:
    rows = [
        [
            _label(net),
            f"`{row['pair']}`",
            RULES[row["stencils"]],
            str(row["newton_steps"]),
            over_runs([row["accuracy"]]),
        ]
        for net in nets
        for row in net.get("fitted", [])
    ]
    lines = table(["net", "mesh", "pair", "stencils", "Newton steps", "accuracy, %"], rows)
    return f"{FITTED}\n{lines}\n" if rows else ""


RULES = {"galerkin": "K_H = R K_h P", "keep": "unchanged"}

FITTED = """
Not without training: a few Newton steps on the classifier alone after the transfer, on the matched training
images of the new mesh:
"""
