"""Wide layers and the networks for images: speed in units of PyTorch's, and growth from mesh to mesh."""

from __future__ import annotations

from typing import Any

from benchmarks.report.markdown import NOTHING, digits, milliseconds, table, words
from refms.multiscale.estimation import doubled_batches

PEER = "torch"


def layers(record: dict[str, Any]) -> str:
    """Return PyTorch's time and rate, and the speed of each route relative to it."""
    rows = record["rows"]
    routes = _ways(rows)
    lines = []
    for row in rows:
        arguments, result = row["specification"]["arguments"], row["result"]
        own = result["ways"].get(PEER)
        rate = digits(result["operations"] / own["cpu"][1] / 1e9) if own else NOTHING
        size = ", ".join(map(str, arguments["size"]))
        lines.append(
            [size, arguments["dtype"], f"{milliseconds(own)}, {rate}", *_speeds(result["ways"], routes)]
        )
    return words("layers") + table(["c, n, m", "", "PyTorch, ms, GF/s", *routes], lines)


def image_networks(record: dict[str, Any], clock: str = "cpu", text: str = "image_networks") -> str:
    """Return milliseconds of PyTorch, relative speeds, growth from mesh to mesh, and the share of MGE."""
    rows = record["rows"]
    kinds = _ways(rows)
    names = (*kinds, PEER)
    by_mesh = {_mesh(row): row["result"]["ways"] for row in rows}
    lines = []
    for (dtype, network, n), ways in by_mesh.items():
        finer_first, cells = [ways], n // 2
        while (dtype, network, cells) in by_mesh:
            finer_first.append(by_mesh[dtype, network, cells])
            cells //= 2
        times = [[mesh[name][clock][1] for mesh in finer_first if name in mesh] for name in names]
        growth = [digits(own[0] / own[1], 2) for own in times if len(own) > 1]
        shares = [digits(mge_share(own), 2) for own in times if len(own) > 1]
        lines.append(
            [
                f"{network}, {n}²",
                dtype,
                milliseconds(ways.get(PEER), clock),
                *_speeds(ways, kinds, clock),
                ", ".join(growth) or NOTHING,
                ", ".join(shares) or NOTHING,
            ]
        )
    each = ", ".join(names)
    head = [
        "",
        "",
        "PyTorch, ms",
        *kinds,
        f"ratio to the next coarser mesh: {each}",
        f"MGE / single scale: {each}",
    ]
    return words(text) + table(head, lines)


def on_a_gpu(record: dict[str, Any]) -> str:
    """Return the same of a GPU, where elapsed times count."""
    return image_networks(record, "wall", "gpu_image_networks")


def image_memory(record: dict[str, Any]) -> str:
    """Return MiB of every way, in units of PyTorch's, and the time that checkpoints cost."""
    found: dict[str, dict[str, Any]] = {}
    for row in record["rows"]:
        arguments = row["specification"]["arguments"]
        found.setdefault(f"{arguments['network']}, {arguments['cells']}²", {})[arguments["way"]] = row[
            "result"
        ]
    names = list(dict.fromkeys(way for ways in found.values() for way in ways))
    lines = []
    for network, ways in found.items():
        sizes = {way: one["peak"] - one["before"] for way, one in ways.items()}
        cells = [f"{sizes[name] / 2**20:.0f}, {digits(sizes[name] / sizes[PEER], 2)}×" for name in names]
        plain, sparing = (ways[name]["cpu"] for name in names[-2:])
        lines.append([network, *cells, f"{digits(sparing / plain)}×"])
    return words("image_memory") + table(["MiB", *names, "time of checkpoints"], lines)


def image_products(record: dict[str, Any]) -> str:
    """Return milliseconds of PyTorch and relative speeds of Gauss-Newton products."""
    rows = record["rows"]
    kinds, lines = _ways(rows), []
    for row in rows:
        (dtype, network, n), ways = _mesh(row), row["result"]["ways"]
        lines.append([f"{network}, {n}²", dtype, milliseconds(ways.get(PEER)), *_speeds(ways, kinds)])
    return words("image_products") + table(["", "", "PyTorch, ms", *kinds], lines)


def estimates(record: dict[str, Any]) -> str:
    """Return the time of single scale by threads, and of multiscale estimates as a share of it."""
    results = [(row["specification"]["arguments"]["threads"], row["result"]) for row in record["rows"]]
    single, *others = results[0][1]["ways"]
    lines = []
    for threads, result in results:
        ways, work = result["ways"], result["work"]
        own = ways[single]["wall"][1]
        shares = [
            f"{digits(ways[name]['wall'][1] / own, 2)} ({digits(work[name] / work[single], 2)})"
            for name in others
        ]
        gain = digits(results[0][1]["ways"][single]["wall"][1] / own, 2)
        lines.append([str(threads), milliseconds(ways[single], "wall"), f"{gain}×", *shares])
    return words("estimates") + table(["threads", f"{single}, ms", "speed", *others], lines)


IMAGES, FINEST_BATCH = 512, 16
"""Table 1 of [MST]: images of an estimate, and of its finest difference, doubled from mesh to mesh."""


def mge_share(times: list[float]) -> float:
    """Return the time of a multiscale gradient in units of single scale's, from times an image, finest first.

    A difference of two meshes takes both; what is left of the images is on the coarsest.

    >>> mge_share([1.0, 0.25])
    0.28125
    """
    batches = doubled_batches(FINEST_BATCH, len(times) - 1) if len(times) > 1 else ()
    coarsest = IMAGES - sum(batches)
    differences = sum(N * (a + b) for N, a, b in zip(batches, times, times[1:], strict=False))
    return (differences + coarsest * times[-1]) / (IMAGES * times[0])


def _ways(rows: list[dict[str, Any]]) -> list[str]:
    return [name for name in dict.fromkeys(n for row in rows for n in row["result"]["ways"]) if name != PEER]


def _speeds(ways: dict[str, Any], names: list[str], clock: str = "cpu") -> list[str]:
    """Return PyTorch's time divided by each one's: above 1 refms is faster."""
    own = ways.get(PEER)
    return [f"{digits(own[clock][1] / ways[name][clock][1], 2)}×" if own else NOTHING for name in names]


def _mesh(row: dict[str, Any]) -> tuple[str, str, int]:
    arguments = row["specification"]["arguments"]
    return arguments["dtype"], arguments["network"], arguments["cells"]
