"""Bugs that the kit had not seen: each can be planted, changes something, and is published as found."""

from __future__ import annotations

import ast
import json

import pytest
import unseen_bugs
from results import unseen_page
from unseen_bugs import affected, meet, planted, sources, witnessed

BUGS = {bug["id"]: bug for bug in unseen_bugs.bugs()}
RIGHT = sources()
RESULT = json.loads(unseen_bugs.TARGET.read_text(encoding="utf-8"))
SURVIVORS = unseen_page.read_survivors()


def test_the_set_is_as_large_as_asked_and_many_bugs_show_in_a_corner():
    assert len(BUGS) == len(unseen_bugs.bugs()) >= 150
    assert sum(bool(bug["corner"]) for bug in BUGS.values()) >= 0.4 * len(BUGS)
    for bug in BUGS.values():
        repository, number = bug["source"].split("#")
        assert repository.count("/") == 1
        assert number.isdigit()


@pytest.mark.parametrize("module", sorted({bug["where"] for bug in BUGS.values()}))
def test_every_bug_can_be_planted(module):
    for bug in BUGS.values():
        if bug["where"] == module:
            text = planted(RIGHT, bug)[module]
            assert text != RIGHT[module]
            ast.parse(text)


def test_a_bug_reaches_the_operations_that_call_what_it_changes():
    assert affected(RIGHT, BUGS["blur-exponent"]) == {"blur"}
    assert affected(RIGHT, BUGS["adam-in-place"]) == {"adam_step", "full_multiscale"}
    assert {"forward", "mge", "block_step"} < affected(RIGHT, BUGS["stencil-off-centre"])


def test_a_bug_is_found_in_a_process_of_its_own():
    found = meet(RIGHT, BUGS["work-without-twin"], ["quick"], explain=True)
    assert (found["tier"], found["property"], found["operation"]) == ("quick", "A1", "work_units")


def test_every_bug_is_published():
    assert set(RESULT["first"]["bugs"]) == set(RESULT["now"]["bugs"]) == set(BUGS)


def test_every_survivor_has_a_reason_and_a_witness():
    assert {name for name, found in RESULT["now"]["bugs"].items() if not found["tier"]} == set(SURVIVORS)


@pytest.mark.parametrize("name", SURVIVORS)
def test_a_survivor_is_not_equivalent(name):
    code = SURVIVORS[name]["witness"]
    assert witnessed(RIGHT, code) != witnessed(planted(RIGHT, BUGS[name]), code)
