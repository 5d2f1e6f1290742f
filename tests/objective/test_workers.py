"""Sums in shards: every example once, and the same bits however many threads and processes there are."""

import dataclasses
import threading
import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_nets import examples, images, rho, untrained

from refms.names import BLOCK_NAMES as BLOCKS
from refms.objective.batches import FEW_COLUMNS
from refms.objective.examples import Examples
from refms.objective.workers import Sum, Workers, add_in_order, own_batches, own_range
from refms.parallel import LEAST_EXAMPLES, SERIAL, SHARDS, Comm, own_shards, shard_bounds
from refms.run.config import OptimizationSection, RegularizationSection
from refms.run.training import problem_of

COUNT = SHARDS * LEAST_EXAMPLES + 5


@given(count=st.integers(1, 5000), width=st.integers(1, 300), size=st.integers(1, 7))
def test_processes_and_batches_take_every_example_once_and_in_order(count, width, size):
    X = np.arange(count)[None, :]
    seen = []
    for rank in range(size):
        first, stop = own_range(count, Comm(rank, size))
        held = Examples.unchecked(X[:, first:stop], X[:, first:stop])
        shards = own_batches(held, count, first, width, Comm(rank, size))
        batches = [batch for shard in shards for batch in shard]
        assert all(0 < batch.count <= width for batch in batches)
        seen += [int(number) for batch in batches for number in batch.inputs[0]]
    assert seen == list(range(count))


@given(total=st.integers(1, 40), size=st.integers(1, 9))
def test_processes_have_equally_many_shards_but_for_one(total, size):
    counts = [len(own_shards(total, rank, size)) for rank in range(size)]
    assert sum(counts) == total
    assert max(counts) - min(counts) <= 1


@given(count=st.integers(1, 10**6))
def test_shards_depend_on_the_number_of_examples_alone_and_are_not_tiny(count):
    bounds = shard_bounds(count)
    assert (bounds[0], bounds[-1]) == (0, count)
    assert len(bounds) == 2 or np.diff(bounds).min() >= LEAST_EXAMPLES


def whole_problem(fraction=0.9, **options):
    start = untrained(4)
    digits = examples(start, images(count=COUNT))
    optimization = OptimizationSection(hessian_fraction=fraction, dtype="float64")
    control = problem_of(start, digits, RegularizationSection(), optimization)
    blocks = {key: value.copy() for key, value in start.blocks.items()}
    blocks["classifier"] += np.random.default_rng(0).standard_normal(blocks["classifier"].size)
    return dataclasses.replace(control, **options), blocks


@pytest.mark.parametrize(
    ("count", "width", "dtype", "expected"),
    [
        (64, 64, "float64", [32, 32]),
        (64, 200, "float32", [32, 32]),
        (96, 40, "float64", [24] * 4),
        (30, 30, "float64", [30]),  # halves would be narrower than rows of 128 bytes
        (128, 64, "float64", [64, 64]),
    ],
)
def test_few_examples_make_an_even_number_of_batches_where_rows_stay_wide(count, width, dtype, expected):
    examples = Examples(np.ones((1, count), dtype=dtype), np.ones((2, count), dtype=dtype))
    (shard,) = own_batches(examples, count, 0, width, SERIAL)
    assert [batch.count for batch in shard] == expected


@pytest.mark.parametrize("second_order", [False, True])
@pytest.mark.parametrize("name", BLOCKS)
def test_threads_do_not_change_a_bit(name, second_order):
    alone, blocks = whole_problem(second_order=second_order)
    several, _ = whole_problem(second_order=second_order, workers=Workers(threads=3))
    one, other = (control.block(name, blocks) for control in (alone, several))
    x = blocks[name] if name != "joint" else np.concatenate(list(blocks.values()))
    v = np.random.default_rng(1).standard_normal(x.shape)
    assert one.value(x) == other.value(x)
    np.testing.assert_array_equal(one.value_and_gradient(x)[1], other.value_and_gradient(x)[1])
    np.testing.assert_array_equal(one.curvature(x)(v), other.curvature(x)(v))


