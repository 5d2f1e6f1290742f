"""The public strategies: what they draw is admissible, and failing cases shrink to the simplest object."""

from __future__ import annotations

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

from refms import strategies
from refms.errors import InputError
from refms.grid import Grid
from refms.stencils.convolution import convolution_matrix
from refms.stencils.transfer import TRANSFER_PAIRS

FEW = settings(max_examples=30)
SEARCH = settings(max_examples=2000, phases=(Phase.generate, Phase.shrink), derandomize=True)


def simplest(strategy, condition=lambda value: True):
    return find(strategy, condition, settings=SEARCH)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_arrays_shrink_to_a_delta_in_the_first_entry(dtype):
    found = simplest(strategies.arrays((2, 3), dtype))
    assert found.dtype == dtype
    assert found.tolist() == [[1, 0, 0], [0, 0, 0]]
    assert simplest(strategies.arrays((2, 3)), lambda a: a[1, 1] != 0).ravel().tolist() == [0, 0, 0, 0, 1, 0]


def test_what_no_delta_shows_shrinks_to_the_seed_zero():
    found = simplest(strategies.arrays((2, 3)), lambda a: np.count_nonzero(a) > 1)
    np.testing.assert_array_equal(found, np.random.default_rng(0).standard_normal((2, 3)))
    assert simplest(strategies.seeds()) == 0


@pytest.mark.parametrize("d", [1, 2, 3])
def test_stencils_shrink_to_the_one_whose_matrix_is_the_identity(d):
    found = simplest(strategies.stencils(Grid((4,) * d), c_in=2, c_out=3, sizes=(3, 5)))
    assert found.shape == (3, 2, *(3,) * d)
    assert np.abs(found).sum() == found[(0, 0, *(1,) * d)] == 1


def test_a_flipped_stencil_is_shown_on_a_unit_stencil():
    grid = Grid((3, 3))

    def differs(S):
        K, flipped = (convolution_matrix(s.copy(), grid) for s in (S[0, 0], S[0, 0, ::-1, ::-1]))
        return abs(K - flipped).max() > 0

    assert simplest(strategies.stencils(grid), differs).ravel().tolist() == [1, 0, 0, 0, 0, 0, 0, 0, 0]


def test_grids_shrink_to_few_cells_of_the_first_dimension():
    assert simplest(strategies.grids()) == Grid((1,))
    assert simplest(strategies.grids((2, 3), smallest=3, multiple=2)) == Grid((4, 4))
    assert simplest(strategies.grids((2,)), lambda g: g.shape[0] != g.shape[1]).shape in {(1, 2), (2, 1)}


@FEW
@given(st.data(), st.sampled_from([(1,), (2, 3), (1, 2, 3)]), st.integers(1, 5), st.integers(1, 3))
def test_grids_lie_within_their_bounds(data, dimensions, smallest, multiple):
    square = data.draw(st.booleans())
    largest = data.draw(st.integers(3 * smallest, 20))
    grid = data.draw(
        strategies.grids(dimensions, smallest=smallest, largest=largest, multiple=multiple, square=square)
    )
    assert grid.dimension in dimensions
    assert all(smallest <= n <= largest and n % multiple == 0 for n in grid.shape)
    assert not square or len(set(grid.shape)) == 1


def test_pairs_shrink_to_the_first_that_suits():
    assert simplest(strategies.transfer_pairs()) == TRANSFER_PAIRS[0]
    variational = simplest(strategies.transfer_pairs(lambda pair: pair.variational))
    assert variational == next(pair for pair in TRANSFER_PAIRS if pair.variational)


def test_networks_shrink_to_one_layer_with_one_channel():
    found = simplest(strategies.networks(Grid((4, 4))))
    assert (found.channels, found.image_channels, found.layers, found.stencil_shape) == (1, 1, 1, (1, 1))
    assert (found.activation, found.boundary, found.orientation) == ("tanh", "periodic", "correlation")


