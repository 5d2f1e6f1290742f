"""SSIM and the mean squared error of images: derivatives, bounds, the curvature, other routes."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.ndimage

from refms.checks import complex_step_test
from refms.errors import InputError
from refms.grid import Grid
from refms.objective.losses.mean_squares import MeanSquares
from refms.objective.losses.ssim import StructuralSimilarity, window_matrix

GRID = Grid((12, 13))
ROWS, EXAMPLES = 2 * GRID.cells, 2


def images(seed=0, noise=0.3):
    """Two channels: targets, and what a network might have made of them."""
    rng = np.random.default_rng(seed)
    y = rng.uniform(-1, 1, (ROWS, EXAMPLES))
    return y + noise * rng.standard_normal(y.shape), y


def losses():
    return StructuralSimilarity(GRID), MeanSquares()


def plain_ssim(z, y):
    """SSIM of one channel with SciPy's filters, images in [0, 1], zero beyond the border."""

    def W(a):
        kernel = np.exp(-0.5 * ((np.arange(11) - 5) / 1.5) ** 2)
        for axis in (0, 1):
            a = scipy.ndimage.correlate1d(a, kernel / kernel.sum(), axis, mode="constant")
        return a

    mu, nu = W(z), W(y)
    covariance, variances = W(z * y) - mu * nu, W(z * z) - mu**2 + W(y * y) - nu**2
    numerator = (2 * mu * nu + 0.01**2) * (2 * covariance + 0.03**2)
    return (numerator / ((mu**2 + nu**2 + 0.01**2) * (variances + 0.03**2))).mean()


def test_the_value_is_the_formula_by_another_route():
    z, y = images()
    shape = (2, *GRID.shape, EXAMPLES)
    channels = [
        plain_ssim((z.reshape(shape)[c, ..., i] + 1) / 2, (y.reshape(shape)[c, ..., i] + 1) / 2)
        for c in range(2)
        for i in range(EXAMPLES)
    ]
    assert abs(StructuralSimilarity(GRID).evaluate(z, y).value - (1 - np.mean(channels))) < 1e-14
    assert abs(MeanSquares().evaluate(z, y).value - ((z - y) ** 2).mean()) < 1e-15


@pytest.mark.parametrize("loss", losses(), ids=lambda loss: type(loss).__name__)
def test_gradient_and_hessian_product_are_complex_steps(loss):
    z, y = images()
    v = np.random.default_rng(1).standard_normal(z.shape)
    E = loss.evaluate(z, y)

    def at(u):
        return loss.evaluate(u.reshape(z.shape), y)

    first = complex_step_test(lambda u: at(u).value, z.ravel(), v.ravel(), gradient=E.gradient.ravel())
    second = complex_step_test(
        lambda u: at(u).gradient.ravel(), z.ravel(), v.ravel(), jvp=E.hessian_product(v).ravel()
    )
    assert (first.passed, second.passed) == (True, True), f"{first}\n{second}"


def test_equal_images_have_similarity_one_gradient_zero_and_the_curvature_as_hessian():
    _, y = images()
    E = StructuralSimilarity(GRID).evaluate(y, y)
    v = np.random.default_rng(2).standard_normal(y.shape)
    assert abs(E.value) < 1e-15
    assert abs(E.gradient).max() < 1e-17
    G = E.positive_product(v)
    assert abs(E.hessian_product(v) - G).max() < 1e-14 * abs(G).max()


def test_the_curvature_is_symmetric_and_positive_where_the_hessian_is_not():
    """On a small grid, by all columns: the smallest eigenvalue of G is not negative, that of H is."""
    grid = Grid((11, 11))
    rng = np.random.default_rng(4)
    z, y = rng.uniform(-1, 1, (2, grid.cells, 1))
    E = StructuralSimilarity(grid).evaluate(z, y)
    G, H = (
        np.stack([product(e[:, None])[:, 0] for e in np.eye(grid.cells)], axis=1)
        for product in (E.positive_product, E.hessian_product)
    )
    scale = np.linalg.norm(G, 2)
    for matrix in (G, H):
        assert abs(matrix - matrix.T).max() < 1e-14 * scale
    assert np.linalg.eigvalsh(G)[0] > -1e-14 * scale
    assert np.linalg.eigvalsh(H)[0] < -1e-3 * scale


def test_similarity_is_symmetric_and_at_most_one():
    z, y = images(noise=1.0)
    one, other = (StructuralSimilarity(GRID, -3, 3).evaluate(*pair) for pair in ((z, y), (y, z)))
    assert np.allclose(one.similarity, other.similarity, rtol=0, atol=1e-14)
    assert one.similarity.max() < 1


def test_the_window_is_symmetric_and_sums_to_one_inside():
    W = window_matrix(Grid((13, 21)), 2)
    assert abs(W - W.T).max() == 0
    rows = W.sum(axis=1).reshape(2, 13, 21)
    assert np.allclose(rows[:, 5:-5, 5:-5], 1, rtol=0, atol=1e-15)
    assert rows[0, 0, 0] < 0.5 < rows.max() < 1 + 1e-14


def test_the_range_is_scaled_to_one():
    z, y = images()
    whole = StructuralSimilarity(GRID).evaluate(z, y)
    unit = StructuralSimilarity(GRID, 0, 1).evaluate((z + 1) / 2, (y + 1) / 2)
    assert abs(whole.value - unit.value) < 1e-14
    assert np.allclose(2 * whole.gradient, unit.gradient, rtol=0, atol=1e-16)


@pytest.mark.parametrize("loss", losses(), ids=lambda loss: type(loss).__name__)
def test_precision_is_kept(loss):
    z, y = (a.astype("float32") for a in images())
    E = loss.evaluate(z, y)
    assert E.gradient.dtype == E.hessian_product(z).dtype == np.float32
    assert abs(E.value - loss.evaluate(*images()).value) < 1e-5


def test_small_images_and_empty_ranges_are_refused():
    with pytest.raises(InputError, match="11 cells"):
        StructuralSimilarity(Grid((12, 10)))
    with pytest.raises(InputError, match="range"):
        StructuralSimilarity(GRID, 1, 1)
