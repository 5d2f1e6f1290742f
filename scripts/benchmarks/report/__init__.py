"""BENCHMARKS.md from the records: one section a table."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.child import ALLOCATORS
from benchmarks.record import PUBLISHED
from benchmarks.report import gpu, limits, network, others, preconditioners, wide
from benchmarks.report.markdown import environment, provenance, words
from benchmarks.tables import TABLES

SECTIONS: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "network": ("The network: forward, gradient, Gauss–Newton product, Gauss–Newton step", network.section),
    "bcd": ("One iteration of block-coordinate descent", others.bcd),
    "iteration": ("Block-coordinate descent on 50,000 images", others.iteration),
    "preconditioners": ("Preconditioners", preconditioners.section),
    "convolution": ("One convolution", others.convolution),
    "layers": ("Wide layers", wide.layers),
    "image_networks": ("The networks of [MST], and ResNet-34", wide.image_networks),
    "image_memory": ("Memory of these networks", wide.image_memory),
    "image_products": ("Gauss–Newton products of these networks", wide.image_products),
    "estimates": ("A multiscale gradient", wide.estimates),
    "assembly": ("Assembly of the explicit K(s)", others.assembly),
    "transfer": ("Stencils across meshes", others.transfer),
    "scaling": ("Growth of time", others.scaling),
    "memory": ("A deep network on many images", others.memory),
    "startup": ("Start", others.startup),
    "gpu": ("On a GPU", gpu.section),
    "gpu_image_networks": ("The networks of [MST] on a GPU", wide.on_a_gpu),
}
"""Table -> title and text."""


def text(folder: Path = PUBLISHED) -> str:
    """Return the whole page from a folder of JSON files; a table without one is said to be not measured."""
    variables = ", ".join(f"`{name}={value}`" for name, value in ALLOCATORS["tuned"].items())
    paths = {name: folder / f"{name}.json" for name in TABLES}
    records = {
        name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items() if path.is_file()
    }
    environments = list(dict.fromkeys(environment(record) for record in records.values()))
    parts = [words("head", allocator=variables).removesuffix("\n")]
    if len(environments) == 1:
        parts.append(f"All measured on {environments[0]}\n")
    for name, (title, write) in SECTIONS.items():
        if name not in records:
            body = f"Not measured: `python scripts/bench.py {name}` measures it.\n"
        else:
            record = records[name]
            where = f"\n\n{environment(record)}" if len(environments) > 1 else ""
            body = f"{provenance(record)}{where}\n\n{write(record)}"
        parts.append(f"## {title}\n\n{body}")
        if name == "convolution" and {"network", "convolution"} <= set(records):
            text = limits.section(records["network"], records["convolution"])
            parts.append(f"## What limits the Gauss–Newton product\n\n{text}")
    return "\n".join(parts)
