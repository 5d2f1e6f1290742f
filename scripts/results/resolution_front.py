"""Section of ``resolution_front.py``: native against transferred accuracy, and what the symbols say."""

from typing import Any

from results.wording import FOLDER, figure, origin

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
    data = nets[0]["configuration"]["data"]
    accuracies = "\n".join(_accuracy_row(net, images) for net in nets for images in IMAGES)
    spectra = "\n".join(_spectrum_row(net) for net in nets)
    name, meshes = result["name"], " and ".join(map(str, result["sizes"]))
    command = f"python {FOLDER}/resolution_front.py {FOLDER}/{result['study']} -o OUT"
    drawn = f" --figure {FOLDER}/results/{result['figure']}" if result["figure"] else ""
    return f"""## Native against transferred accuracy: `{name}`

`{command} --result {FOLDER}/results/{name}.json{drawn}`,
{origin(result)}.

{data["dataset"]}, {data["train"]:,} / {data["validation"]:,} images for training / validation,
{_fixed(nets)}. Nets are moved to the other mesh ({meshes} cells an axis) without
training and evaluated on images smoothed as in their training or matched to the pair: σ² + the
variance of R and P upwards, σ² − it downwards; or at the σ where the logits are closest to those of the
native net on some training images, whose labels are not looked at ("agreeing"). Validation accuracy in %.
"bilinear" and "constant" are the pairs `averaging-bilinear` and `averaging-constant`, "adjoint" says that W
keeps h^d⟨w, y⟩, "unchanged" are stencils that stay as they are.

| net | mesh | σ | native | images | bilinear | bilinear, adjoint | constant | unchanged |
|---|---|---|---|---|---|---|---|---|
{accuracies}

{figure(result, "accuracy on the other mesh over native accuracy, a panel a direction")}

What the symbols say, each for stencils by the bilinear pair / by the constant one / unchanged: the gap
‖λ_h(ω) − λ_H(2ω)‖ / ‖λ_H(2ω)‖ over the spectrum of the images on the fine mesh; the largest ‖λ_h(ω)‖₂ below
and above the coarse mesh's Nyquist frequency; and the share of the energy of y_N above it, in %, on images
smoothed as in training (all on the fine mesh; for nets trained there the last three are one number):

| net | mesh | gap | gain below | gain above | energy above |
|---|---|---|---|---|---|
{spectra}
{_fitted(nets)}"""


def _fixed(nets: list[dict[str, Any]]) -> str:
    """Return what all nets share, in words."""
    network, optimization = (nets[0]["configuration"][name] for name in ("network", "optimization"))
    return (
        f"{network['channels']} channels, {network['layers']} layers, {optimization['iterations']} iterations"
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
    rules = {"galerkin": "K_H = R K_h P", "keep": "unchanged"}
    rows = [
        f"| {_label(net)} | `{row['pair']}` | {rules[row['stencils']]} | {row['newton_steps']} | "
        f"{100 * row['accuracy']:.2f} |"
        for net in nets
        for row in net.get("fitted", [])
    ]
    if not rows:
        return ""
    return f"""
Not without training: a few Newton steps on the classifier alone after the transfer, on the matched training
images of the new mesh:

| net | mesh | pair | stencils | Newton steps | accuracy, % |
|---|---|---|---|---|---|
{chr(10).join(rows)}
"""
