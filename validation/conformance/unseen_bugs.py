"""Plant bugs that the kit has not seen in a right implementation, and see which tier finds them.

    python validation/conformance/unseen_bugs.py --as now --tiers quick --jobs 2 --force

Implementation and table of bugs lie in ``unseen/``. Each bug is planted by itself, in a process of its own
with a limit on processor time. In tier quick all properties are run that call what was changed, those of the
bug's own operation first; in other tiers those of its own operation. A run ends with the first FAIL; single
precision, and the next tier, are for what survives. Writes one of two runs of results/unseen_bugs.json:
``first``, of the kit as it was when the table was written, or ``now``. scripts/make_pages.py makes UNSEEN.md
of both. With --journal FILE every finished bug is kept, and a run that was interrupted goes on where it was.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import resource
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from refms.conformance import PROPERTIES, Problem, runner
from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import instances_in_tier
from refms.environment import made, versions
from refms.io.files import atomic_write
from refms.names import DTYPES

FOLDER = Path(__file__).resolve().parent / "unseen"
TARGET = Path(__file__).resolve().parent / "results" / "unseen_bugs.json"

SECONDS = {"quick": 120, "full": 900, "torture": 1800}
"""Processor time of one bug in one precision; a bug that takes longer is found."""

Bug = dict[str, Any]
Sources = Mapping[str, str]


def bugs() -> list[Bug]:
    """Return the table."""
    return list(tomllib.loads((FOLDER / "bugs.toml").read_text(encoding="utf-8"))["bug"])


def sources() -> dict[str, str]:
    """Return the text of every module of the implementation."""
    return {file.stem: file.read_text(encoding="utf-8") for file in FOLDER.glob("*.py")}


def edits(bug: Bug) -> list[list[str]]:
    """Return the old and new texts of a bug."""
    return [[bug["old"], bug["new"]], *bug.get("also", [])]


def planted(right: Sources, bug: Bug) -> dict[str, str]:
    """Return the modules with a bug in one of them; each old text must occur once."""
    text = right[bug["where"]]
    for old, new in edits(bug):
        if text.count(old) != 1:
            raise ValueError(f"{bug['id']}: {old!r} occurs {text.count(old)} times in {bug['where']}.py")
        text = text.replace(old, new)
    return {**right, bug["where"]: text}


def pieces(right: Sources) -> dict[str, tuple[ast.stmt, str]]:
    """Return all definitions by ``module.name``, the adapter's methods too, and the text of their modules."""
    found: dict[str, tuple[ast.stmt, str]] = {}
    for module, text in right.items():
        for node in ast.parse(text).body:
            inside = node.body if module == "adapter" and isinstance(node, ast.ClassDef) else [node]
            for one in inside:
                if isinstance(one, ast.FunctionDef | ast.ClassDef):
                    found[f"{module}.{one.name}"] = one, text
                elif isinstance(one, ast.Assign):
                    names = {
                        name.id
                        for target in one.targets
                        for name in ast.walk(target)
                        if isinstance(name, ast.Name)
                    }
                    found |= {f"{module}.{name}": (one, text) for name in names}
    return found


def mentioned(piece: str, node: ast.stmt, right: Sources, known: set[str]) -> set[str]:
    """Return the definitions that a definition mentions; ``self.network`` is the class of that module."""
    module = piece.split(".")[0]
    imported = {
        alias.asname or alias.name: alias.name
        if one.module == "unseen"
        else f"{str(one.module)[7:]}.{alias.name}"
        for one in ast.parse(right[module]).body
        if isinstance(one, ast.ImportFrom) and str(one.module).startswith("unseen")
        for alias in one.names
    }
    found = set()
    for one in ast.walk(node):
        if isinstance(one, ast.Name):
            found |= {f"{module}.{one.id}", imported.get(one.id, "")}
        elif isinstance(one, ast.Attribute):
            owner = one.value.id if isinstance(one.value, ast.Name) else ""
            found |= {
                f"{imported.get(owner, '')}.{one.attr}",
                "network.Network" if one.attr == "network" else "",
            }
    return found & known


