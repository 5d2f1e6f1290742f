"""Which examples a batch holds."""

import numpy as np
import pytest

from refms.data.streams import ORDERS, draw_examples
from refms.errors import InputError


def batches(total, count, iterations, **place):
    return [draw_examples(total, count, 7, iteration=k, **place) for k in range(iterations)]


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize(("total", "count"), [(1, 1), (7, 3), (12, 4), (5, 5)])
def test_no_example_is_twice_in_a_batch_and_every_one_comes(order, total, count):
    drawn = batches(total, count, 40, order=order)
    assert all(len(set(one)) == count for one in drawn)
    assert set(np.concatenate(drawn)) == set(range(total))


def test_an_epoch_is_a_permutation_whose_rest_is_dropped():
    drawn = batches(14, 4, 60, order="epochs")
    epochs = [np.concatenate(drawn[k : k + 3]) for k in range(0, 60, 3)]
    assert all(len(set(epoch)) == 12 for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 20


@pytest.mark.parametrize("order", ORDERS)
def test_every_example_is_as_likely_as_any_other(order):
    """Counts of 5 examples in 3,000 batches of 2; each has mean 1,200, standard deviation < 27.

    Eight of them: less than one false alarm in 10¹⁴.
    """
    counts = np.bincount(np.concatenate(batches(5, 2, 3000, order=order)), minlength=5)
    assert abs(counts - 1200).max() < 8 * 27


@pytest.mark.parametrize("order", ORDERS)
def test_terms_and_stages_have_orders_of_their_own(order):
    drawn = {
        tuple(draw_examples(40, 10, 7, order=order, stage=s, term=t)) for s in range(3) for t in range(3)
    }
    assert len(drawn) == 9


@pytest.mark.parametrize(
    ("count", "order", "sentence"),
    [(6, "epochs", "6 examples of 5"), (0, "epochs", "0"), (2, "epoch", "epochs")],
)
def test_what_cannot_be_drawn_is_refused(count, order, sentence):
    with pytest.raises(InputError, match=sentence):
        draw_examples(5, count, 0, order=order)
