"""Two or more mistakes that agree with each other, or nearly cancel."""

from __future__ import annotations

from refms.conformance.mutants.arrays import flip, roll, times, to_last
from refms.conformance.mutants.classifier import CLASSIFIER
from refms.conformance.mutants.convolution import CONVOLUTION
from refms.conformance.mutants.mutant import Mutant, alter, combine, feed, of_family, substitute
from refms.conformance.mutants.network import NETWORK
from refms.conformance.mutants.transfer import TRANSFER


def _single(name: str) -> Mutant:
    """Return the mutant of one of the families above with a name."""
    return next(one for one in (*CONVOLUTION, *TRANSFER, *NETWORK, *CLASSIFIER) if one.name == name)


_ZERO = to_last("zero")

COMBINATIONS = of_family(
    "combinations",
    substitute(
        "kernel flipped in convolution, adjoint, gradient and matrix alike",
        convolution=lambda right, S, *rest: right.convolution(flip(S), *rest),
        convolution_adjoint=lambda right, S, *rest: right.convolution_adjoint(flip(S), *rest),
        convolution_matrix=lambda right, S, *rest: right.convolution_matrix(flip(S), *rest),
        stencil_gradient=lambda right, *given: flip(right.stencil_gradient(*given)),
    ),
    feed(
        "zero boundary in convolution, adjoint and gradient alike",
        convolution=_ZERO,
        convolution_adjoint=_ZERO,
        stencil_gradient=_ZERO,
    ),
    combine(
        "R summed and P divided by 2^d, so that RKP is right",
        _single("R sums where it should average"),
        _single("P divided by 2^d, as if it were a transposed average"),
    ),
    substitute(
        "R reads one fine cell further and P writes it back",
        restrict=lambda right, Y, grid, pair: right.restrict(roll(Y, grid, -1, 2), grid, pair),
        prolong=lambda right, Y, grid, pair: roll(right.prolong(Y, grid, pair), grid, 1, 2),
    ),
    alter(
        "coarse stencil doubled and fine stencil halved, so that round trips are right",
        stencil_down=times(2),
        stencil_up=times(0.5),
    ),
    alter(
        "coarse and fine stencil flipped, so that round trips are right",
        stencil_down=lambda found, S, pair: flip(found),
        stencil_up=lambda found, S, pair: flip(found),
    ),
    combine(
        "stencils and biases of the layers subtracted, as if the time ran backwards",
        _single("stencils of the layers subtracted"),
        _single("biases subtracted"),
    ),
    alter(
        "loss, gradient and Gauss-Newton product doubled alike",
        loss=times(2),
        gradient=times(2),
        gauss_newton=times(2),
    ),
    alter(
        "sign of cross entropy and of its gradient", cross_entropy=times(-1), cross_entropy_gradient=times(-1)
    ),
    alter(
        "smoothness of W and its gradient doubled alike",
        weight_smoothness=times(2),
        weight_smoothness_gradient=times(2),
    ),
    combine(
        "kernel flipped and result moved by one cell",
        _single("kernel flipped on all axes"),
        _single("result moved by one cell along the last axis"),
    ),
)
"""The family."""
