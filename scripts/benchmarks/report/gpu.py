"""The section on GPUs."""

from typing import Any

from benchmarks.report.markdown import NOTHING, digits, milliseconds, table, words
from benchmarks.tables.gpu import COPY, GEMM, REFMS, TORCH


def section(record: dict[str, Any]) -> str:
    """Return milliseconds of the product, the ratio to torch.func, and the share of the roofline."""
    lines = []
    for row in record["rows"]:
        arguments, result = row["specification"]["arguments"], row["result"]
        ways, itemsize = result["ways"], {"float32": 4, "float64": 8}[arguments["dtype"]]
        seconds = {name: one["wall"][1] for name, one in ways.items()}
        flops = 2 * result["square"] ** 3 / seconds[GEMM]
        rate = 2 * result["square"] ** 2 * itemsize / seconds[COPY]
        least = {"arithmetic": result["flops"] / flops, "memory": result["bytes"] / rate}
        limit = max(least, key=lambda name: least[name])
        peer = f"{digits(seconds[TORCH] / seconds[REFMS], 2)}×" if TORCH in seconds else NOTHING
        lines.append(
            [
                ", ".join(map(str, arguments["size"])),
                arguments["dtype"],
                milliseconds(ways[REFMS], "wall"),
                milliseconds(ways.get(TORCH), "wall"),
                peer,
                f"{digits(result['flops'] / 1e9)}, {digits(result['bytes'] / 1e9)}",
                f"{digits(flops / 1e12)}, {digits(rate / 1e9)}",
                f"{100 * least[limit] / seconds[REFMS]:.0f} % of {limit}",
            ]
        )
    head = [
        *("n, c, N, m", "", "refms, ms", "torch.func, ms", "ratio", "GF and GB needed"),
        *("TF/s and GB/s of the card", "roofline"),
    ]
    return words("gpu") + table(head, lines)