def affected(right: Sources, bug: Bug) -> set[str]:
    """Return the operations whose code mentions, at any remove, a definition that a bug changes."""
    known = pieces(right)
    uses = {piece: mentioned(piece, node, right, {*known}) for piece, (node, _) in known.items()}
    changed = {
        piece
        for piece, (node, text) in known.items()
        if piece.startswith(f"{bug['where']}.") and touches(bug, node, text)
    }
    while new := {piece for piece, used in uses.items() if used & changed} - changed:
        changed |= new
    methods = {piece.split(".")[1] for piece in changed if piece.startswith("adapter.")}
    return {bug["operation"], *methods} - {"__init__"}


def touches(bug: Bug, node: ast.stmt, text: str) -> bool:
    """Return whether a bug changes something between the first and the last line of a definition."""
    first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
    spans = []
    for old, _ in edits(bug):
        begins = text[: text.index(old)].count("\n") + 1 + (len(old) - len(old.lstrip("\n")))
        spans.append((begins, begins + old.strip("\n").count("\n")))
    return any(begins <= (node.end_lineno or first) and ends >= first for begins, ends in spans)


def ordered(operations: set[str], first: str) -> list[Any]:
    """Return the properties that call one of the operations, those of ``first`` and cheap ones first."""
    concerned = [item for item in PROPERTIES if operations & {*item.operations}]
    return sorted(concerned, key=lambda item: (first not in item.needs, bool(item.uses), item.cost))


def loaded(modules: Sources) -> Any:
    """Return the adapter's class of these modules; what is loaded of others stays as it is."""
    before = {name: sys.modules.pop(name) for name in [*sys.modules] if name.partition(".")[0] == "unseen"}
    with tempfile.TemporaryDirectory() as folder:
        package = Path(folder) / "unseen"
        package.mkdir()
        for name, text in modules.items():
            (package / f"{name}.py").write_text(text, encoding="utf-8")
        sys.path.insert(0, folder)
        try:
            return importlib.import_module("unseen.adapter").Unseen
        finally:
            sys.path.remove(folder)
            for name in [*sys.modules]:
                if name.partition(".")[0] == "unseen":
                    del sys.modules[name]
            sys.modules.update(before)


def hunt(modules: Sources, operations: set[str], first: str, tier: str, dtype: str, explain: bool) -> Any:
    """Return the first failure of an implementation, None if there is none; in this process."""
    gate, marginal = Gate(loaded(modules)(dtype)), ""
    for item in ordered(operations, first):
        for case in instances_in_tier(item, gate.profile, tier, 0):
            outcome = runner.examine(gate, item, case)
            if outcome.verdict == "FAIL":
                found = {"property": item.id, "case": case.describe(), "sentence": outcome.sentence}
                return found | (told(gate, item, tier) if explain else {})
            if outcome.verdict == "MARGINAL":
                marginal = item.id
    return {"marginal": marginal} if marginal else None


def witnessed(modules: Sources, code: str) -> list[Any]:
    """Return what a witness, statements that set ``found``, gets of an implementation ``A``."""
    names: dict[str, Any] = {"A": loaded(modules)("float64"), "np": np, "Problem": Problem, "draw": draw}
    with np.errstate(all="ignore"):
        exec(code, names)  # the code stands in survivors.toml
    found = names["found"]
    return [np.asarray(one).tolist() for one in (found.values() if isinstance(found, dict) else [found])]


def draw(*shape: int, seed: int = 0) -> Any:
    """Return random numbers for a witness."""
    return np.random.default_rng(seed).standard_normal(shape)


def told(gate: Gate, item: Any, tier: str) -> dict[str, Any]:
    """Return what the kit's report says of a property that fails."""
    row = runner.check_property(gate, item, tier, 0)
    return {
        "operation": row.operation,
        "where": row.where,
        "mistakes": list(row.mistakes),
        "certain": row.certain,
    }


