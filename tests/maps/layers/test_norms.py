"""What normalisation leaves unchanged, and where its Jacobian vanishes."""

from __future__ import annotations

import numpy as np
import pytest

from refms.errors import InputError
from refms.grid import Grid
from refms.maps.layers.norms import normalization

NONE = np.zeros(0)


def field(seed=0, rows=24, examples=2):
    return np.random.default_rng(seed).standard_normal((rows, examples))


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_groups_have_mean_zero_and_variance_one(groups):
    out = normalization(Grid((3, 2)), 4, groups, 1e-12).apply(NONE, 3 + 2 * field())
    numbers = out.reshape(groups, -1, 2)
    assert np.allclose(numbers.mean(axis=1), 0, atol=1e-14)
    assert np.allclose((numbers**2).mean(axis=1), 1, atol=1e-11)


def test_scale_and_shift_change_nothing_up_to_epsilon():
    layer = normalization(Grid((3, 2)), 4, 2, 1e-14)
    assert np.allclose(layer.apply(NONE, 5 * field() - 7), layer.apply(NONE, field()), atol=1e-12)


def test_the_jacobian_is_symmetric_and_has_its_two_small_directions():
    """J = Jᵀ, J 1 = 0, J x̂ = ρ³ ε x̂, all also with ε that is not small."""
    epsilon, x = 0.3, field(1, 6, 1)
    F = normalization(Grid((3,)), 2, 1, epsilon).at(NONE, x)
    J = np.stack([F.jvp(None, e[:, None])[:, 0] for e in np.eye(6)], axis=1)
    rho = 1 / np.sqrt(x.var() + epsilon)
    assert np.allclose(J, J.T, rtol=0, atol=1e-15)
    assert np.allclose(J @ np.ones(6), 0, atol=1e-14)
    assert np.allclose(J @ F.output, rho**3 * epsilon * F.output, rtol=0, atol=1e-15)


@pytest.mark.parametrize("bad", [{"groups": 3}, {"groups": 0}, {"epsilon": 0.0}, {"epsilon": float("nan")}])
def test_bad_arguments_are_refused(bad):
    with pytest.raises(InputError):
        normalization(Grid((2,)), 4, **bad)
