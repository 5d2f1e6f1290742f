"""What objects show of themselves is short, and safe in a notebook whatever they hold."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from html.parser import HTMLParser
from importlib import import_module

import numpy as np
import pytest
from test_public_docs import PACKAGES

from refms import TRANSFER_PAIRS, Classes, Convolution, Residual, initial_model
from refms.backend import Backend
from refms.checks import Report as CheckReport
from refms.conformance import Profile, Report, Row
from refms.conformance.adapters.profile import reference_profile
from refms.grid import Grid

SMALL = {
    "int": 2147483648,
    "float": 0.12345678901234567,
    "bool": False,
    "str": "a-text-of-20-letters",
    "Verdict": "MARGINAL",
    "Grid": Grid((1024, 1024)),
    "tuple[int, ...]": (128, 128, 128),
}
HUGE = (
    np.random.default_rng(0).random((200, 200)),
    {f"name {k}": np.zeros((3, k)) for k in range(100)},
    tuple(Grid((k,)) for k in range(1, 500)),
    "<b>" * 1000,
)


def dataclasses_of_the_packages():
    found = {getattr(package, name) for package in map(import_module, PACKAGES) for name in package.__all__
             if isinstance(getattr(package, name), type)}  # fmt: skip
    found |= {Backend, Profile, Report, Row}
    return sorted(filter(is_dataclass, found), key=lambda one: one.__qualname__)


def filled(kind, huge):
    """Return an object whose numbers and names are of usual length and everything else is huge."""
    thing = object.__new__(kind)
    for one in fields(kind):
        object.__setattr__(thing, one.name, SMALL.get(str(one.type).split(" | ")[0], huge))
    return thing


@pytest.mark.parametrize("kind", dataclasses_of_the_packages(), ids=lambda kind: kind.__qualname__)
def test_no_object_prints_more_than_a_few_lines(kind):
    lengths = [len(repr(filled(kind, huge))) for huge in HUGE]
    assert max(lengths) <= 300


class Reader(HTMLParser):
    """What a browser makes of a page: its tags, and the texts of the cells of each table."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.tables = [], []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag == "td":
            self.tables[-1][-1].append("")

    def handle_data(self, data):
        if self.tags[-1] == "td":
            self.tables[-1][-1][-1] += data


@pytest.mark.parametrize("pair", TRANSFER_PAIRS, ids=lambda pair: pair.name)
def test_a_notebook_shows_both_matrices_of_a_pair(pair):
    _, *tables = Reader(pair._repr_html_()).tables
    grid = Grid((8,))
    for table, A in zip(tables, (pair.restriction_matrix(grid), pair.prolongation_matrix(grid)), strict=True):
        assert np.array_equal([[float(cell or 0) for cell in row] for row in table], A.toarray())


def test_a_notebook_shows_the_arrays_of_a_model():
    model = initial_model(Residual(Grid((4, 4)), channels=2), Classes(3))
    (table,) = Reader(model._repr_html_()).tables
    for name, array in model.arrays.items():
        assert [f"arrays[{name!r}]", f"float64 {array.shape}"] in table
    assert ["grid", "Grid(shape=(4, 4))"] in Reader(Convolution(Grid((4, 4)))._repr_html_()).tables[0]


HOSTILE = "<script>alert(1)</script>\x1b[31m"


@pytest.mark.parametrize(
    "thing",
    [
        replace(TRANSFER_PAIRS[0], name=HOSTILE, note=HOSTILE),
        CheckReport("adjoint_test", 0.25, "PASS", HOSTILE),
        Report(
            reference_profile(),
            "quick",
            0,
            (Row("C1", "convolution", HOSTILE, "FAIL", sentence=HOSTILE),),
        ),
        replace(initial_model(Residual(Grid((4, 4)), channels=2), Classes(3)), record={HOSTILE: HOSTILE}),
    ],
    ids=["pair", "check", "report", "model"],
)
def test_texts_of_others_stay_texts(thing):
    page = thing._repr_html_()
    assert "script" in page
    assert set(Reader(page).tags) <= {"table", "caption", "tr", "th", "td"}
    assert "\x1b" not in page
