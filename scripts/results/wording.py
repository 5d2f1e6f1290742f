"""Phrases that the sections share."""

import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from writing import words

FOLDER = "validation/learning_across_scales"
"""Where the experiments' scripts, configurations and results lie, from the repository's root."""

MULTISCALE_TRAINING = "validation/multiscale_training"
"""The same for [MST]."""

_PAGE = Path(__file__).resolve().parents[2] / "validation"


def origin(*results: dict[str, Any]) -> str:
    """Return when, where and with what results were made, of each of their trainings where these say it."""
    places = set()
    for result in results:
        units = [unit for row in result.get("rows", ()) for unit in row.get("units", ())]
        places |= {(one["date"], one["machine"]) for one in units if "date" in one} or {
            (result["date"], result["machine"])
        }
    made_with = ", ".join(f"{package} {version}" for package, version in results[-1]["versions"].items())
    return f"{'; '.join(f'{date}, {machine}' for date, machine in sorted(places))}, {made_with}"


def command(result: Mapping[str, Any], folder: str = FOLDER, *options: str) -> str:
    """Return the command that makes a result of a folder again."""
    name = result.get("name", result["experiment"])
    words = ["python", f"{folder}/{result['experiment']}.py", f"{folder}/{result['config']}"]
    words += [*options, *result.get("options", ()), "-o OUT", f"--result {folder}/results/{name}.json"]
    if result.get("figure"):
        words.append(f"--figure {folder}/results/{result['figure']}")
    return " ".join(words)


def filled(result: dict[str, Any], **values: Any) -> str:
    """Return the words of an experiment, from the file of its name, with the numbers of a result."""
    return words(
        __file__, result["experiment"], result=result, FOLDER=FOLDER, origin=origin(result), **values
    )


def numbers(found: Mapping[str, Any], forms: Mapping[str, tuple[str, float]]) -> list[str]:
    """Return mean ± deviation of each quantity by its name, with its format and factor."""
    return [mean_sd(found[name], form, factor) for name, (form, factor) in forms.items()]


def plural(count: int, noun: str) -> str:
    """Return a number with its noun."""
    return f"{count} {noun}{'s' if count > 1 else ''}"


def figure(result: dict[str, Any], caption: str) -> str:
    """Return the picture of a result, or a sentence where it does not lie beside the result."""
    name = f"{Path(FOLDER).name}/results/{result['figure']}"
    if not (result["figure"] and (_PAGE / name).is_file()):
        return "The picture is written beside the result; it is not kept here."
    return f"![{caption}]({name})"


def number(value: float | None, form: str) -> str:
    """Return a formatted number, "–" for None."""
    return "–" if value is None else f"{value:{form}}"


def over_runs(values: Sequence[float], form: str = ".2f", factor: float = 100.0) -> str:
    """Return the mean of one number a run, ± the standard deviation of a sample where there are several."""
    if not values:
        return "–"
    spread = f" ± {factor * statistics.stdev(values):{form}}" if len(values) > 1 else ""
    return f"{factor * statistics.fmean(values):{form}}{spread}"


def mean_sd(found: dict[str, Any], form: str, factor: float = 1.0) -> str:
    """Return mean ± deviation over seeds, times a factor; how many seeds have one where some have none."""
    if found["mean"] is None:
        return "–"
    there = sum(value is not None for value in found["values"])
    spread = "" if found["sd"] is None else f" ± {factor * found['sd']:{form}}"
    some = "" if there == len(found["values"]) else f" ({there} of {len(found['values'])})"
    return f"{factor * found['mean']:{form}}{spread}{some}"
