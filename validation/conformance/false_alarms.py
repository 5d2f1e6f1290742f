"""How often the kit fails what is right: the catalogue on correct implementations, on harsh random instances.

    python validation/conformance/false_alarms.py --instances 100000 --jobs 2 --force

Writes results/false_alarms.json (--force replaces it); scripts/make_pages.py makes FALSE_ALARMS.md of
it. With --journal FILE every finished lot is kept, and a run that was interrupted goes on where it was. Exit
code 1 if anything failed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
from populations import POPULATIONS, Lot, lots

from refms.cli.files import require_target
from refms.cli.streams import end_with
from refms.conformance import runner
from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import instances
from refms.conformance.instances.spread import SPREAD
from refms.conformance.properties import PROPERTIES
from refms.environment import made, versions
from refms.errors import FileError
from refms.io.files import atomic_write

TARGET = Path(__file__).resolve().parent / "results" / "false_alarms.json"
QUANTILES = (0.5, 0.9, 0.99, 0.999, 1.0)
EDGES = (0.01, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 300.0)
"""Ends of the histogram's bins; up to 30 passes, up to 300 is marginal."""

COUNTED = ("d", "boundary", "pair", "activation")
"""Attributes of instances whose values are counted."""


@dataclass
class Found:
    """What was found on one lot, or on several.

    Parameters
    ----------
    verdicts, kinds : Counter
        How many instances had which verdict, and which dimension, boundary, ….
    rhos : list of float
        ρ of the instances that are judged by it.
    worst : tuple of float and str
        The largest ρ, and where.
    alarms : list of str
        What did not pass.
    """

    verdicts: Counter[str] = field(default_factory=Counter)
    kinds: Counter[str] = field(default_factory=Counter)
    rhos: list[float] = field(default_factory=list)
    worst: tuple[float, str] = (-1.0, "")
    alarms: list[str] = field(default_factory=list)

    def add(self, other: Found) -> None:
        """Add what was found elsewhere."""
        self.verdicts += other.verdicts
        self.kinds += other.kinds
        self.rhos += other.rhos
        self.worst = max(self.worst, other.worst)
        self.alarms += other.alarms

    def to_dict(self) -> dict[str, Any]:
        """Return plain Python values, ready for JSON."""
        return vars(self) | {"verdicts": dict(self.verdicts), "kinds": dict(self.kinds)}

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> Found:
        """Return what :meth:`to_dict` told."""
        rho, where = told["worst"]
        verdicts, kinds = Counter[str](told["verdicts"]), Counter[str](told["kinds"])
        return cls(verdicts, kinds, told["rhos"], (rho, where), told["alarms"])


def examine(lot: Lot) -> Found:
    """Run one property on the instances of a lot."""
    population = next(one for one in POPULATIONS if one.name == lot.population)
    item = next(one for one in PROPERTIES if one.id == lot.law)
    gate = Gate(population.adapter(lot.dtype))
    found = Found()
    drawn = instances(item.domain, gate.profile, lot.count, lot.seed, population.spread, lot.first)
    for x in drawn[: lot.count]:
        try:
            outcome = runner.examine(gate, item, x)
        except NotImplementedError:
            found.verdicts["NOT IMPLEMENTED"] += 1
            continue
        found.verdicts[outcome.verdict] += 1
        found.kinds.update(f"{name}: {getattr(x, name)}" for name in COUNTED)
        where = f"{lot.population}, {x.describe()}"
        if outcome.rho is not None:
            found.rhos.append(float(f"{outcome.rho:.3g}"))
            found.worst = max(found.worst, (found.rhos[-1], where))
        if outcome.verdict != "PASS":
            found.alarms.append(f"{outcome.verdict} {lot.law}: {outcome.sentence} [{where}]")
    return found


def journalled(path: Path | None) -> dict[Lot, Found]:
    """Return the lots that an interrupted run has finished; a line cut short counts as not written."""
    done: dict[Lot, Found] = {}
    if path is None or not path.is_file():
        return done
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            told = json.loads(line)
        except json.JSONDecodeError:
            continue
        done[Lot(**told["lot"])] = Found.from_dict(told["found"])
    return done


