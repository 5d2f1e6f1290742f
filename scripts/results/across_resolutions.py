"""Section of ``across_resolutions.py``: classification on another mesh without training."""

from __future__ import annotations

from typing import Any

from results.wording import FOLDER, origin


def section(result: dict[str, Any]) -> str:
    """Return the section of one run."""
    name, sizes = result["name"], list(result["native"])
    paper = result["paper"] if result["configuration"]["data"]["dataset"] == "mnist" else {}
    rows = [
        f"| native {size}×{size} | {100 * found['validation']['accuracy']:.2f} | {paper.get(word, '–')} | "
        f"{len(found['history'])} iterations, {found['seconds']:.0f} s, {_peak(found)} |"
        for (size, found), word in zip(
            result["native"].items(), ("native coarse", "native fine"), strict=True
        )
    ]
    for key, found in result["transfer"].items():
        word, pair, rule = key.split(" ")
        there = sizes[1] if word == "up" else sizes[0]
        number = paper.get(word if rule == "galerkin" else f"{word} keep", "–")
        ours = " / ".join(f"{100 * value:.2f}" for value in found.values())
        stencils = "K_H = R K_h P" if rule == "galerkin" else "unchanged"
        rows.append(f"| {word} to {there}×{there}, `{pair}`, stencils {stencils} | {ours} | {number} | |")
    smoothing = " / ".join(next(iter(result["transfer"].values())))
    data = result["configuration"]["data"]
    first = next(iter(result["native"].values()))
    command = f"python {FOLDER}/across_resolutions.py {FOLDER}/{name}.toml --sizes {' '.join(sizes)} -o OUT"
    counts = f"{first['train']['examples']:,} / {first['validation']['examples']:,}"
    identities = "\n".join(
        f"| {key.split(' ')[0]}, `{key.split(' ')[1]}` | {found['galerkin_rho']:.2f} | "
        f"{found['logit_change_without_propagation']:.1e} | {found['largest_logit']:.1f} |"
        for key, found in result["identities"].items()
    )
    return f"""## Across resolutions: `{name}.toml`

`{command} --result {FOLDER}/results/{name}.json`,
{origin(result)}.

{data["dataset"]}, {counts} images for training / validation, smoothed with σ = {data["smoothing"]:g} cells of
the fine grid in training. Transferred nets are evaluated without training, on images smoothed with
σ = {smoothing}. Seconds are wall time of one process on a machine that had other work.

| validation accuracy | refms, % | paper, % | |
|---|---|---|---|
{chr(10).join(rows)}

What holds exactly on these nets: ρ of K_H = R K_h P (worst layer), and the largest change of a logit in the
limit T → 0, which is round-off where R = 2^-d Pᵀ and the opening is 1×1:

| transfer | ρ in eps | change of logits at T = 0 | largest logit |
|---|---|---|---|
{identities}
"""


def _peak(found: dict[str, Any]) -> str:
    """Return the peak memory of a training in words."""
    size = found.get("peak_memory_bytes")
    return "memory not measured" if size is None else f"{size / 2**30:.2f} GiB at most"
