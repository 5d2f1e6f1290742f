"""Ways are timed in turn, after their results were looked at; figures are medians of what the clock says."""

from itertools import count

import pytest
from benchmarks.timing import Limits, interleaved


@pytest.fixture(autouse=True)
def _no_garbage(monkeypatch):
    """The collector looks at all that other tests have left: not here."""
    monkeypatch.setattr("gc.collect", lambda: 0)


class Machine:
    """A clock that ways advance, and the order in which they ran."""

    def __init__(self):
        self.wall, self.cpu, self.ran = 0.0, 0.0, []

    def now(self):
        return self.wall, self.cpu

    def way(self, name, seconds, share=0.5):
        def run():
            taken = next(seconds)
            self.wall += taken
            self.cpu += share * taken
            self.ran.append(name)
            return name

        return run


def test_medians_and_quartiles_of_the_rounds_without_the_first_call():
    machine = Machine()
    ways = {"a": machine.way("a", iter([100, 1, 5, 2, 4, 3]))}
    found = interleaved(ways, Limits(0, 5, 5), lambda name, result: 0.5, machine.now)["a"]
    assert found == {"wall": [2, 3, 4], "cpu": [1, 1.5, 2], "rounds": 5, "rho": 0.5}


def test_ways_run_in_turn_and_nobody_always_after_the_same_one():
    machine = Machine()
    ways = {name: machine.way(name, iter([1.0] * 9)) for name in "abc"}
    interleaved(ways, Limits(0, 3, 3), lambda name, result: 0.0, machine.now)
    assert "".join(machine.ran) == "abc" + "abc" + "bca" + "cab"


def test_results_are_looked_at_before_anything_is_timed():
    machine, seen = Machine(), []
    ways = {name: machine.way(name, iter([1.0] * 9)) for name in "ab"}

    def check(name, result):
        seen.append((name, result, len(machine.ran)))
        return 0.0

    interleaved(ways, Limits(0, 3, 3), check, machine.now)
    assert seen == [("a", "a", 1), ("b", "b", 2)]


def test_a_result_that_is_wrong_ends_the_measurement():
    machine = Machine()

    def check(name, result):
        raise AssertionError(name)

    with pytest.raises(AssertionError, match="a"):
        interleaved({"a": machine.way("a", iter([1.0]))}, Limits(), check, machine.now)
    assert machine.ran == ["a"]


@pytest.mark.parametrize(("seconds", "rounds"), [(1, 3), (10, 5), (1000, 7)])
def test_the_time_that_is_given_decides_on_the_rounds_within_bounds(seconds, rounds):
    machine = Machine()
    ways = {"a": machine.way("a", iter([2.0] * 99))}
    found = interleaved(ways, Limits(seconds, 3, 7), lambda name, result: 0.0, machine.now)
    assert found["a"]["rounds"] == rounds


def test_short_calls_are_repeated_within_a_sample_and_counted_one_by_one():
    machine = Machine()
    ways = {"a": machine.way("a", (0.001 for _ in count()))}
    found = interleaved(ways, Limits(0, 2, 2), lambda name, result: 0.0, machine.now)
    assert len(machine.ran) == 1 + 2 * 10
    assert found["a"]["wall"][1] == pytest.approx(0.001)
