"""Section of ``across_resolutions.py``: classification on another mesh without training."""

import statistics
from typing import Any

from results.wording import FOLDER, number, origin, over_runs

IMAGES = ("raw", "training", "matched", "agreeing")
"""How the images of the other mesh are smoothed; columns of the table."""


def section(result: dict[str, Any]) -> str:
    """Return the section of one run."""
    data, splits = result["configuration"]["data"], result["splits"]
    words = " ".join(
        ["python", f"{FOLDER}/across_resolutions.py {FOLDER}/{result['config']}", *result["options"]]
    )
    first = next(iter(splits[0]["native"].values()))
    counts = f"{first['train']['examples']:,} / {first['validation']['examples']:,}"
    seeds = f", mean ± standard deviation over {len(splits)} splits" if len(splits) > 1 else ""
    smoothed = (
        "The images of each net are smoothed to match those of the coarsest one"
        if result["matched"]
        else f"All images are smoothed with σ = {data['smoothing']:g} in training"
    )
    return f"""## Across resolutions: `{result["name"]}`

`{words} -o OUT --result {FOLDER}/results/{result["name"]}.json`,
{origin(result)}.

{data["dataset"]}, {counts} images for training / validation{seeds}.
{smoothed}; σ counts cells of the images' own grid. Seconds are wall time of one
process on a machine that had other work.

| native net | σ | validation accuracy, % | paper, % | |
|---|---|---|---|---|
{_native(result)}

The same nets on another mesh, without training: accuracy in % on images that are raw, smoothed as in the
training of the net, smoothed to match (σ² ± the variance of R and P), or smoothed with the σ at which the
logits are closest to those of the native net on some training images, whose labels are not looked at (that σ
in brackets):

| from, to | pair | stencils | W by | raw | as in training | matched | agreeing (σ) | paper |
|---|---|---|---|---|---|---|---|---|
{_transfers(result)}
{_fitted(result)}
What holds exactly on these nets: ρ of K_H = R K_h P (worst layer), and the largest change of a logit in the
limit T → 0 with W by the pair and by the adjoint, which is round-off for the adjoint, and for the pair where
R = 2^-d Pᵀ, if the opening is 1×1:

| transfer | ρ in eps | W by the pair | W by the adjoint | largest logit |
|---|---|---|---|---|
{_identities(splits[0]["identities"])}
"""


def _native(result: dict[str, Any]) -> str:
    paper, lines = _paper(result), []
    for size in result["sizes"]:
        found = [split["native"][str(size)] for split in result["splits"]]
        word = {14: "native coarse", 28: "native fine"}.get(size, "")
        seconds = statistics.fmean(one["seconds"] for one in found)
        lines.append(
            f"| {size}×{size} | {found[0]['smoothing']:.3g} | "
            f"{over_runs([one['validation']['accuracy'] for one in found])} | {paper.get(word, '–')} | "
            f"{len(found[0]['history'])} iterations, {seconds:.0f} s, {_peak(found[0])} |"
        )
    return "\n".join(lines)


def _transfers(result: dict[str, Any]) -> str:
    table: dict[tuple[Any, ...], dict[str, list[float]]] = {}
    widths: dict[tuple[Any, ...], list[float]] = {}
    for split in result["splits"]:
        for row in split["transfers"]:
            way = (row["from"], row["to"], row["pair"], row["stencils"], row["weights"])
            table.setdefault(way, {}).setdefault(row["images"], []).append(row["accuracy"])
            if row["images"] == "agreeing":
                widths.setdefault(way, []).append(row["smoothing"])
    paper, lines = _paper(result), []
    for way, found in table.items():
        here, there, pair, stencils, weights = way
        key = ("up" if there > here else "down") + ("" if stencils == "galerkin" else " keep")
        told = paper.get(key, "–") if {here, there} == {14, 28} else "–"
        rule = "K_H = R K_h P" if stencils == "galerkin" else "unchanged"
        cells = " | ".join(over_runs(found.get(images, [])) for images in IMAGES)
        cells += f" ({statistics.fmean(widths[way]):.2f})" if way in widths else ""
        lines.append(f"| {here} → {there} | `{pair}` | {rule} | {weights} | {cells} | {told} |")
    return "\n".join(lines)


def _fitted(result: dict[str, Any]) -> str:
    table: dict[tuple[Any, ...], list[float]] = {}
    for split in result["splits"]:
        for row in split["fitted"]:
            way = (row["from"], row["to"], row["pair"], row["stencils"], row["newton_steps"])
            table.setdefault(way, []).append(row["accuracy"])
    if not table:
        return ""
    rules = {"galerkin": "K_H = R K_h P", "keep": "unchanged"}
    lines = [
        f"| {here} → {there} | `{pair}` | {rules[stencils]} | {steps} | {over_runs(found)} |"
        for (here, there, pair, stencils, steps), found in table.items()
    ]
    return f"""
Not without training: after the transfer a few Newton steps on the classifier alone, on the matched training
images of the new mesh, the stencils as they came:

| from, to | pair | stencils | Newton steps | accuracy, % |
|---|---|---|---|---|
{chr(10).join(lines)}
"""


def _identities(found: dict[str, Any]) -> str:
    return "\n".join(
        f"| {key.replace(' to ', ' → ')} | {one['galerkin_rho']:.2f} | "
        f"{one['logit_change_without_propagation']:.1e} | "
        f"{number(one.get('logit_change_without_propagation_adjoint'), '.1e')} | {one['largest_logit']:.1f} |"
        for key, one in found.items()
    )


def _paper(result: dict[str, Any]) -> dict[str, Any]:
    """Return the paper's numbers, where they are about this data set."""
    return dict(result["paper"]) if result["configuration"]["data"]["dataset"] == "mnist" else {}


def _peak(found: dict[str, Any]) -> str:
    """Return the peak memory of a training in words."""
    size = found.get("peak_memory_bytes")
    return "memory not measured" if size is None else f"{size / 2**30:.2f} GiB at most"
