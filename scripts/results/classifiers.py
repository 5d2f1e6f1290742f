"""Section of ``classifiers.py``: the classifiers of eq. (5), with and without pooling."""

from typing import Any

from results.wording import command, figure, mean_sd, origin

COLUMNS = {
    "training accuracy": (".2f", 100.0),
    "accuracy": (".2f", 100.0),
    "best accuracy": (".2f", 100.0),
    "accuracy after one iteration": (".2f", 100.0),
    "processor seconds": (".1f", 1.0),
}


def section(result: dict[str, Any]) -> str:
    """Return the section of one run."""
    data, settings = result["configuration"]["data"], result["settings"]
    rows = [
        f"| {row['loss']} | {_blocks(row['pooling'])} | {row['parameters']:,} | "
        + " | ".join(mean_sd(row[name], form, factor) for name, (form, factor) in COLUMNS.items())
        + f" | {row['steps refused']} |"
        for row in result["rows"]
    ]
    counts = f"{result['examples']['train']:,} / {result['examples']['validation']:,}"
    mesh, count = "×".join(map(str, result["grid"])), len(settings["seeds"])
    seeds = f"{count} seed{'s' if count > 1 else ''}"
    iterations = result["configuration"]["optimization"]["iterations"]
    return f"""## Classifiers of eq. (5): `{result["name"]}.json`

`{command(result)}`,
{origin(result)}.

{data["dataset"]}, {counts} images for training / validation on {mesh} cells,
{iterations} BCD iterations, {seeds}: the same net from the same start with every classifier that [LAS]
names, and the same regularisation for all.
Least squares, logistic regression and the support vector machine (quadratically smoothed hinge) hold each
class against the rest. "Averaged": cells along an axis over whose blocks y_N is averaged before the
classifier. Accuracies in %, on the validation images but for the first column; steps refused or cut short
are counted over all seeds. The paper prints results for softmax alone.

| classifier | averaged | numbers in W, μ | {" | ".join(COLUMNS)} | steps refused or cut |
|---|---|---|{"---|" * (len(COLUMNS) + 1)}
{chr(10).join(rows)}

{figure(result, "validation accuracy per iteration, one column a pooling, one colour a classifier")}
"""


def _blocks(pooling: int) -> str:
    return {0: "whole mesh", 1: "none"}.get(pooling, str(pooling))
