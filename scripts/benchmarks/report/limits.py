"""What limits the Gauss–Newton product: its convolutions timed alone, and the work counted."""

from typing import Any

from benchmarks.cases import Case
from benchmarks.report.markdown import digits, table, words
from benchmarks.tables.gpu import least_bytes

ROUTES = ("refms, fast", "refms, NumPy")


def section(network: dict[str, Any], convolution: dict[str, Any]) -> str:
    """Return how much of a product its convolutions alone would take."""
    alone = {_key(row): row["result"]["ways"] for row in convolution["rows"]}
    lines: dict[tuple[str, str, str], list[str]] = {}
    for row in network["rows"]:
        specification = row["specification"]
        if (specification.get("threads"), specification.get("allocator")) == (1, "tuned"):
            product = row["result"]["operations"].get("product", {})
            for route in (name for name in ROUTES if name in product):
                if _key(row) in alone:  # the first run of a size that is measured in parts
                    line = _line(row, route, product[route]["cpu"][1], alone[_key(row)])
                    lines.setdefault((*_key(row), route), line)
    head = ["n, c, N, m", "", "route", "GF", "GB", "convolutions alone, ms", "product, ms", "share", "GB/s"]
    return words("limits") + table(head, lines.values())


def _key(row: dict[str, Any]) -> tuple[str, str]:
    arguments = row["specification"]["arguments"]
    return ", ".join(map(str, arguments["size"])), arguments["dtype"]


def _line(row: dict[str, Any], route: str, seconds: float, ways: dict[str, Any]) -> list[str]:
    size, dtype = _key(row)
    case = Case(*row["specification"]["arguments"]["size"], dtype)

    def one(name: str) -> float:
        return float(ways[f"{route}: {name}"]["cpu"][1])

    total = (
        (2 * case.layers - 1) * one("K(s) y")
        + (case.layers - 1) * one("K(s)ᵀ z and stencil gradient")
        + one("stencil gradient")
    )
    return [
        size,
        dtype,
        route.removeprefix("refms, "),
        digits(2 * case.counted("product") / 1e9),
        digits(least_bytes(case) / 1e9, 2),
        digits(1e3 * total),
        digits(1e3 * seconds),
        f"{100 * total / seconds:.0f} %",
        digits(least_bytes(case) / 1e9 / seconds, 2),
    ]
