"""What experiments of many trainings on images share: a file for each training, and one result of all."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, TypeVar

from common.plan import Plan, options_of, read_plan, words_of

from refms.cli.files import require_json, require_target, write_json
from refms.environment import made
from refms.run.config.reconstruction import Reconstruction
from refms.run.config.sections import Sections


class Asked(Protocol):
    """What decides the numbers of a training."""

    def to_dict(self) -> dict[str, Any]:
        """Return it as tables of JSON."""


C = TypeVar("C", bound=Asked)
Rows = Callable[[Plan, argparse.Namespace], list[dict[str, Any]]]


def run_trainings(
    experiment: str,
    description: str,
    settings: type,
    rows_of: Rows,
    line: Callable[[dict[str, Any]], str],
    argv: Sequence[str] | None,
    sections: type[Sections] = Reconstruction,
    cases: bool = False,
) -> int:
    """Run what is missing of an experiment, write its result, and print a line for each row; return 0."""
    options = options_of(description, argv, draws=False, cases=cases)
    plan = read_plan(options, settings, sections)
    target = options.result or options.out / f"{experiment}.json"
    options.out.mkdir(parents=True, exist_ok=True)
    require_target(target, force=options.force)
    require_json(target)
    rows = rows_of(plan, options)
    result = {
        "experiment": experiment,
        **made(),
        "config": options.config.name,
        "options": words_of(options),
        "configuration": {**plan.configuration.to_dict(), "experiment": asdict(plan.settings)},
        "rows": rows,
    }
    write_json(target, result)
    print(*map(line, rows), sep="\n")
    return 0


def unit_of(place: Path, configuration: C, train: Callable[[C], dict[str, Any]]) -> dict[str, Any]:
    """Return what a training found, when and where; from its file if that has the same configuration."""
    asked = json.loads(json.dumps(configuration.to_dict()))
    unit = json.loads(place.read_text("utf-8")) if place.is_file() else {}
    if unit.get("configuration") != asked:
        write_json(place, {"configuration": asked, **made(), **train(configuration)})
        unit = json.loads(place.read_text("utf-8"))
        print(place.stem, f"{unit['psnr']:.2f} dB" if "psnr" in unit else "done", flush=True)
    return {key: value for key, value in unit.items() if key != "configuration"}
