"""What is published about fuzzing is what the record says, and the record is good enough to be published."""

import json

import pytest
from fuzzing import page
from fuzzing.targets import TARGETS

RECORD = json.loads(page.RECORD.read_text(encoding="utf-8"))


def test_there_were_a_million_executions_and_nothing_was_left_uncontained():
    assert set(RECORD) == set(TARGETS)
    assert sum(RECORD[name]["executions"] for name in ("idx", "results-hdf5", "model-hdf5")) >= 1_000_000
    assert min(entry["executions"] for entry in RECORD.values()) >= 100_000
    found = [finding for entry in RECORD.values() for finding in entry["findings"]]
    assert all(page.contained(finding) for finding in found)


@pytest.mark.parametrize(
    ("kind", "front_door", "contained"),
    [
        ("signal", "exit 2: refms: 'x' is damaged", True),
        ("exception", "exit 2: refms: 'x' is damaged", False),
        ("signal", "exit -11: ", False),
        ("timeout", "no end within a minute", False),
    ],
)
def test_only_a_sentence_of_the_command_line_contains_a_finding(kind, front_door, contained):
    assert page.contained({"kind": kind, "front_door": front_door}) is contained
