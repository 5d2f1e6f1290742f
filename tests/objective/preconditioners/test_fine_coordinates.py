"""Preconditioned steps in coarse stencils are plain steps in fine ones."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import block_diag
from small_nets import examples, images, untrained

from refms.errors import SingularTransferError
from refms.objective.preconditioners import FineCoordinates
from refms.optimize import conjugate_gradients
from refms.run.config import OptimizationSection, RegularizationSection
from refms.run.training import problem_of, train
from refms.stencils.galerkin import restrict_stencil
from refms.stencils.transfer import transfer_pair


def risk_of(net, pair, choice="fine-coordinates"):
    options = OptimizationSection(hessian_fraction=1.0, propagation_preconditioner=choice, dtype=net.dtype)
    weights = RegularizationSection(transfer_pair=pair, theta_tikhonov=1e-2)
    rng = np.random.default_rng(3)
    blocks = {name: x + 0.3 * rng.standard_normal(x.size).astype(x.dtype) for name, x in net.blocks.items()}
    problem = problem_of(net, examples(net, images(count=30)), weights, options)
    return problem.block("propagation", blocks), blocks["propagation"]


def fine_to_coarse(net, pair):
    """Return the matrix from θ with fine stencils to θ with coarse ones, by restricting unit stencils."""
    c, p = net.architecture.layer_channels, int(np.prod(net.architecture.stencil_shape))
    units = np.eye(p).reshape(p, *net.architecture.stencil_shape)
    A = np.stack([restrict_stencil(e, transfer_pair(pair), d=2).ravel() for e in units], axis=1)
    layer = block_diag(*[A] * c**2, np.eye(c))
    leading = net.arrays["opening"].size if net.architecture.opening == "learned" else 0
    return block_diag(np.eye(leading), *[layer] * net.architecture.layers)


@pytest.mark.parametrize("pair", ["averaging-bilinear", "averaging-constant", "injection-linear"])
@pytest.mark.parametrize("options", [{}, {"opening": "learned"}, {"channels": 4, "integrator": "verlet"}])
def test_iterates_are_those_of_plain_conjugate_gradients_in_the_fine_stencils(pair, options):
    net = untrained(4, **options)
    risk, x = risk_of(net, pair)
    B = fine_to_coarse(net, pair)
    g, product = risk.value_and_gradient(x)[1], risk.curvature(x)
    for k in (1, 2, 5):
        steps, M = {"tolerance": 0.0, "max_iterations": k}, risk.preconditioner(x, product)
        found = conjugate_gradients(product, -g, preconditioner=M, **steps)
        fine = conjugate_gradients(lambda v: B.T @ product(B @ v), -B.T @ g, **steps)
        np.testing.assert_allclose(found.x, B @ fine.x, rtol=0, atol=1e-9 * np.abs(found.x).max())
        plain = conjugate_gradients(product, -g, **steps)
        assert np.abs(plain.x - found.x).max() > 1e-3 * np.abs(found.x).max()


def test_a_step_holds_the_prolonged_stencils_smaller_than_a_plain_one():
    """What prolongation makes large is taken last: after a few iterations s_h = A⁻¹ s has moved less."""
    net = untrained(4)
    moved = {}
    for choice in ("none", "fine-coordinates"):
        risk, x = risk_of(net, "averaging-bilinear", choice)
        g, product = risk.value_and_gradient(x)[1], risk.curvature(x)
        M = risk.preconditioner(x, product)
        step = conjugate_gradients(product, -g, tolerance=0.0, max_iterations=3, preconditioner=M)
        moved[choice] = np.linalg.norm(np.linalg.solve(fine_to_coarse(net, "averaging-bilinear"), step.x))
    assert moved["fine-coordinates"] < moved["none"]


def test_pairs_that_cannot_prolong_are_refused_with_what_to_do():
    net = untrained(4)
    weights = RegularizationSection(transfer_pair="nearest")
    options = OptimizationSection(propagation_preconditioner="fine-coordinates", dtype="float64")
    with pytest.raises(SingularTransferError, match="nearest"):
        train(net, examples(net, images(count=30)), weights, options)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_precision_and_place_are_kept(device, dtype):
    net = untrained(4, dtype=dtype).on(device.backend)
    solve = FineCoordinates(net.map.layout, net.architecture.propagation.time, "averaging-bilinear")
    r = net.blocks["propagation"]
    found = solve(None, r, None)(r)
    assert device.owns(found)
    assert (found.dtype, found.shape) == (r.dtype, r.shape)