def all_found(
    wanted: Sequence[Lot], jobs: int = 1, journal: Path | None = None, told: Any = None
) -> Iterator[tuple[Lot, Found]]:
    """Yield what is found on every lot, in order; equal for any number of processes."""
    done = journalled(journal)
    missing = [lot for lot in wanted if lot not in done]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        fresh: Iterable[Found] = map(examine, missing) if jobs == 1 else pool.map(examine, missing)
        for number, (lot, found) in enumerate(zip(missing, fresh, strict=True), start=1):
            done[lot] = found
            if journal is not None:
                with journal.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps({"lot": asdict(lot), "found": found.to_dict()}) + "\n")
            for line in found.alarms:
                print(line, file=told, flush=True)
            if number % max(1, len(missing) // 50) == 0:
                print(f"{number} of {len(missing)} lots", file=told, flush=True)
    yield from ((lot, done[lot]) for lot in wanted)


def summary(results: Iterable[tuple[Lot, Found]]) -> dict[str, Any]:
    """Return counts, and the distribution of ρ for every property and precision."""
    groups = {one.name: one.group for one in POPULATIONS}
    by_law: dict[str, dict[str, Found]] = {}
    by_group: dict[str, Counter[str]] = {}
    total = Found()
    for lot, found in results:
        by_law.setdefault(lot.law, {}).setdefault(lot.dtype, Found()).add(found)
        by_group.setdefault(groups[lot.population], Counter()).update(found.verdicts)
        total.add(found)
    bins = np.searchsorted(EDGES, total.rhos, side="left")
    return {
        "instances": sum(total.verdicts[name] for name in ("PASS", "MARGINAL", "FAIL")),
        "verdicts": dict(total.verdicts),
        "judged_by_rho": len(total.rhos),
        "groups": {name: dict(found) for name, found in by_group.items()},
        "kinds": dict(sorted(total.kinds.items())),
        "edges": EDGES,
        "histogram": np.bincount(bins, minlength=len(EDGES) + 1).tolist(),
        "exactly_zero": total.rhos.count(0.0),
        "properties": {
            item.id: {"title": item.title}
            | {dtype: _described(found) for dtype, found in by_law[item.id].items()}
            for item in PROPERTIES
            if item.id in by_law
        },
        "alarms": total.alarms,
    }


def _described(found: Found) -> dict[str, Any]:
    described: dict[str, Any] = {
        name: found.verdicts[name] for name in ("PASS", "MARGINAL", "FAIL", "NOT IMPLEMENTED")
    }
    if found.rhos:
        quantiles = np.quantile(found.rhos, QUANTILES, method="higher")
        described |= {"rho": [float(f"{q:.3g}") for q in quantiles], "worst": found.worst[1]}
    return described


def main(words: Sequence[str] | None = None) -> int:
    """Run the study and write its result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--instances", type=int, default=100_000, metavar="N", help="at least so many")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes")
    parser.add_argument("--only", metavar="ID,…", help="these properties alone")
    parser.add_argument(
        "--journal", type=Path, metavar="FILE", help="keep finished lots here, and go on from it"
    )
    parser.add_argument("-o", "--output", type=Path, default=TARGET, metavar="FILE")
    parser.add_argument("--force", action="store_true", help="replace FILE if it exists")
    given = parser.parse_args(words)
    given.output.parent.mkdir(parents=True, exist_ok=True)
    try:
        require_target(str(given.output), force=given.force)
    except FileError as error:
        print(f"false_alarms: {error}", file=sys.stderr)
        return 2
    ids = None if given.only is None else set(given.only.split(","))
    chosen = [item for item in PROPERTIES if ids is None or item.id in ids]
    found = summary(
        all_found(lots(given.instances, given.seed, chosen), given.jobs, given.journal, sys.stderr)
    )
    found = {
        **made(),
        "versions": versions(),
        "blas_threads": os.environ.get("OPENBLAS_NUM_THREADS", "not set"),
        "command": {"instances": given.instances, "seed": given.seed, "jobs": given.jobs},
        "spread": asdict(SPREAD),
        **found,
    }
    with atomic_write(given.output, overwrite=given.force) as temporary:
        temporary.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    counts = found["verdicts"]
    print(f"{found['instances']} instances: " + ", ".join(f"{n} {name}" for name, n in counts.items()))
    return 1 if counts.get("FAIL") else 0


if __name__ == "__main__":
    end_with(main)
