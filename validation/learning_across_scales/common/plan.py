"""What an experiment does: its command line and its TOML file.

The file is a configuration of ``refms train``, or of ``refms reconstruct``, with two more tables:
``[experiment]`` holds the settings of the experiment itself, and ``[full.<table>]`` what ``--full`` puts over
each table.
"""

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from refms.cli.options import add_options
from refms.errors import InputError
from refms.run.config import Configuration, build_from, section_of
from refms.run.config.sections import Sections


@dataclass(frozen=True)
class Plan:
    """What a configuration file asks for: a training, and the table ``[experiment]`` of the experiment."""

    configuration: Any
    settings: Any


def options_of(
    description: str,
    argv: Sequence[str] | None,
    *,
    trains: bool = True,
    draws: bool = True,
    cases: bool = False,
) -> argparse.Namespace:
    """Return the parsed command line of an experiment, which may train nets, by cases, and draw a picture."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("config", type=Path, metavar="CONFIG.toml")
    add_options(parser, "--dataset", "--data-dir")
    if trains:
        parser.add_argument("--full", action="store_true", help="run what the tables [full.*] of CONFIG say")
        parser.add_argument("--seeds", type=int, nargs="+", help="seeds of split, start and Hessian sample")
        parser.add_argument("--threads", type=int, default=1, help="threads that train (default: 1)")
    if cases:
        parser.add_argument(
            "--cases", nargs="+", metavar="NAME", help="train these cases alone, in this order"
        )
    parser.add_argument(
        "-o", "--out", type=Path, required=True, metavar="OUT", help="folder for all that is made"
    )
    parser.add_argument("--result", type=Path, metavar="FILE", help="JSON result (default: in OUT)")
    if draws:
        parser.add_argument(
            "--figure", type=Path, metavar="FILE", help="picture, .png or .svg (default: OUT/….png)"
        )
    parser.add_argument(
        "--force",
        action="store_true",
        help="replace results that exist; trainings with the same settings are kept even so",
    )
    return parser.parse_args(argv)


def words_of(options: argparse.Namespace) -> list[str]:
    """Return the options that decide what is computed, as they are typed; folders are left out."""
    words = [f"--dataset {options.dataset}"] if options.dataset else []
    if getattr(options, "full", False):
        words.append("--full")
    if getattr(options, "seeds", None):
        words.append(f"--seeds {' '.join(map(str, options.seeds))}")
    if getattr(options, "cases", None):
        words.append(f"--cases {shlex.join(options.cases)}")
    return words


def read_plan(options: argparse.Namespace, kind: type, sections: type[Sections] = Configuration) -> Plan:
    """Return what CONFIG.toml asks for, with the options put over it.

    ``kind`` is the frozen dataclass of the table ``[experiment]``; its defaults say the types expected.
    ``sections`` is the configuration that the other tables make.
    """
    plan: Plan = build_from(options.config, lambda tables: _plan(tables, options, kind, sections))
    return plan


def _plan(tables: dict[str, Any], options: argparse.Namespace, kind: type, sections: type[Sections]) -> Plan:
    full, own = (_table(tables.pop(name, {}), name) for name in ("full", "experiment"))
    if getattr(options, "full", False):
        if not full:
            raise InputError("there are no tables [full.*]; leave --full out.")
        own = {**own, **_table(full.pop("experiment", {}), "full.experiment")}
        for name, changes in full.items():
            tables[name] = {**_table(tables.get(name, {}), name), **_table(changes, f"full.{name}")}
    if getattr(options, "seeds", None):
        own["seeds"] = options.seeds
    if options.dataset:
        tables["data"] = {**_table(tables.get("data", {}), "data"), "dataset": options.dataset}
    for key in (key for key, value in own.items() if value == []):
        raise InputError(f"[experiment] {key} is []; expected a list with at least one entry.")
    return Plan(sections.from_dict(tables), section_of(kind, "experiment", own))


def _table(value: Any, name: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"[{name}] is {value!r}; expected a table of keys and values.")
    return value


def require_seeds(seeds: tuple[int, ...]) -> None:
    """Refuse seeds that are negative or repeat."""
    if min(seeds) < 0 or len(set(seeds)) < len(seeds):
        raise InputError(f"seeds is {list(seeds)}; expected different numbers of 0 or more.")


def seeded(configuration: Configuration, seed: int) -> Configuration:
    """Return the configuration with one seed for split, initial parameters, Hessian samples and epochs."""
    return replace(
        configuration,
        data=replace(configuration.data, split_seed=seed),
        network=replace(configuration.network, seed=seed),
        optimization=replace(configuration.optimization, hessian_seed=seed),
        stochastic=replace(configuration.stochastic, draw_seed=seed),
    )
