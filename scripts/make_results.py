"""Write validation/RESULTS.md from the JSON results beside the validation scripts.

python scripts/make_results.py            # write
python scripts/make_results.py --check    # end with 1 if the file is not what the results give
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "validation" / "RESULTS.md"
FOLDER = "validation/learning_across_scales"
RESULTS = ROOT / FOLDER / "results"

HEAD = """# Results

Written by `scripts/make_results.py` from the JSON files in `validation/*/results/`, each of which one command
made; do not edit by hand.
"""


def across_resolutions(name: str, result: dict[str, Any]) -> str:
    """Return the section of one run of ``across_resolutions.py``."""
    sizes = list(result["native"])
    paper = result["paper"] if result["configuration"]["data"]["dataset"] == "mnist" else {}
    rows = [
        f"| native {size}×{size} | {100 * found['validation']['accuracy']:.2f} | {paper.get(name, '–')} | "
        f"{len(found['history'])} iterations, {found['seconds']:.0f} s, {peak(found)} |"
        for (size, found), name in zip(
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
    made_with = ", ".join(f"{package} {version}" for package, version in result["versions"].items())
    identities = "\n".join(
        f"| {key.split(' ')[0]}, `{key.split(' ')[1]}` | {found['galerkin_rho']:.2f} | "
        f"{found['logit_change_without_propagation']:.1e} | {found['largest_logit']:.1f} |"
        for key, found in result["identities"].items()
    )
    return f"""## Across resolutions: `{name}.toml`

`{command} --result {FOLDER}/results/{name}.json`,
{result["date"]}, {result["machine"]}, {made_with}.

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


def peak(found: dict[str, Any]) -> str:
    """Return the peak memory of a training in words."""
    size = found.get("peak_memory_bytes")
    return "memory not measured" if size is None else f"{size / 2**30:.2f} GiB at most"


def text() -> str:
    """Return the whole file."""
    sections = [
        across_resolutions(path.stem, json.loads(path.read_text(encoding="utf-8")))
        for path in sorted(RESULTS.glob("*.json"))
    ]
    return "\n".join([HEAD, *sections])


def main() -> int:
    """Write or check the file."""
    parser = argparse.ArgumentParser(description="Write validation/RESULTS.md from the JSON results.")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    if parser.parse_args().check:
        same = TARGET.is_file() and TARGET.read_text(encoding="utf-8") == text()
        print(
            "RESULTS.md is up to date" if same else "RESULTS.md is out of date; run scripts/make_results.py"
        )
        return 0 if same else 1
    TARGET.write_text(text(), encoding="utf-8")
    print(f"wrote {TARGET}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
