"""Compare two versions of refms that take turns in one run: their speed, their memory, and what they train.

    python scripts/compare_versions.py OLD NEW [--seconds S] [--operations …] [--quick] [-o FILE]
    python scripts/compare_versions.py OLD NEW --same     # trainings of digits and of MNIST (REFMS_DATA)

OLD and NEW are checkouts, or Pythons that have one installed in place. Each version computes in a process of
its own that stays alive, by the benchmarks of its own checkout; ratios are new over old, of processor time,
pair by pair. Ends with 1 if a bound is exceeded.
"""

import argparse
import json
import resource
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from benchmarks.cases import SIZES
from benchmarks.operations import MODEL_TOLERANCE
from benchmarks.tables.memory import SIZE as DEEP
from versions import trainings
from versions.checkout import Checkout, Worker, checkout
from versions.pairs import SHORTEST, Ratio, alternated, ratio_of, verdicts
from versions.worker import OPERATIONS

DIGITS = ((4, 8, 2, 100), (8, 8, 2, 100))
"""(n, c, N, m) of small problems: the nets of digits.toml on both meshes."""

ENGINES, DTYPES = ("refms, NumPy", "refms, fast"), ("float64", "float32")
WEIGHED = ((*DEEP[:3], 1000), DEEP)
"""Sizes whose gradient is weighed: 64 layers."""

COMMANDS = {"python -c 'import refms'": ("-c", "import refms"), "refms --help": ("-m", "refms", "--help")}


def speeds(
    old: Checkout, new: Checkout, sizes: Iterable[Sequence[int]], options: argparse.Namespace
) -> Iterator[Ratio]:
    """Yield the ratio of every operation at every size, in both precisions, by both engines."""
    for size in sizes:
        for dtype in DTYPES:
            for engine in ENGINES:
                workers = old.worker(), new.worker()
                for name in options.operations:
                    make = {"name": name, "size": list(size), "dtype": dtype, "engine": engine}
                    found = operation_ratio(workers, make, options.seconds)
                    if found is not None:
                        yield found
                for worker in workers:
                    worker.end()


def operation_ratio(workers: tuple[Worker, Worker], make: dict[str, object], seconds: float) -> Ratio | None:
    """Return the ratio of one operation, once both versions compute the same."""
    what = "{name} {size} {dtype} {engine}".format(**make)
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder) / f"{which}.npy" for which in ("old", "new")]
        first = [worker.ask(make=make, save=str(file)) for worker, file in zip(workers, files, strict=True)]
        if None in first:
            print(f"{what}: not in both versions", flush=True)
            return None
        before, after = map(np.load, files)
    apart = np.linalg.norm(after - before) / (np.linalg.norm(before) * np.finfo(str(make["dtype"])).eps)
    if not apart <= bound(str(make["name"]), str(make["dtype"])):
        raise SystemExit(f"{what}: the versions compute other numbers, rho {apart:.3g}")
    repeats = max(1, round(SHORTEST / max(*first, 1e-6)))
    old, new = (lambda worker=worker: worker.ask(run=repeats) for worker in workers)
    return alternated(what, (old, new), seconds)


def bound(name: str, dtype: str) -> float:
    """Return by how many eps versions may differ: an iteration has 30 of CG, which enlarge one eps to 1e6."""
    return MODEL_TOLERANCE[dtype] / float(np.finfo(dtype).eps) if name == "bcd" else trainings.BOUND


def starts(old: Checkout, new: Checkout, seconds: float) -> list[Ratio]:
    """Return the ratios of starting whole processes."""

    def start(version: Checkout, words: tuple[str, ...]) -> Callable[[], float]:
        def spent() -> float:
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            version.run(words)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

        return spent

    return [
        alternated(what, (start(old, words), start(new, words)), seconds) for what, words in COMMANDS.items()
    ]


def weights(old: Checkout, new: Checkout, sizes: Iterable[Sequence[int]]) -> Iterator[Ratio]:
    """Yield the ratios of the peak memory of one gradient, by the table *memory* of each version."""
    for size in sizes:
        for dtype in DTYPES:
            arguments = {"size": list(size), "dtype": dtype}
            asked = json.dumps({"table": "memory", "arguments": arguments, "threads": 1})
            told = [
                version.run(["-W", "ignore", "-m", "benchmarks.child"], allocator="default", input=asked)
                for version in (old, new)
            ]
            before, after = (json.loads(text.splitlines()[-1])["peak"] / 2**20 for text in told)
            yield ratio_of(f"peak memory, MiB {list(size)} {dtype}", [(before, after)])


def shown(ratios: Iterable[Ratio]) -> list[Ratio]:
    """Print ratios as they come, and return them."""
    found = []
    for ratio in ratios:
        print(ratio, flush=True)
        found.append(ratio)
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Compare; return 1 if a bound is exceeded."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("old", metavar="OLD", type=checkout)
    parser.add_argument("new", metavar="NEW", type=checkout)
    parser.add_argument("--same", action="store_true", help="compare trainings in place of speed")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each ratio (default: 10)")
    parser.add_argument("--operations", nargs="+", choices=OPERATIONS, default=OPERATIONS)
    parser.add_argument("--quick", action="store_true", help="one size, and no large memory, for development")
    parser.add_argument("-o", "--output", type=Path, help="write the ratios to a JSON file, too")
    options = parser.parse_args(argv)
    old, new = options.old, options.new
    if options.same:
        found = trainings.compare(old, new)
    else:
        sizes, weighed = (SIZES[:1], WEIGHED[:1]) if options.quick else (SIZES, WEIGHED)
        large = shown(speeds(old, new, sizes, options))
        small = shown(speeds(old, new, DIGITS, options))
        others = shown([*starts(old, new, options.seconds), *weights(old, new, weighed)])
        found = verdicts(large, small)
        found += [(one.median <= 1.05, f"{one.what} {one.median:.3f} <= 1.05") for one in others]
        if options.output:
            rows = [asdict(one) for one in (*large, *small, *others)]
            options.output.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    for holds, sentence in found:
        print("PASS" if holds else "FAIL", sentence)
    return 0 if all(holds for holds, _ in found) else 1


if __name__ == "__main__":
    sys.exit(main())
