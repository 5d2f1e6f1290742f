"""``refms config``: a configuration to begin with, every key at its default and explained, or an example."""

from __future__ import annotations

import argparse
import sys
import tomllib
from pathlib import Path
from typing import Any

from refms.cli.files import claim, write_json, write_text
from refms.cli.options import Commands, add_command

EXAMPLES = {
    "train": "learning_across_scales/digits.toml",
    "reconstruct": "multiscale_training/denoise_photographs.toml",
    "compare": "learning_across_scales/compare_digits.toml",
    "study": "learning_across_scales/study_digits.toml",
}
"""Which file of ``validation`` is the example of a command; a wheel has it in the folder ``examples``."""


def register(commands: Commands) -> None:
    """Add ``config`` to the command line."""
    command = add_command(commands, "config", "refms config train -o mine.toml", run)
    command.add_argument("kind", choices=tuple(EXAMPLES), help="the command that is to read it")
    command.add_argument(
        "--example",
        action="store_true",
        help="in place of all keys the file that README runs: a small training that takes seconds",
    )
    command.add_argument("-o", "--output", metavar="FILE", help="where to write it; default: standard output")


def run(options: argparse.Namespace) -> int:
    """Write the template; return 0."""
    from refms.run.config.template import template

    if options.example:
        text = _example(EXAMPLES[options.kind])
    else:
        head = f"refms {options.kind} THIS.toml: all keys at their defaults."
        text = template(_sections(options.kind), head)
    if options.output is not None:
        claim(options, options.output)
        write_text(options.output, text, force=options.force)
    else:
        sys.stdout.write(text)
    write_json(options.json, tomllib.loads(text))
    return 0


def _example(path: str) -> str:
    """Return an example, from the wheel or from the clone in which this file lies."""
    package = Path(__file__).parents[1]
    inside = package / "examples" / Path(path).name
    return (inside if inside.is_file() else package.parent / "validation" / path).read_text("utf-8")


def _sections(kind: str) -> dict[str, Any]:
    """Return the sections that a command reads, by the names of their tables."""
    from refms.run.config import Configuration
    from refms.run.config.reconstruction import Reconstruction
    from refms.run.plan import Plan, StudySection

    whole = vars(Reconstruction() if kind == "reconstruct" else Configuration())
    if kind not in ("compare", "study"):
        return dict(whole)
    plan = Plan(Configuration())
    methods = {f"compare.{name}": options for name, options in plan.methods.items()}
    varied = StudySection(parameter="optimization.hessian_fraction", values=(0.1, 1.0))
    return {**whole, "compare": plan.compare, **methods, **({"study": varied} if kind == "study" else {})}
