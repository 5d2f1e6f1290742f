"""The section of the network: times by operation, shares of the matrix product's rate, memory."""

from dataclasses import dataclass
from typing import Any

from benchmarks.cases import Case
from benchmarks.gemm import MATRIX_PRODUCT, gemm_rate
from benchmarks.operations import CG_ITERATIONS, OPERATIONS
from benchmarks.report.markdown import NOTHING, digits, milliseconds, table, words

TITLES = {
    "forward": "Forward: value of the objective",
    "gradient": "Gradient (with the value)",
    "product": "Gauss–Newton product, linearised beforehand",
    "joint": "Gauss–Newton product for all unknowns, those of the classifier included",
    "step": "Gauss–Newton step: gradient, linearisation, {} CG iterations",
}
PRODUCTS = ("product", "joint", "step")
"""Operations that PyTorch's engines do each in their own way."""

AUTOGRAD = "torch.func jvp + vjp"
OWN_GRADIENT = {
    "torch, linearised once": AUTOGRAD,
    "curvlinops": AUTOGRAD,
    "BackPACK": AUTOGRAD,
    "JAX jit, linearised once": "JAX jit",
}
"""Whose gradient is the unit of an engine that has none of its own."""

Result = dict[str, Any]


def section(record: dict[str, Any]) -> str:
    """Return the text between two headings of second order."""
    rows = record["rows"]
    timed = [row for row in rows if "weigh" not in row["specification"]["arguments"]]
    weighed = [row for row in rows if "weigh" in row["specification"]["arguments"]]
    iterations = timed[0]["specification"]["arguments"].get("iterations", CG_ITERATIONS)
    parts = [words("network").removesuffix("\n")]
    for operation in OPERATIONS:
        parts.append(f"### {TITLES[operation].format(iterations)}\n")
        parts += filter(None, (times(operation, group) for group in groups(timed)))
    parts += [rates(groups(timed)), speed_up(groups(timed)), weights(weighed), remarks(timed)]
    return "\n".join(filter(None, parts))


@dataclass(frozen=True)
class Group:
    """Results of one precision, number of threads and allocator, by size; large sizes have several."""

    dtype: str
    threads: int
    allocator: str
    by_size: dict[str, list[Result]]

    @property
    def clock(self) -> str:
        """Which time is quoted."""
        return "cpu" if self.threads == 1 else "wall"

    @property
    def caption(self) -> str:
        """What stands above a table."""
        many = "one thread, processor time" if self.threads == 1 else f"{self.threads} threads, wall time"
        return f"{self.dtype}, {many}, allocator {self.allocator}"


def groups(rows: list[dict[str, Any]]) -> list[Group]:
    """Return the results in groups, in the order in which they were measured."""
    found: dict[tuple[str, int, str], dict[str, list[Result]]] = {}
    for row in rows:
        specification = row["specification"]
        key = specification["arguments"]["dtype"], specification["threads"], specification["allocator"]
        found.setdefault(key, {}).setdefault(_size(row), []).append(row["result"])
    return [Group(*key, by_size) for key, by_size in found.items()]


def times(operation: str, group: Group) -> str:
    """Return the table of one operation under one setting."""
    by_size = {
        size: results
        for size, results in group.by_size.items()
        if any(operation in result["operations"] for result in results)
    }
    rows = [
        [name if name != AUTOGRAD or operation in PRODUCTS else "torch, autograd"]
        + [cell(operation, name, group.clock, results) for results in by_size.values()]
        for name in _names(operation, group)
    ]
    if not rows:
        return ""
    return f"{group.caption}:\n\n" + table(["ms, speed", *by_size], rows)


def cell(operation: str, name: str, clock: str, results: list[Result]) -> str:
    """Return what an engine did at one size; compared within the process that it ran in."""
    for result in results:
        found = result["operations"].get(operation, {})
        if name not in found:
            continue
        unit = found.get(AUTOGRAD if operation in ("forward", "gradient") else "curvlinops")
        text = milliseconds(found[name], clock)
        if unit is not None:
            text += f", {digits(unit[clock][1] / found[name][clock][1], 2)}×"
        gradient = result["operations"].get("gradient", {}).get(OWN_GRADIENT.get(name, name))
        if operation in PRODUCTS and gradient is not None:
            text += f", {digits(found[name][clock][1] / gradient[clock][1], 2)} g"
        return text
    return NOTHING