def test_a_sum_in_shards_is_the_sum():
    """Against the sums over two parts, each a problem of its own that is not cut."""
    control, blocks = whole_problem(fraction=1.0)
    x = blocks["propagation"]
    v = np.random.default_rng(2).standard_normal(x.shape)
    products, gradients = [], []
    for part in (slice(0, 100), slice(100, COUNT)):
        held = Examples(control.examples.inputs[:, part], control.examples.targets[:, part])
        piece = dataclasses.replace(control, examples=held).block("propagation", blocks)
        weight = held.count / COUNT
        products.append(weight * (piece.curvature(x)(v) - piece.regularizer.gradient(v)))
        gradients.append(weight * (piece.value_and_gradient(x)[1] - piece.regularizer.gradient(x)))
    risk = control.block("propagation", blocks)
    Qv, Qx = risk.regularizer.gradient(v), risk.regularizer.gradient(x)
    assert rho(risk.curvature(x)(v), sum(products) + Qv, np.linalg.norm(products) + np.linalg.norm(Qv)) <= 30
    scale = np.linalg.norm(gradients) + np.linalg.norm(Qx)
    assert rho(risk.value_and_gradient(x)[1], sum(gradients) + Qx, scale) <= 30


def test_threads_take_over_what_the_caller_wants_to_hear_of_overflow():
    control, blocks = whole_problem(workers=Workers(threads=2))
    risk = control.block("classifier", blocks)
    with np.errstate(over="raise"), pytest.raises(FloatingPointError, match="overflow"):
        risk.value(np.full_like(blocks["classifier"], 1e308))


def test_threads_do_not_change_a_bit_where_the_budget_is_the_limit():
    """A share of the budget for each thread made other batches, and sums in another order."""
    control, blocks = whole_problem()
    x, f = blocks["propagation"], control.block("propagation", blocks)
    tight = dataclasses.replace(f, memory=3 * FEW_COLUMNS * 2 * f.map.stored * x.dtype.itemsize)
    assert tight.width < f.width
    for threads in (2, 5):
        several = dataclasses.replace(tight, workers=Workers(threads=threads))
        np.testing.assert_array_equal(several.value_and_gradient(x)[1], tight.value_and_gradient(x)[1])
        np.testing.assert_array_equal(several.curvature(x)(x), tight.curvature(x)(x))


def sum_of(function, pieces, threads):
    """The sum of function(piece) over one shard of pieces."""
    return Sum([pieces], lambda piece: (function(piece),), (0.0,), 1, threads)


def test_several_sums_are_at_work_at_the_same_time_and_each_has_its_own_pieces():
    """Each sum has one piece: the two can only meet at the barrier if they run side by side."""
    barrier = threading.Barrier(2, timeout=60)

    def meet(number):
        barrier.wait()
        return number

    assert add_in_order([sum_of(meet, [k], 2) for k in (3.0, 5.0)], SERIAL) == [(3.0,), (5.0,)]


def test_no_more_pieces_are_at_work_than_the_memory_of_the_largest_allows():
    lock, at_work, most = threading.Lock(), set(), []

    def work(piece):
        with lock:
            at_work.add(piece)
            most.append(len(at_work))
        time.sleep(0.01)
        with lock:
            at_work.remove(piece)
        return 1.0

    sums = [sum_of(work, [(name, k) for k in range(4)], t) for name, t in (("a", 8), ("b", 2), ("c", 8))]
    assert add_in_order(sums, SERIAL) == [(4.0,)] * 3
    assert max(most) == 2


def test_an_error_in_one_sum_is_raised_and_what_has_not_begun_is_left():
    begun = []

    def work(piece):
        begun.append(piece)
        time.sleep(0.005)
        if piece == "wrong":
            raise ArithmeticError("this one")
        return 1.0

    sums = [sum_of(work, pieces, 2) for pieces in (["right"], ["wrong"], range(100))]
    with pytest.raises(ArithmeticError, match="this one"):
        add_in_order(sums, SERIAL)
    assert len(begun) < 50
