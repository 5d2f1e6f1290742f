"""What packages export is documented: each parameter, field and result by name, and an example to run."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import is_dataclass
from importlib import import_module
from types import FunctionType
from typing import Any

import pytest

PACKAGES = (
    "refms",
    "refms.checks",
    "refms.data",
    "refms.io",
    "refms.linear",
    "refms.maps",
    "refms.multiscale",
    "refms.objective",
    "refms.objective.losses",
    "refms.objective.preconditioners",
    "refms.optimize",
    "refms.run",
    "refms.stencils",
    "refms.strategies",
)

NO_EXAMPLE = (
    "refms.data.image_sets.load_images",  # needs files of megabytes, with their digests
    "refms.data.mnist.load_mnist",  # needs MNIST itself
)


def exported() -> Iterator[Any]:
    """Yield every function and class that a package exports, once."""
    found = {}
    for package in map(import_module, PACKAGES):
        for name in package.__all__:
            thing = getattr(package, name)
            if isinstance(thing, FunctionType | type):
                found[f"{thing.__module__}.{thing.__qualname__}"] = thing
    for name in sorted(found):
        yield pytest.param(found[name], id=name)


def section(text: str, *titles: str) -> str:
    """Return the text of the first section of a numpydoc docstring that has one of the titles."""
    found = re.search(rf"^(?:{'|'.join(titles)})\n-+\n(.*?)(?=^[A-Z][A-Za-z ]*\n-+\n|\Z)", text, re.M | re.S)
    return found[1] if found else ""


def described(text: str) -> set[str]:
    """Return the names that a section describes: ``K, s : ndarray`` describes both."""
    heads = re.findall(r"^([\w*]+(?:, [\w*]+)*)(?: :|$)", text, re.M)
    return {name.strip("*") for head in heads for name in head.split(", ")}


def documented(thing: Any) -> set[str]:
    """Return the names whose meaning a caller must know: parameters, fields."""
    skipped = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(thing).parameters.values()
    return {p.name for p in parameters if p.kind not in skipped and not p.name.startswith("_")}


@pytest.mark.parametrize("thing", tuple(exported()))
def test_every_parameter_and_result_is_described(thing: Any) -> None:
    text = inspect.getdoc(thing) or ""
    if isinstance(thing, FunctionType):
        assert documented(thing) <= described(section(text, "Parameters"))
        assert section(text, "Returns", "Yields") or thing.__annotations__.get("return") in (None, "None")
    elif is_dataclass(thing):
        in_text = described(section(text, "Parameters", "Attributes"))
        assert documented(thing) <= in_text | described_fields(thing)
    assert text.partition("\n")[0].endswith((".", ":"))


@pytest.mark.parametrize("thing", [one for one in exported() if isinstance(one.values[0], FunctionType)])
def test_every_function_has_an_example(thing: FunctionType) -> None:
    has_one = ">>> " in section(inspect.getdoc(thing) or "", "Examples")
    assert has_one is (f"{thing.__module__}.{thing.__qualname__}" not in NO_EXAMPLE)


def described_fields(thing: Any) -> set[str]:
    """Return the fields of a dataclass, own or inherited, with a docstring below them."""
    sources = [inspect.getsource(base) for base in thing.__mro__ if hasattr(base, "__dataclass_fields__")]
    return {name for source in sources for name in re.findall(r'^    (\w+): [^\n]*\n    """', source, re.M)}
