"""Two or more mistakes that agree with each other, or nearly cancel."""

from __future__ import annotations

from refms.conformance.mutants.arrays import flip, rolled, scaled
from refms.conformance.mutants.classifier import CLASSIFIER
from refms.conformance.mutants.convolution import CONVOLUTION
from refms.conformance.mutants.mutant import Mutant, Shelf
from refms.conformance.mutants.network import NETWORK
from refms.conformance.mutants.transfer import TRANSFER

shelf = Shelf("combinations")


def _single(name: str) -> Mutant:
    """Return the mutant of one of the families above with a name."""
    return next(one for one in (*CONVOLUTION, *TRANSFER, *NETWORK, *CLASSIFIER) if one.name == name)


COMBINATIONS = (
    shelf.replaced(
        "kernel flipped in convolution, adjoint, gradient and matrix alike",
        convolution=lambda right, S, *rest: right.convolution(flip(S), *rest),
        convolution_adjoint=lambda right, S, *rest: right.convolution_adjoint(flip(S), *rest),
        convolution_matrix=lambda right, S, *rest: right.convolution_matrix(flip(S), *rest),
        stencil_gradient=lambda right, *given: flip(right.stencil_gradient(*given)),
    ),
    shelf.replaced(
        "zero boundary in convolution, adjoint and gradient alike",
        convolution=lambda right, S, Y, grid, boundary: right.convolution(S, Y, grid, "zero"),
        convolution_adjoint=lambda right, S, Z, grid, boundary: right.convolution_adjoint(S, Z, grid, "zero"),
        stencil_gradient=lambda right, Z, Y, grid, stencil, boundary: right.stencil_gradient(
            Z, Y, grid, stencil, "zero"
        ),
    ),
    shelf.combined(
        "R summed and P divided by 2^d, so that RKP is right",
        _single("R sums where it should average"),
        _single("P divided by 2^d, as if it were a transposed average"),
    ),
    shelf.replaced(
        "R reads one fine cell further and P writes it back",
        restrict=lambda right, Y, grid, pair: right.restrict(rolled(Y, grid, -1, 2), grid, pair),
        prolong=lambda right, Y, grid, pair: rolled(right.prolong(Y, grid, pair), grid, 1, 2),
    ),
    shelf.altered(
        "coarse stencil doubled and fine stencil halved, so that round trips are right",
        stencil_down=lambda found, S, pair: 2 * found,
        stencil_up=lambda found, S, pair: found / 2,
    ),
    shelf.altered(
        "coarse and fine stencil flipped, so that round trips are right",
        stencil_down=lambda found, S, pair: flip(found),
        stencil_up=lambda found, S, pair: flip(found),
    ),
    shelf.combined(
        "stencils and biases of the layers subtracted, as if the time ran backwards",
        _single("stencils of the layers subtracted"),
        _single("biases subtracted"),
    ),
    shelf.altered(
        "loss, gradient and Gauss-Newton product doubled alike",
        loss=lambda found, *given: 2 * found,
        gradient=lambda found, *given: scaled(found, 2.0),
        gauss_newton=lambda found, *given: scaled(found, 2.0),
    ),
    shelf.altered(
        "sign of cross entropy and of its gradient",
        cross_entropy=lambda found, Z, C: -found,
        cross_entropy_gradient=lambda found, Z, C: -found,
    ),
    shelf.altered(
        "smoothness of W and its gradient doubled alike",
        weight_smoothness=lambda found, W, grid: 2 * found,
        weight_smoothness_gradient=lambda found, W, grid: 2 * found,
    ),
    shelf.combined(
        "kernel flipped and result moved by one cell",
        _single("kernel flipped on all axes"),
        _single("result moved by one cell along the last axis"),
    ),
)
"""The family."""
