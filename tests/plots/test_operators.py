"""Pictures of operators: the entries of the explicit matrices, and the symbols at their frequencies."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse

from refms.errors import InputError
from refms.grid import Grid
from refms.multiscale import stencil_hierarchy
from refms.plots import figure_bytes
from refms.plots.operators import (
    FREQUENCIES,
    MOST_ROWS,
    gain,
    galerkin_figure,
    hierarchy_figure,
    matrix_figure,
    pair_figure,
    symbol_figure,
    torus_figure,
)
from refms.stencils.convolution import convolution_matrix
from refms.stencils.galerkin import restrict_stencil, stencil_map
from refms.stencils.symbol import symbol
from refms.stencils.transfer import transfer_pair

PAIR = transfer_pair("averaging-bilinear")
S = np.random.default_rng(0).standard_normal((1, 1, 3, 3))


def drawn(captioned):
    """Return the arrays of the pictures of a figure."""
    return [np.asarray(one.get_images()[0].get_array()) for one in captioned.figure.axes if one.get_images()]


def test_k_r_p_and_k_h_are_drawn_entry_by_entry():
    grid = Grid((4, 4))
    found = galerkin_figure(S, grid, PAIR)
    K, R, P = convolution_matrix(S, grid), PAIR.restriction_matrix(grid), PAIR.prolongation_matrix(grid)
    for picture, A in zip(drawn(found), (K, P, R, R @ K @ P), strict=True):
        np.testing.assert_array_equal(picture, A.toarray())
    numbers = [text.get_text() for axes in found.figure.axes for text in axes.texts]
    assert len(numbers) == K.nnz + P.nnz + R.nnz + 16
    assert f"{S[0, 0, 1, 1]:.3g}" in numbers


def test_a_matrix_is_drawn_with_zeros_in_white_and_none_is_too_large():
    A = scipy.sparse.csr_array(np.diag([1.0, -3.0, 0.0]))
    (picture,) = drawn(matrix_figure(A, "A $x$"))
    np.testing.assert_array_equal(picture, A.toarray())
    with pytest.raises(InputError, match="rows and columns at most"):
        matrix_figure(scipy.sparse.csr_array((MOST_ROWS + 1, 2)), "A")
    with pytest.raises(InputError, match="rows and columns at most"):
        galerkin_figure(S, Grid((2**20, 2**20)), PAIR)


@pytest.mark.parametrize(
    "found",
    [
        pair_figure(transfer_pair("injection-cubic")),
        pair_figure(transfer_pair("injection-cubic"), cells=16),
        galerkin_figure(S, Grid((8, 8)), PAIR),
        matrix_figure(convolution_matrix(np.random.default_rng(1).random((3, 3)), Grid((4, 4))), "K"),
    ],
    ids=["pair", "long pair", "galerkin", "matrix"],
)
def test_no_number_covers_its_neighbour(found):
    found.figure.draw_without_rendering()
    for axes in found.figure.axes:
        boxes = [text.get_window_extent() for text in axes.texts]
        assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def eigenvalue(s, *omega):
    """|λ(ω)| of one stencil by its formula."""
    waves = [np.exp(1j * w * np.arange(-(n // 2), n // 2 + 1)) for w, n in zip(omega, s.shape, strict=True)]
    return abs(waves[0] @ s @ waves[1])


def test_symbols_stand_at_their_frequencies():
    found = symbol_figure(S, PAIR)
    fine, coarse = drawn(found)[:2]
    s_H = restrict_stencil(S, PAIR)
    middle = FREQUENCIES // 2
    for i, j in ((0, 0), (middle, middle), (middle + 3, 5)):
        omega = [2 * np.pi * (k - middle) / FREQUENCIES for k in (i, j)]
        assert fine[i, j] == pytest.approx(eigenvalue(S[0, 0], *omega), rel=1e-12)
        assert coarse[i, j] == pytest.approx(eigenvalue(s_H[0, 0], *omega), rel=1e-12)
    lines = [one for axes in found.figure.axes for one in axes.get_lines()]
    for one, s, times in zip(lines, (S, s_H), (1, 2), strict=True):
        expected = [eigenvalue(s[0, 0], times * w, 0.0) for w in one.get_xdata()]
        np.testing.assert_allclose(one.get_ydata(), expected, rtol=0, atol=1e-12)
    assert lines[0].get_xdata()[-1] == np.pi / 2


def test_a_stored_symbol_is_drawn_with_the_norm_of_its_matrix():
    T, grid = np.random.default_rng(1).standard_normal((2, 3, 3, 3)), Grid((4, 6))
    found = torus_figure(symbol(T, grid), "K")
    (picture,) = drawn(found)[:1]
    norm = np.linalg.norm(convolution_matrix(T, grid).toarray(), 2)
    assert picture.shape == (4, 6)
    assert picture.max() == pytest.approx(norm, rel=1e-12)
    assert picture[2, 3] == pytest.approx(np.linalg.norm(T.sum(axis=(2, 3)), 2), rel=1e-12)
    assert f"{norm:.5g}" in found.caption


def test_the_gain_of_several_channels_is_the_norm_of_the_matrix():
    T = np.random.default_rng(1).standard_normal((2, 3, 3, 3))
    grid = Grid((6, 6))
    norm = np.linalg.norm(convolution_matrix(T, grid).toarray(), 2)
    assert gain(T, grid).max() == pytest.approx(norm, rel=1e-12)


@pytest.mark.parametrize("name", ["averaging-bilinear", "averaging-constant", "nearest"])
def test_a_pair_is_drawn_on_a_line(name):
    pair, line = transfer_pair(name), Grid((8,))
    found = pair_figure(pair)
    R, P = pair.restriction_matrix(line).toarray(), pair.prolongation_matrix(line).toarray()
    for picture, A in zip(drawn(found), (R, P, R @ P, stencil_map(pair, 3)), strict=True):
        np.testing.assert_array_equal(picture, A)
    restricted, prolonged = found.figure.axes[4].get_lines()
    modes = np.exp(2j * np.pi * np.outer(np.arange(8), np.arange(5)) / 8)
    for k in range(5):  # by how much R multiplies a mode, read off the matrix itself
        assert restricted.get_ydata()[16 * k] == pytest.approx(abs((R @ modes[:, k])[1]), abs=1e-12)
        share = np.linalg.norm(P.T @ modes[:, k]) / 2 / np.sqrt(4)
        assert prolonged.get_ydata()[16 * k] == pytest.approx(share, abs=1e-12)
    assert ("not half" in found.caption) is not pair.variational
    assert ("no multiple" in found.caption) is (pair.identity_factor is None)


def test_a_hierarchy_has_a_stencil_and_a_symbol_a_level():
    hierarchy = stencil_hierarchy(S, Grid((8, 8)), PAIR, 3)
    pictures = drawn(hierarchy_figure(hierarchy))
    assert len(pictures) == 6
    for level, stencil, gains in zip(hierarchy.levels, pictures[:3], pictures[3:], strict=True):
        np.testing.assert_array_equal(stencil, level.stencils["K"][0, 0])
        assert gains.max() == gain(level.stencils["K"], Grid((FREQUENCIES,) * 2)).max()


def test_equal_operators_give_equal_bytes_and_captions_are_sentences():
    for draw in (
        lambda: galerkin_figure(S, Grid((4, 2)), PAIR),
        lambda: symbol_figure(S, PAIR),
        lambda: pair_figure(PAIR),
        lambda: hierarchy_figure(stencil_hierarchy(S, Grid((8, 8)), PAIR, 2)),
    ):
        one, two = draw(), draw()
        assert one.caption.endswith(".")
        assert figure_bytes(one.figure) == figure_bytes(two.figure)
