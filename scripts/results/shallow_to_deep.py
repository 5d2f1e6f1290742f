"""Section of ``shallow_to_deep.py``: Fig. 2, random against prolonged starts."""

from typing import Any

from results.wording import command, figure, mean_sd, origin

COLUMNS = {
    "objective at the start": (".4g", 1.0),
    "objective": (".4g", 1.0),
    "accuracy at the start": (".2f", 100.0),
    "accuracy": (".2f", 100.0),
    "best accuracy": (".2f", 100.0),
    "iterations to the accuracy of the random start": (".0f", 1.0),
    "processor seconds": (".0f", 1.0),
}

WAYS = {
    "accuracy": (".2f", 100.0),
    "processor seconds": (".0f", 1.0),
    "processor seconds to the accuracy of the deepest random start": (".0f", 1.0),
    "layers by then": (".0f", 1.0),
}


def section(result: dict[str, Any]) -> str:
    """Return the section of one run."""
    configuration, settings = result["configuration"], result["settings"]
    data, size = configuration["data"], configuration["data"]["size"]
    rows = [
        f"| {depth} | {start} | "
        + " | ".join(mean_sd(found[name], form, factor) for name, (form, factor) in COLUMNS.items())
        + " |"
        for depth, starts in result["depths"].items()
        for start, found in starts.items()
    ]
    counts = f"{result['examples']['train']:,} / {result['examples']['validation']:,}"
    seeds, final_time = len(settings["seeds"]), configuration["network"]["final_time"]
    iterations, deepest = configuration["optimization"]["iterations"], settings["depths"][-1]
    return f"""## Shallow to deep, Fig. 2: `{result["name"]}.toml`

`{command(result)}`,
{origin(result)}.

{data["dataset"]}, {counts} images for training / validation{f" on {size}×{size} cells" if size else ""},
T = {final_time:g} at every depth, {iterations} BCD iterations each, {seeds} seed{"s" if seeds > 1 else ""}.
"random": the start that every depth has by itself; "linear" and "cubic": the parameters of the depth before,
interpolated in time, W and μ kept. The start is the net before any step: a random one still guesses, for its
W is zero. Accuracies in %, on the validation images; processor seconds of this depth alone. The paper draws
these curves and prints no numbers.

| layers | start | {" | ".join(COLUMNS)} |
|---|---|{"---|" * len(COLUMNS)}
{chr(10).join(rows)}

The whole way to {deepest} layers, from their random start or through all depths before, and when the
accuracy that the random start ends with is first reached, by whatever net is being trained then:

| way | {" | ".join(WAYS)} |
|---|{"---|" * len(WAYS)}
{_ways(result)}

{figure(result, "objective and validation accuracy per iteration, one column a depth")}
"""


def _ways(result: dict[str, Any]) -> str:
    rows = [
        f"| {start} | "
        + " | ".join(mean_sd(found[name], form, factor) for name, (form, factor) in WAYS.items())
        + " |"
        for start, found in result["ways"].items()
    ]
    return "\n".join(rows)
