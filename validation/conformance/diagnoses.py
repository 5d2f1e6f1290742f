"""How often a failure is told where it comes up, and which mistake it is: the mutants, whole and in corners.

    python validation/conformance/diagnoses.py --force

Writes results/diagnoses.json (--force replaces it). Every mutant meets the cheap properties that kill it, at
most two. Named is who fails in all the instances of tier quick and those beyond it; and once more by those
who do not know the mistakes of its family, who ought to give no name. A corner version is wrong only where
one of the conditions below holds, or two of them, in pairs drawn for each mutant; its rule is searched as
that of any failure is, without a limit on time. A rule is false if of 200 other instances one that fails lies
outside of it, and it is the corner if none that lies inside of it lies outside the corner.
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import combinations, islice
from pathlib import Path
from typing import Any

from refms.cli.files import require_target
from refms.cli.streams import end_with
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.explanation import FURTHER, MOST_FAILURES
from refms.conformance.instances.domain import Instance, instances
from refms.conformance.instances.rules import axes_of, best_rule, statements
from refms.conformance.instances.search import search
from refms.conformance.mutants import MUTANTS, Mutant
from refms.conformance.mutants.diagnosis import Diagnosis, diagnose
from refms.conformance.properties import PROPERTIES
from refms.conformance.property import Property
from refms.conformance.reproduction.calls import watch
from refms.environment import made, versions
from refms.errors import FileError
from refms.io.files import atomic_write
from refms.names import TIERS

TARGET = Path(__file__).resolve().parent / "results" / "diagnoses.json"

PROPERTIES_OF_EACH = 2
"""So many properties that kill a mutant are asked for its name; the first is asked where it is."""

SEEN, FRESH = TIERS["quick"] + FURTHER, 200
"""Instances from which a rule is found, and others on which it must be true."""

PAIRS_OF_EACH = 10
"""Pairs of corners that are drawn for each mutant."""

LEAST = 3
"""A corner in which fewer instances fail is none."""

CORNERS: dict[str, Callable[[Instance], bool]] = {
    "m = 1": lambda x: x.examples == 1,
    "m > 1": lambda x: x.examples > 1,
    "d = 1": lambda x: x.d == 1,
    "d = 2": lambda x: x.d == 2,
    "d = 3": lambda x: x.d == 3,
    "n odd": lambda x: any(n % 2 for n in x.grid),
    "n even": lambda x: all(n % 2 == 0 for n in x.grid),
    "boundary = zero": lambda x: x.boundary == "zero",
    "c_in = c_out": lambda x: x.c_in == x.c_out,
    "c_in ≠ c_out": lambda x: x.c_in != x.c_out,
    "n_K = 3": lambda x: max(x.stencil) == 3,
    "n_K > n": lambda x: any(k > n for k, n in zip(x.stencil, x.grid, strict=True)),
    "N = 1": lambda x: x.layers == 1,
    "unequal n": lambda x: len(set(x.grid)) > 1,
}


def names(mutant: Mutant, item: Property) -> tuple[str, str] | None:
    """Return whether a mutant is called by its name, by another, by several or by none; None if it passes.

    Secondly, what it is called by those who know no mistakes of its family.
    """
    gate = Gate(mutant.around(ReferenceAdapter()))
    seen = (watch(gate, item, x) for x in instances(item.domain, gate.profile, SEEN, 0))
    failing = [one.calls for one in seen if one.fails][:MOST_FAILURES]
    if not failing:
        return None
    strangers = [one for one in MUTANTS if one.family != mutant.family]
    return tuple(
        _called(diagnose(failing, ReferenceAdapter(), known), mutant) for known in (MUTANTS, strangers)
    )


def _called(found: Diagnosis, mutant: Mutant) -> str:
    if found.certain:
        return "named" if found.mistakes[0] == mutant.name else "another name"
    return "among the nearest" if mutant.name in found.mistakes else "not told"


def rules(mutant: Mutant, item: Property, pairs: Sequence[tuple[str, ...]]) -> Iterator[tuple[int, str, str]]:
    """Yield for single corners and some pairs the number of conditions, what the rule is, both in words."""
    gate = Gate(mutant.around(ReferenceAdapter()))
    seen = instances(item.domain, gate.profile, SEEN, 0)
    fresh = instances(item.domain, gate.profile, FRESH, 1)
    fails = functools.cache(lambda x: watch(gate, item, x).fails)
    for corner in [*((name,) for name in CORNERS), *pairs]:

        def lies(x: Instance, corner: Sequence[str] = corner) -> bool:
            return all(CORNERS[name](x) for name in corner)

        def wrong(x: Instance, lies: Callable[[Instance], bool] = lies) -> bool:
            return lies(x) and fails(x)

        if not LEAST <= sum(map(wrong, seen)) < len(seen):
            continue
        found = [(x, wrong(x)) for x in seen[: TIERS["quick"]]]
        tried = [*found, *search(found, seen, wrong, item.domain, gate.profile)]
        rule = best_rule([(axes_of(x), not bad) for x, bad in tried])
        if rule is None:
            yield len(corner), "none", " and ".join(corner)
            continue
        stated = statements([axes_of(x) for x in (*fresh, *(x for x, _ in tried))])
        told = [all(stated[text] >> k & 1 for text in rule.conditions) for k in range(len(fresh))]
        false = any(wrong(x) and not said for x, said in zip(fresh, told, strict=True))
        wide = any(said and not lies(x) for x, said in zip(fresh, told, strict=True))
        what = "false" if false else "wider than the corner" if wide else "the corner"
        yield len(corner), what, f"{' and '.join(corner)}: {rule}"


def study(mutants: Sequence[Mutant], told: Any = None) -> dict[str, Any]:
    """Return the counts over all mutants, with what was not told rightly."""
    named, by_strangers = Counter[str](), Counter[str]()
    found: dict[int, Counter[str]] = {1: Counter(), 2: Counter()}
    slips = []
    for number, mutant in enumerate(mutants, start=1):
        touched = [item for item in PROPERTIES if item.cost == 1 and set(item.needs) & set(mutant.changes)]
        told_of = ((item, what) for item in touched if (what := names(mutant, item)) is not None)
        killing = list(islice(told_of, PROPERTIES_OF_EACH))
        for item, (what, told_by_strangers) in killing:
            named[what] += 1
            by_strangers[told_by_strangers] += 1
            slips += [f"{mutant.name}, {item.id}: {what}"] * (what != "named")
            slips += [f"{mutant.name}, {item.id}: {told_by_strangers} by strangers"] * (
                told_by_strangers == "another name"
            )
        drawn = random.Random(number).sample([*combinations(CORNERS, 2)], PAIRS_OF_EACH)
        for size, what, words in rules(mutant, killing[0][0], drawn) if killing else ():
            found[size][what] += 1
            slips += [f"{mutant.name}, {killing[0][0].id}, {words}"] * (what == "false")
        if number % 20 == 0:
            print(f"{number} of {len(mutants)} mutants", file=told, flush=True)
    return {
        "names": dict(named),
        "names without the family": dict(by_strangers),
        "rules of one condition": dict(found[1]),
        "rules of two conditions": dict(found[2]),
        "slips": slips,
    }


def main(words: Sequence[str] | None = None) -> int:
    """Run the study, write its result and print the rates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=1, metavar="N", help="every N-th mutant alone")
    parser.add_argument("-o", "--output", type=Path, default=TARGET, metavar="FILE")
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
    given = parser.parse_args(words)
    try:
        require_target(str(given.output), force=given.force)
    except FileError as error:
        print(f"diagnoses: {error}", file=sys.stderr)
        return 2
    found = {
        **made(),
        "versions": versions(),
        "command": {"every": given.every},
        **study(MUTANTS[:: given.every], sys.stderr),
    }
    with atomic_write(given.output, overwrite=given.force) as temporary:
        temporary.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    for title in ("names", "names without the family", "rules of one condition", "rules of two conditions"):
        total = math.fsum(found[title].values())
        print(
            title, *(f"{what}: {n} ({100 * n / total:.1f} %)" for what, n in found[title].items()), sep="\n  "
        )
    return 0


if __name__ == "__main__":
    end_with(main)