def in_child(answer: Connection, seconds: int, *task: Any) -> None:
    """Send what :func:`hunt` finds, within a limit on processor time."""
    sys.dont_write_bytecode = True
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    try:
        answer.send(hunt(*task))
    except Exception as error:
        answer.send({"property": "", "case": "", "sentence": f"{type(error).__name__}: {error}"})


def in_process(tier: str, *task: Any) -> Any:
    """Return what :func:`hunt` finds in a process of its own."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["refms.conformance.runner"])
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=in_child, args=(theirs, SECONDS[tier], *task))
    child.start()
    theirs.close()
    try:
        return ours.recv()
    except EOFError:
        child.join()
        return {"property": "", "case": "", "sentence": f"the process ended with {child.exitcode}"}
    finally:
        child.join()


def meet(right: Sources, bug: Bug, tiers: list[str], explain: bool) -> dict[str, Any]:
    """Return in which tier a bug is found, and how."""
    modules, operations, marginal = planted(right, bug), affected(right, bug), ""
    start = time.perf_counter()
    for tier in tiers:
        called = operations if tier == "quick" else {bug["operation"]}
        for dtype in DTYPES:
            found = in_process(tier, modules, called, bug["operation"], tier, dtype, explain)
            if found and "property" in found:
                return {"tier": tier, "dtype": dtype, **found, "affected": sorted(operations)}
            marginal = (found or {}).get("marginal", marginal)
    return {"tier": "", "marginal": marginal, "seconds": round(time.perf_counter() - start)}


def journalled(path: Path | None) -> dict[str, Any]:
    """Return what an interrupted run has found."""
    if path is None or not path.is_file():
        return {}
    return dict(json.loads(line) for line in path.read_text(encoding="utf-8").splitlines())


def all_met(chosen: list[Bug], given: argparse.Namespace) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every bug with what was found of it, in order."""
    right, done = sources(), journalled(given.journal)
    missing = [bug for bug in chosen if bug["id"] not in done]
    with ThreadPoolExecutor(given.jobs) as pool:
        work = (pool.submit(meet, right, bug, given.tiers.split(","), given.explain) for bug in missing)
        waiting = dict(zip((bug["id"] for bug in missing), list(work), strict=True))
        for bug in chosen:
            found = done.get(bug["id"]) or waiting[bug["id"]].result()
            if bug["id"] not in done and given.journal is not None:
                with given.journal.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps([bug["id"], found], ensure_ascii=False) + "\n")
            yield bug["id"], found


def main(words: list[str] | None = None) -> int:
    """Meet all bugs, write the result and print who survives."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--as", dest="name", choices=("first", "now"), default="now", help="which run this is"
    )
    parser.add_argument("--only", default="", metavar="ID,…", help="these bugs alone; nothing is written")
    parser.add_argument("--tiers", default="quick,full,torture", metavar="TIER,…")
    parser.add_argument(
        "--explain", action="store_true", help="also what the report says where a property fails"
    )
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--journal", type=Path, metavar="FILE")
    parser.add_argument("--force", action="store_true", help="replace that run in the result")
    given = parser.parse_args(words)
    result = json.loads(TARGET.read_text(encoding="utf-8")) if TARGET.is_file() else {}
    if given.name in result and not (given.force or given.only):
        parser.error(f"{TARGET.name} has a run {given.name!r}; --force replaces it")
    wanted = given.only.split(",") if given.only else []
    chosen = [bug for bug in bugs() if not wanted or bug["id"] in wanted]
    found = {}
    for name, what in all_met(chosen, given):
        found[name] = what
        how = [what["tier"] or "survives", what.get("property", ""), what.get("sentence", "")[:80]]
        print(f"{name}: {' '.join(how)}", flush=True)
    if not wanted:
        about = made() | {"versions": versions()}
        result[given.name] = about | {"tiers": given.tiers.split(","), "bugs": found}
        with atomic_write(TARGET, overwrite=True) as part:
            part.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
