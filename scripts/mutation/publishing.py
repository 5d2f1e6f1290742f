"""What a run of the mutants amounts to: its score, the reasons of the survivors, and the published table."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REASONS = Path(__file__).with_name("reasons.toml")
RESULT = (
    Path(__file__).resolve().parents[2] / "validation" / "conformance" / "results" / "mutation_score.json"
)
KINDS = ("equivalent", "harmless", "mended")
NOTICED = ("own tests", "other tests", "verify", "timed out")

RULES = """\
* docstrings, type annotations and aliases, imports, `__all__`, `__repr__`, `__str__` and the bodies of
  `Protocol` classes (declarations, never run);
* the text of messages: the whole of a `raise`, strings and f-strings with a blank in them (prose), string
  arguments of the checks `require_…` and `precision` (the argument's name in their message);
* arguments of `len` and `isinstance`, which mutmut never changes."""
"""What is not mutated, for the published table."""

Change = tuple[str, str, str]
"""Module, the lines before and the lines after."""


@dataclass(frozen=True)
class Reason:
    """Why mutants survive, and which: module, lines before, lines after.

    *equivalent*: no input tells the mutant from the original; *harmless*: results stay what they are
    documented to be.
    """

    kind: str
    why: str
    changes: frozenset[Change]


def read_reasons(path: Path = REASONS) -> list[Reason]:
    """Return the reasons of a TOML file; ValueError if a kind is unknown or a change is named twice."""
    reasons = []
    seen: set[Change] = set()
    for row in tomllib.loads(path.read_text(encoding="utf-8"))["reason"]:
        if row["kind"] not in KINDS:
            raise ValueError(f"{path.name}: kind {row['kind']!r}; expected one of {', '.join(KINDS)}.")
        changes = [(row["module"], before, after) for before, after in row["changes"]]
        twice = [change for change in changes if change in seen or changes.count(change) > 1]
        if twice:
            raise ValueError(f"{path.name} names {twice[0]} twice; keep one of them.")
        seen.update(changes)
        reasons.append(Reason(row["kind"], " ".join(row["why"].split()), frozenset(changes)))
    return reasons


def survivors_of(result: dict[str, Any]) -> list[tuple[Change, dict[str, Any]]]:
    """Return every survivor of a result, with the change that it is."""
    return [
        ((module, row["before"], row["after"]), row)
        for module, found in result["modules"].items()
        for row in found["survivors"]
    ]


def explain(result: dict[str, Any], reasons: Sequence[Reason]) -> dict[str, Any]:
    """Return a result whose survivors carry the ``kind`` and the ``why`` of their reasons."""
    known = {change: reason for reason in reasons for change in reason.changes}
    nothing = Reason("unexplained", "No reason is known.", frozenset())
    modules = {}
    for module, found in result["modules"].items():
        rows = []
        for row in found["survivors"]:
            reason = known.get((module, row["before"], row["after"]), nothing)
            rows.append({**row, "kind": reason.kind, "why": reason.why})
        modules[module] = {**found, "survivors": rows}
    return {**result, "modules": modules}


def lost_places(reasons: Sequence[Reason], root: Path) -> list[str]:
    """Return a sentence for each reason whose lines are not in its module any more."""
    texts = {}
    for module in {change[0] for reason in reasons for change in reason.changes}:
        path = root / module
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
        texts[module] = " ".join(line.strip() for line in lines)
    changes = sorted(change for reason in reasons for change in reason.changes)
    return [
        f"{module}: {old}  has a reason and is gone" for module, old, _ in changes if old not in texts[module]
    ]


def complaints(result: dict[str, Any], reasons: Sequence[Reason]) -> list[str]:
    """Return a sentence for each survivor without a reason and each reason without a survivor.

    A change in a module that was not run as a whole may lack its survivor.
    """
    survived = {change for change, _ in survivors_of(result)}
    explained = {change for reason in reasons for change in reason.changes}
    whole = {name for name, found in result["modules"].items() if found["mutants"] == found["population"]}
    unexplained = [("survives without a reason", change) for change in sorted(survived - explained)]
    stale = [
        ("has a reason and does not survive", change)
        for change in sorted(explained - survived)
        if change[0] in whole
    ]
    return [f"{module}: {old}  ->  {new}  {what}" for what, (module, old, new) in [*unexplained, *stale]]


def counts(found: Iterable[dict[str, Any]], equivalent: int) -> dict[str, Any]:
    """Return the sums over modules, raw = noticed / mutants and score = noticed / (mutants − equivalent)."""
    rows = list(found)
    noticed = {who: sum(row["noticed"][who] for row in rows) for who in NOTICED}
    mutants = sum(row["mutants"] for row in rows)
    total = sum(noticed.values())
    return {
        "mutants": mutants,
        **noticed,
        "survivors": mutants - total,
        "equivalent": equivalent,
        "raw": total / max(mutants, 1),
        "score": total / max(mutants - equivalent, 1),
    }


def text() -> str:
    """Return the page of the published result."""
    return table(json.loads(RESULT.read_text(encoding="utf-8")))


def table(result: dict[str, Any]) -> str:
    """Return the page of a result whose survivors are explained."""

    def row(name: str, modules: dict[str, Any]) -> tuple[str, dict[str, Any]]:
        alike = sum(one["kind"] == "equivalent" for _, one in survivors_of({"modules": modules}))
        return name, counts(modules.values(), alike)

    rows = [row(f"`{name}`", {name: found}) for name, found in result["modules"].items() if found["mutants"]]
    whole = row("**all**", result["modules"])
    lines = [
        f"| {name} | {n['mutants']} | {' | '.join(str(n[who]) for who in NOTICED)} | {n['survivors']} | "
        f"{n['equivalent']} | {100 * n['raw']:.1f} | {100 * n['score']:.1f} |"
        for name, n in [*rows, whole]
    ]
    sections = [_section(module, found["survivors"]) for module, found in result["modules"].items()]
    return "\n".join([_head(result, whole[1]), *lines, "", _WORDS, *filter(None, sections)])


def _head(result: dict[str, Any], total: dict[str, Any]) -> str:
    versions = ", ".join(f"{package} {version}" for package, version in result["versions"].items())
    drawn = (
        "All mutants of each module were run."
        if result["sample"] is None
        else f"At most {result['sample']} mutants of each module were drawn uniformly, seed {result['seed']}."
    )
    columns = ("module", "mutants", *NOTICED, "survive", "equivalent", "raw, %", "score, %")
    return f"""# Mutation score of refms' own core

Written by `scripts/mutation_score.py` from `results/mutation_score.json`; do not edit by hand.

The modules that the mathematics stands on were changed in {total["mutants"]:,} small ways, one at a time.
The tests noticed {total["mutants"] - total["survivors"]:,} of these mutants: **{100 * total["raw"]:.1f} %**
of all, and **{100 * total["score"]:.1f} %** of those that are not proved equivalent to the original.

`{result["command"]}`, {result["date"]}, {result["machine"]}, {versions};
{result["tests"]:,} tests, {result["seconds"] / 60:.0f} minutes of one core. {drawn}

| {" | ".join(columns)} |
|{"---|" * len(columns)}"""


_WORDS = f"""\
A mutant is asked in three stages and leaves at the first that fails: the tests that mirror its module and
its doctests; the other tests of the core; `refms verify`, the catalogue of properties on refms' own adapter.
Of the tests only those that run the changed lines are asked. One that takes ten times its usual processor
time, and three seconds at least, has timed out, and counts as noticed.
Raw is noticed / mutants, score is noticed / (mutants − equivalent).
An earlier result that is brought up to date (`--again`) runs what survived in it, and all of the modules that
have changed since; what was noticed once counts on.

The mutants are those of mutmut's operators (numbers, strings, operators, comparisons, arguments replaced by
`None` or dropped, assignments, conditional expressions, …) at module level, in class bodies, decorators and
properties too, and three more: a condition negated, a call for its effect left out, a transposition left out.
Not mutated:

{RULES}

## Survivors

**Equivalent** means that no input tells the mutant from the original. **Harmless** means that the two differ,
but in nothing that is documented. **Mended**: a test that notices it was written after this run, in which it
counts as a survivor. Reasons are kept in `scripts/mutation/reasons.toml`; modules have here the
names, and survivors the lines, that they had when they were run.
"""


def _section(module: str, survivors: list[dict[str, Any]]) -> str:
    """Return the survivors of one module under their reasons."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for row in survivors:
        place = f"@@ line {row['line']}{', ' + row['function'] if row['function'] else ''}"
        change = f"{place}\n- {row['before']}\n+ {row['after']}"
        by_reason.setdefault((row["kind"], row["why"]), []).append(change)
    parts = [
        f"{kind.capitalize()}: {why}\n\n```diff\n{chr(10).join(changes)}\n```\n"
        for (kind, why), changes in by_reason.items()
    ]
    return "\n".join([f"### `{module}`\n", *parts]) if parts else ""