@FEW
@given(st.data())
def test_networks_propagate_their_parameters(data):
    grid = data.draw(strategies.grids((1, 2)))
    network = data.draw(strategies.networks(grid))
    parameters = data.draw(strategies.network_parameters(network, "float32"))
    X = data.draw(strategies.images(grid, network.image_channels, 2, "float32"))
    Y = network.map.apply(network.arrays.pack(parameters), X)
    assert Y.shape == (network.channels * grid.cells, 2)
    assert Y.dtype == np.float32


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_logits_shrink_to_zeros_and_contain_extremes(dtype):
    assert not simplest(strategies.logits(3, 2, dtype)).any()
    huge = np.finfo(dtype).max / 5
    extreme = simplest(strategies.logits(3, 2, dtype), lambda Z: Z.max() > huge)
    assert np.count_nonzero(extreme) <= 2
    assert simplest(strategies.logits(3, 2, dtype), lambda Z: Z.min() < -huge).dtype == dtype
    with np.errstate(over="ignore"):
        assert np.isinf(np.exp(extreme)).any()


@FEW
@given(st.integers(1, 5), st.integers(1, 4), st.data())
def test_labels_are_one_hot_and_logits_finite(classes, examples, data):
    C = data.draw(strategies.labels(classes, examples, "float32"))
    assert C.shape == (classes, examples)
    assert C.dtype == np.float32
    assert (C.sum(axis=0) == 1).all()
    assert set(np.unique(C)) <= {0.0, 1.0}
    assert np.isfinite(data.draw(strategies.logits(classes, examples))).all()


@FEW
@given(st.integers(1, 9), st.integers(1, 4), st.data())
def test_each_batch_continues_the_one_before(count, levels, data):
    batches = data.draw(strategies.nested_batches(count, levels))
    assert len(batches) == levels
    assert all(len(set(batch)) == len(batch) > 0 and set(batch) <= set(range(count)) for batch in batches)
    assert all(b[: len(a)] == a for a, b in pairwise(batches))


@FEW
@given(st.binary(max_size=64), st.data())
def test_a_corrupt_file_is_never_the_file(contents, data):
    assert data.draw(strategies.corrupt_files(contents)) != contents


def test_corrupt_files_shrink_to_one_byte_and_know_other_damage():
    contents = b"\x89HDF" + bytes(range(1, 60))
    damaged = strategies.corrupt_files(contents)
    assert simplest(damaged) == b"\x00" + contents[1:]
    short = simplest(damaged, lambda found: len(found) < len(contents))
    assert contents.startswith(short) or contents.endswith(short)
    assert simplest(damaged, lambda found: len(found) > len(contents))
    assert simplest(damaged, lambda found: b"\xff" * 8 in found)


@pytest.mark.parametrize(
    "refused",
    [
        lambda: strategies.arrays((0,)),
        lambda: strategies.arrays((2,), "int8"),
        lambda: strategies.stencils(Grid((4,)), sizes=(2,)),
        lambda: strategies.grids((4,)),
        lambda: strategies.grids((1,), smallest=3, largest=4, multiple=5),
        lambda: strategies.transfer_pairs(lambda pair: False),
        lambda: strategies.nested_batches(0),
    ],
)
def test_what_cannot_be_drawn_is_refused(refused):
    with pytest.raises(InputError, match=r"expected|lies between"):
        refused()


WITHOUT_HYPOTHESIS = """
import sys
sys.modules["hypothesis"] = None
import refms, refms.conformance, refms.cli.main
try:
    import refms.strategies
except ImportError as error:
    print(error)
"""


def test_only_this_module_needs_hypothesis_and_it_says_so():
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT_HYPOTHESIS], capture_output=True, text=True, check=True, timeout=600
    )
    assert ran.stdout.startswith("refms.strategies needs hypothesis, which is not installed; install it")