def rates(found: list[Group]) -> str:
    """Return the share of the matrix product's rate that the counted convolutions alone make up."""
    parts = []
    for group in found:
        lines = []
        for name in _names("product", group):
            if name.startswith("refms") or "by hand" in name:
                lines += [
                    [
                        f"{name}: {operation}",
                        *(_share(operation, name, group, size) for size in group.by_size),
                    ]
                    for operation in ("forward", "gradient", "product")
                ]
        peaks = [
            digits(group.threads * gemm_rate(_of(results, "product")[MATRIX_PRODUCT], group.clock) / 1e9)
            for results in group.by_size.values()
        ]
        lines.append(["matrix product 1024×1024, GF/s", *peaks])
        parts.append(f"{group.caption}:\n\n" + table(["GF/s, share", *group.by_size], lines))
    return words("network_rates") + "\n".join(parts)


def speed_up(found: list[Group]) -> str:
    """Return how much less wall time two threads take than one."""
    one = {(group.dtype, group.allocator): group for group in found if group.threads == 1}
    parts = []
    for group in found:
        alone = one.get((group.dtype, group.allocator))
        if group.threads == 1 or alone is None:
            continue
        lines = []
        for name in _names("product", group):
            cells = []
            for size in group.by_size:
                before, after = (_wall(name, which.by_size.get(size, [])) for which in (alone, group))
                cells.append(digits(before / after, 3) if before and after else NOTHING)
            lines.append([name, *cells])
        head = [f"{group.dtype}, wall time of one over {group.threads} threads", *group.by_size]
        parts.append(table(head, lines))
    if not parts:
        return ""
    return words("network_threads") + "\n".join(parts)


def weights(rows: list[dict[str, Any]]) -> str:
    """Return the table of peak memory."""
    if not rows:
        return ""
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for row in rows:
        arguments, result = row["specification"]["arguments"], row["result"]
        operation, name = arguments["weigh"]
        text = f"{(result['peak'] - result['before']) / 2**20:.0f}, {result['peak'] / 2**20:.0f}"
        found.setdefault((operation, arguments["dtype"], name), {})[_size(row)] = text
    sizes = list(dict.fromkeys(_size(row) for row in rows))
    lines = [
        [f"{operation}, {dtype}", "torch, autograd" if (operation, name) == ("gradient", AUTOGRAD) else name]
        + [cells.get(size, NOTHING) for size in sizes]
        for (operation, dtype, name), cells in sorted(found.items(), key=lambda item: item[0][:2])
    ]
    return words("network_memory") + table(["", "MiB: more, all", *sizes], lines)


def remarks(rows: list[dict[str, Any]]) -> str:
    """Return what was missing, what the engines by hand chose, and how far results were apart."""
    lines = []
    for family, reason in {item for row in rows for item in row["result"]["missing"].items()}:
        lines.append(f"* {family} was not measured: {reason}.")
    largest = max(
        (one["rho"], name, operation)
        for row in rows
        for operation, engines in row["result"]["operations"].items()
        if operation != "step"
        for name, one in engines.items()
    )
    lines.append(f"* Results agree: ρ is {largest[0]:.2g} at most ({largest[1]}, {largest[2]}).")
    rounds = [
        one["rounds"]
        for row in rows
        for found in row["result"]["operations"].values()
        for one in found.values()
    ]
    lines.append(f"* Rounds: {min(rounds)} to {max(rounds)}.")
    return words("network_remarks", measured="\n".join(lines)).removesuffix("\n")


def _share(operation: str, name: str, group: Group, size: str) -> str:
    for result in group.by_size[size]:
        one = result["operations"].get(operation, {}).get(name)
        if one is not None:
            rate = 2 * Case(*_numbers(size), group.dtype).counted(operation) / one[group.clock][1]
            peak = group.threads * gemm_rate(_of([result], operation)[MATRIX_PRODUCT], group.clock)
            return f"{digits(rate / 1e9)}, {100 * rate / peak:.0f} %"
    return NOTHING


def _of(results: list[Result], operation: str) -> Result:
    found: Result = results[0]["operations"][operation]
    return found


def _wall(name: str, results: list[Result]) -> float | None:
    for result in results:
        if name in result["operations"].get("product", {}):
            return float(result["operations"]["product"][name]["wall"][1])
    return None


def _names(operation: str, group: Group) -> list[str]:
    results = [result for results in group.by_size.values() for result in results]
    found = (result["operations"].get(operation, {}) for result in results)
    names = dict.fromkeys(name for engines in found for name in engines)
    return [name for name in names if name != MATRIX_PRODUCT]


def _size(row: dict[str, Any]) -> str:
    return ", ".join(map(str, row["specification"]["arguments"]["size"]))


def _numbers(size: str) -> tuple[int, int, int, int]:
    n, channels, layers, examples = map(int, size.split(", "))
    return n, channels, layers, examples
