"""Corruptions of images: the formulas, and what is independent of what."""

from __future__ import annotations

import numpy as np
import pytest

from refms.data.corruption import (
    TASKS,
    Deblur,
    Denoise,
    Inpaint,
    SuperResolve,
    draw_corruption,
    task_named,
    validation_corruption,
)
from refms.data.streams import PURPOSES, random_stream
from refms.errors import InputError
from refms.grid import Grid
from refms.stencils.resize import resize_matrix
from refms.stencils.smoothing import gaussian_matrix

GRID = Grid((8, 12))
IMAGES = np.random.default_rng(0).uniform(-1, 1, (2 * GRID.cells, 9))


def draw(task, count=5, seed=3, **place):
    return draw_corruption(task, IMAGES, GRID, count, seed, **place)


def test_what_is_drawn_depends_on_its_name_alone():
    numbers = {
        tuple(random_stream(seed, purpose, stage, iteration, term).integers(2**62, size=2).tolist())
        for seed in range(2)
        for purpose in PURPOSES
        for stage in range(2)
        for iteration in range(2)
        for term in range(2)
    }
    assert len(numbers) == 2**4 * len(PURPOSES)
    assert np.array_equal(draw(Denoise()).noise, draw(Denoise()).noise)


def test_masks_do_not_change_noise_times_or_examples():
    """Inpainting with and without rectangles: only what lies in holes differs."""
    without, holes = draw(Inpaint(rectangles=0)), draw(Inpaint(rectangles=3, largest=0.9))
    assert np.array_equal(without.times, holes.times)
    assert np.array_equal(without.target, holes.target)
    assert np.array_equal(without.noise * holes.seen, holes.noise)
    assert np.array_equal(without.signal * holes.seen, holes.signal)
    assert 0 < (holes.seen == 0).mean() < 0.7


def test_the_formulas_of_the_tasks():
    x = draw(Denoise())
    assert np.array_equal(x.signal, x.times * x.target)
    assert 0 < x.times.min() < x.times.max() < 1
    blur = draw(Deblur(sigma=1.5))
    B = np.kron(np.eye(2), gaussian_matrix(GRID, 1.5).toarray())
    assert np.allclose(blur.signal, (1 - blur.times) * (B @ blur.target), rtol=0, atol=1e-14)
    assert np.allclose(blur.times, 0.1 * x.times, rtol=1e-15)
    z = x.noise / (1 - x.times)
    assert np.allclose(blur.noise, blur.times * z, rtol=1e-13)


@pytest.mark.parametrize("task", [Denoise(), Deblur(), Inpaint(rectangles=0)])
def test_the_noise_is_white_and_of_the_stated_strength(task):
    """Mean and variance of z over 9 × 192 numbers, eight standard errors wide."""
    found = validation_corruption(task, IMAGES, GRID, seed=1)
    factor = 1 - found.times if isinstance(task, Denoise) else found.times
    z = (found.noise / factor).ravel()
    assert abs(z.mean()) < 8 / np.sqrt(z.size)
    assert abs(z.var() - 1) < 8 * np.sqrt(2 / z.size)


def test_validation_is_fixed_with_times_in_the_middle():
    found, again = (validation_corruption(Denoise(), IMAGES, GRID, seed=1) for _ in range(2))
    assert np.array_equal(found.noise, again.noise)
    assert np.allclose(found.times, (np.arange(9) + 0.5) / 9)


def test_low_resolution_is_cubic_down_and_linear_up():
    coarse = Grid((4, 6))
    expected = resize_matrix(coarse, GRID, "linear") @ resize_matrix(GRID, coarse, "cubic")
    assert abs(SuperResolve().on_mesh(GRID) - expected).max() == 0
    found = draw(SuperResolve())
    assert np.array_equal(found.signal, found.target)
    assert not found.noise.any()
    assert not found.times.any()


def test_examples_are_drawn_without_replacement():
    found = draw(Denoise(), count=9).target
    assert len({tuple(column) for column in found.T.tolist()}) == 9


def test_rectangles_have_the_stated_edges():
    task = Inpaint(rectangles=1, smallest=0.5, largest=0.5)
    rng, sizes = np.random.default_rng(0), set()
    for _ in range(40):
        holes = np.argwhere(task.draw_mask(rng, GRID) == 0)
        if len(holes):
            sizes.add(tuple((holes.max(axis=0) - holes.min(axis=0) + 1).tolist()))
    assert sizes == {(4, 6)}


@pytest.mark.parametrize(
    "make",
    [
        lambda: draw(Denoise(), count=10),
        lambda: draw(Denoise(), count=0),
        lambda: Deblur(largest_time=1.5),
        lambda: Inpaint(smallest=0.5, largest=0.2),
        lambda: Inpaint(rectangles=1.5),
        lambda: SuperResolve(ratio=1),
        lambda: SuperResolve().on_mesh(Grid((9, 8))),
        lambda: task_named("denoising"),
        lambda: random_stream(0, "noises"),
        lambda: random_stream(-1, "noise"),
    ],
)
def test_what_cannot_be_is_refused(make):
    with pytest.raises(InputError):
        make()


def test_every_task_has_a_name():
    assert [type(task_named(name)) for name in TASKS] == [Denoise, Deblur, Inpaint, SuperResolve]
