"""``refms conform explain``: what a property states, where it comes from, what it catches."""

from __future__ import annotations

import argparse
import textwrap
from typing import TYPE_CHECKING

from refms.cli.conform.run import property_named
from refms.cli.files import write_json
from refms.cli.options import Commands, add_command

if TYPE_CHECKING:
    from refms.conformance.property import Property

JUDGED = (
    "ρ = ‖got − expected‖ / (eps · scale), PASS up to 30, MARGINAL up to 300, unless the formula names "
    "another criterion"
)


def register(actions: Commands) -> None:
    """Add ``explain`` to the actions."""
    command = add_command(
        actions,
        "explain",
        "refms conform explain C5",
        run,
        "Say what a property states, where it comes from, what it catches and where to look.",
    )
    command.add_argument("id", metavar="ID", help="such as C5")


def run(options: argparse.Namespace) -> int:
    """Print what there is to say about one property; return 0."""
    item = property_named(options.id)
    print(property_in_words(item))
    told = {
        name: getattr(item, name)
        for name in ("id", "family", "title", "statement", "source", "catches", "corner")
    }
    write_json(options.json, {**told, "needs": list(item.needs), "uses": list(item.uses)})
    return 0


def property_in_words(item: Property) -> str:
    """Return a property in words: formula, source, what it catches, how to fix what it finds."""
    from refms.conformance.reports.report import levels_of

    operations = "; ".join(f"{name}, which must {_contract(name)}" for name in item.needs)
    operations = operations or f"the operation that is named, of {', '.join(item.uses)}"
    parts = (
        ("formula", item.statement),
        ("source", item.source),
        ("judged by", JUDGED),
        ("holds for", _where(item)),
        ("levels", ", ".join(levels_of(item))),
        ("catches", item.catches),
        ("blind to", item.corner),
        ("how to fix", f"look first for {item.catches}; in {operations}"),
        ("once more", f"refms conform run PKG.MOD:NAME --only {item.id} --tier full"),
    )
    lines = [f"{item.id} ({item.family}): {item.title}"]
    for name, text in parts:
        lines += textwrap.wrap(
            text, 100, initial_indent=f"  {name + ':':12}", subsequent_indent=" " * 14, break_long_words=False
        )
    return "\n".join(lines)


def _where(item: Property) -> str:
    """Return the domain of a property in words."""
    domain = item.domain
    words = [f"dimensions {', '.join(map(str, domain.dimensions))}"]
    words.append("both boundaries" if domain.boundary is None else f"the {domain.boundary} boundary")
    if domain.multiple > 1:
        words.append(f"extents that are multiples of {domain.multiple}")
    if domain.resolves:
        words.append("grids with at least n_K cells along every axis")
    if domain.square:
        words.append("equal extents along all axes")
    if domain.stencil == "closed":
        words.append("stencil sizes that the pair maps one to one")
    if domain.sizes is not None:
        words.append(f"stencil sizes {', '.join(map(str, domain.sizes))}")
    if domain.pair is not None:
        words.append("the transfer pairs it is stated for")
    if domain.soft:
        words.append("labels that need not be one-hot")
    if domain.activations is not None:
        words.append(f"activations {', '.join(domain.activations)}")
    return "; ".join(words)


def _contract(operation: str) -> str:
    """Return the first line of what the adapter's method promises."""
    from refms.conformance.adapters.adapter import Adapter

    first = str(getattr(Adapter, operation).__doc__).splitlines()[0].rstrip(".")
    return first[0].lower() + first[1:]
