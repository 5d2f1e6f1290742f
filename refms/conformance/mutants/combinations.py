"""Two or more mistakes that agree with each other, or nearly cancel."""

from __future__ import annotations

from refms.conformance.mutants.arrays import flip, roll, scale
from refms.conformance.mutants.mutant import Table

_FLIPPED = "kernel flipped in convolution, adjoint, gradient and matrix alike"
_SUMMED = "R summed and P divided by 2^d, so that RKP is right"
_FURTHER = "R reads one fine cell further and P writes it back"
_DOUBLED = "coarse stencil doubled and fine stencil halved, so that round trips are right"

MISTAKES: Table = {
    "convolution convolution_adjoint convolution_matrix": {_FLIPPED: lambda t: t(S=flip(t.S))},
    "stencil_gradient": {_FLIPPED: lambda t: flip(t())},
    "convolution convolution_adjoint stencil_gradient": {
        "zero boundary in convolution, adjoint and gradient alike": lambda t: t(boundary="zero"),
    },
    "restrict": {
        _SUMMED: lambda t: 2 ** len(t.grid) * t(),
        _FURTHER: lambda t: t(Y=roll(t.Y, t.grid, -1, 2)),
    },
    "prolong": {
        _SUMMED: lambda t: t() / 2 ** len(t.grid),
        _FURTHER: lambda t: roll(t(), t.grid, 1, 2),
    },
    "stencil_down": {_DOUBLED: lambda t: 2 * t()},
    "stencil_up": {_DOUBLED: lambda t: 0.5 * t()},
    "stencil_down stencil_up": {
        "coarse and fine stencil flipped, so that round trips are right": lambda t: flip(t()),
    },
    "forward": {
        "stencils and biases of the layers subtracted, as if the time ran backwards": lambda t: t(
            parameters=scale(t.parameters, -1.0, "stencils", "biases")
        ),
    },
    "loss gradient gauss_newton": {
        "loss, gradient and Gauss-Newton product doubled alike": lambda t: scale(t(), 2),
    },
    "cross_entropy cross_entropy_gradient": {
        "sign of cross entropy and of its gradient": lambda t: -t(),
    },
    "weight_smoothness weight_smoothness_gradient": {
        "smoothness of W and its gradient doubled alike": lambda t: 2 * t(),
    },
    "convolution": {
        "kernel flipped and result moved by one cell": lambda t: roll(t(S=flip(t.S)), t.grid, 1, -1),
    },
}
