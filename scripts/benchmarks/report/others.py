"""The sections of the tables that have one table each."""

from typing import Any

from benchmarks.gemm import MATRIX_PRODUCT, gemm_rate
from benchmarks.report.markdown import NOTHING, digits, milliseconds, table, words


def bcd(record: dict[str, Any]) -> str:
    """Return milliseconds of an iteration, and speed relative to the one built from curvlinops."""
    rows = record["rows"]
    names = list(dict.fromkeys(name for row in rows for name in row["result"]["engines"]))
    head = ["ms, speed", *(f"{_size(row)}, {_arguments(row)['dtype']}" for row in rows)]
    lines = []
    for name in names:
        cells = []
        for row in rows:
            found = row["result"]["engines"]
            unit = found.get("curvlinops")
            text = milliseconds(found.get(name))
            if unit is not None and name in found:
                text += f", {digits(unit['cpu'][1] / found[name]['cpu'][1], 2)}×"
            cells.append(text)
        lines.append([name, *cells])
    return words("bcd") + table(head, lines)


def iteration(record: dict[str, Any]) -> str:
    """Return seconds, CG iterations and work of each block in each iteration."""
    lines = []
    for row in record["rows"]:
        arguments, result = _arguments(row), row["result"]
        place = f"{arguments['examples']:,} images, threads: {arguments['threads']}"
        peak = f"{result['peak'] / 2**30:.2f}"
        steps = result["steps"]
        for number in dict.fromkeys(step["iteration"] for step in steps):
            own = [step for step in steps if step["iteration"] == number]
            for block in dict.fromkeys(step["block"] for step in own):
                of_block = [step for step in own if step["block"] == block]
                sums = {
                    key: sum(step[key] for step in of_block)
                    for key in ("seconds", "cg", "evaluations", "work")
                }
                lines.append(
                    [
                        place,
                        f"{number}, {block}",
                        str(len(of_block)),
                        str(sums["cg"]),
                        str(sums["evaluations"]),
                        digits(sums["work"]),
                        digits(sums["seconds"]),
                        peak,
                    ]
                )
                place = peak = ""
            total = digits(sum(step["seconds"] for step in own))
            lines.append(["", f"**{number}, all**", "", "", "", "", f"**{total}**", ""])
    head = ["", "iteration, block", "steps", "CG iterations", "evaluations", "work", "s", "peak, GiB"]
    return words("iteration") + table(head, lines)


def convolution(record: dict[str, Any]) -> str:
    """Return milliseconds, rates and shares."""
    rows = record["rows"]
    names = list(dict.fromkeys(name for row in rows for name in row["result"]["ways"]))
    names.remove(MATRIX_PRODUCT)
    lines = []
    for name in names:
        cells = []
        for row in rows:
            result = row["result"]
            one = result["ways"].get(name)
            if one is None:
                cells.append(NOTHING)
                continue
            convolutions = 2 if " and " in name else 1
            rate = 2 * convolutions * result["multiply_adds"] / one["cpu"][1]
            share = 100 * rate / gemm_rate(result["ways"][MATRIX_PRODUCT])
            cells.append(f"{milliseconds(one)}, {digits(rate / 1e9)}, {share:.0f} %")
        lines.append([name, *cells])
    peaks = [digits(gemm_rate(row["result"]["ways"][MATRIX_PRODUCT]) / 1e9) for row in rows]
    lines.append(["matrix product 1024×1024, GF/s", *peaks])
    head = ["ms, GF/s, share", *(f"{_size(row)}, {_arguments(row)['dtype']}" for row in rows)]
    return words("convolution") + table(head, lines)


def assembly(record: dict[str, Any]) -> str:
    """Return milliseconds of each way, and the share of the rate of a copy."""
    lines = []
    for row in record["rows"]:
        arguments, result = _arguments(row), row["result"]
        ways = result["ways"]
        refill = ways["refill"]["cpu"][1]
        rate = result["moved"] / refill
        geometry = _by(arguments["grid"]), str(arguments["channels"]), _by(arguments["stencil"])
        lines.append(
            [
                ", ".join([*geometry, arguments["dtype"]]),
                f"{result['nnz']:,}",
                *(milliseconds(ways[name]) for name in ("pattern", "refill", "scipy", "scipy with shifts")),
                f"{ways['scipy']['cpu'][1] / refill:.0f}",
                f"{digits(rate / 1e9, 2)}, {100 * rate / result['copy']:.0f} %",
            ]
        )
    head = [
        "grid, channels, stencil",
        "nnz",
        "pattern, ms",
        "refill, ms",
        "SciPy, ms",
        "with shifts, ms",
        "SciPy / refill",
        "refill, GB/s, share",
    ]
    return words("assembly") + table(head, lines)


def transfer(record: dict[str, Any]) -> str:
    """Return milliseconds of each way."""
    rows = record["rows"]
    names = list(dict.fromkeys(name for row in rows for name in row["result"]["ways"]))
    head = ["ms", *(f"{_by(_arguments(row)['shape'])}, {_arguments(row)['dtype']}" for row in rows)]
    lines = [[name, *(milliseconds(row["result"]["ways"].get(name)) for row in rows)] for name in names]
    return words("transfer") + table(head, lines)


def scaling(record: dict[str, Any]) -> str:
    """Return milliseconds by value and the fitted exponents."""
    titles = {"examples": "m", "n": "n²", "layers": "N", "channels": "c²", "wide channels": "c²"}
    parts = []
    for row in record["rows"]:
        arguments = _arguments(row)
        values = [str(value) for value in arguments["values"]]
        head = [
            f"{arguments['dtype']}, ms",
            *(f"{titles[arguments['grows']].rstrip('²')} = {value}" for value in values),
            f"exponent in {titles[arguments['grows']]}",
        ]
        lines = [
            [name, *(milliseconds(found["times"][value]) for value in values), f"{found['exponent']:.2f}"]
            for name, found in row["result"].items()
        ]
        parts.append(table(head, lines))
    return words("scaling") + "\n".join(parts)


def memory(record: dict[str, Any]) -> str:
    """Return peaks and times."""
    lines = [
        [
            _size(row),
            _arguments(row)["dtype"],
            row["result"]["engine"],
            f"{row['result']['peak'] / 2**30:.2f}",
            f"{row['result']['all states'] / 2**30:.1f}",
            digits(row["result"]["cpu"]),
        ]
        for row in record["rows"]
    ]
    head = ["n, c, N, m", "", "", "peak, GiB", "all states would take, GiB", "processor time, s"]
    return words("memory") + table(head, lines)


def startup(record: dict[str, Any]) -> str:
    """Return milliseconds of each command."""
    ways = record["rows"][0]["result"]["ways"]
    lines = [[f"`{name}`", milliseconds(one), milliseconds(one, "wall")] for name, one in ways.items()]
    return table(["command", "processor time, ms", "wall time, ms"], lines)


def _arguments(row: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = row["specification"]["arguments"]
    return found


def _size(row: dict[str, Any]) -> str:
    return ", ".join(map(str, _arguments(row)["size"]))


def _by(extents: list[int]) -> str:
    return "×".join(map(str, extents))
