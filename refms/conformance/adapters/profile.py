"""What an implementation declares about itself: the conventions it follows and the cases it covers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from refms.conformance.operations import OPTIONAL
from refms.definition.transfer import PAIRS
from refms.display import short_repr
from refms.errors import InputError, presentable, require_choice
from refms.names import DTYPES, HALVES

LAYOUTS = {"columns": ("c·n", "m"), "NCHW": ("m", "c", "*grid"), "NHWC": ("m", "*grid", "c")}
"""The axes of a field of m examples with c channels of n cells."""

BOUNDARIES = ("periodic", "zero")
ORIENTATIONS = ("correlation", "convolution")
REDUCTIONS = ("mean", "sum")
ACTIVATIONS = ("tanh", "relu", "leaky_relu", "smoothed_relu", "identity")

_CONVOLUTION = ("convolution", "convolution_adjoint", "convolution_matrix", "stencil_gradient")
_TRANSFER = ("restrict", "prolong", "stencil_down", "stencil_up")
_GRADIENT = ("forward", "loss", "gradient")
_GAUSS_NEWTON = ("jacobian_product", "jacobian_transpose", "gauss_newton")

LEVELS: Mapping[str, frozenset[str] | None] = {
    "operators": frozenset((*_CONVOLUTION, *_TRANSFER)),
    "gradient": frozenset(_GRADIENT),
    "gauss-newton": frozenset((*_GRADIENT, *_GAUSS_NEWTON)),
    **OPTIONAL,
    "everything": None,
}
"""What may be claimed: operations, None for all; the properties that need no others must all be tested."""


@dataclass(frozen=True)
class Profile:
    """The conventions of an implementation; properties are drawn from it and judged by it.

    Parameters
    ----------
    name : str
        What reports call the implementation.
    dtype : str
        ``"float64"`` or ``"float32"``: the precision of every array that is handed over and expected back.
        ``"float16"`` and ``"bfloat16"`` as well: linear operations, forward propagation and losses are
        judged in their own eps, ρ <= 2; sums in a higher precision are allowed. NumPy has no bfloat16:
        arrays of float32 hold such numbers, and what comes back is either that or of ``ml_dtypes.bfloat16``.
    dimensions : tuple of int
        Which of 1, 2, 3.
    stencil_sizes : tuple of int
        Odd sizes n_K.
    rectangular : bool
        Whether grids and stencils may have different extents along different axes.
    boundaries : tuple of str
        ``"periodic"``, ``"zero"``, or both.
    orientation : str
        ``"correlation"``: y_{i+κ}, what deep-learning frameworks call convolution; ``"convolution"``:
        y_{i-κ}.
    pairs : tuple of str
        Names of transfer pairs.
    layout : str
        Fields as ``"columns"`` (c·n, m), one column per example; ``"NCHW"`` (m, c, n_1, …, n_d); or
        ``"NHWC"`` (m, n_1, …, n_d, c).
    activations : tuple of str
        Names of activation functions: ``"leaky_relu"`` has the slope 0.01, ``"smoothed_relu"`` is (z+η)²/(4η)
        for |z| < η = 0.1.
    volume_weighted : bool
        Whether logits are h^d Wᵀy + μ, eq. (5) of [LAS], or Wᵀy + μ.
    reduction : str
        Whether the loss is the ``"mean"`` over the examples or their ``"sum"``.
    soft_labels : bool
        Whether labels may be any numbers from 0 on; otherwise columns with a single 1, as of an
        implementation that takes the index of the class: properties of soft labels do not apply to it.
    level : str or None
        What it claims to have, all properties of which must be tested: ``"operators"`` (K(s), R, P, stencils
        by Galerkin), ``"gradient"`` (forward propagation, loss and gradient), ``"gauss-newton"`` (these, the
        Jacobian and the Gauss–Newton product), ``"multiscale"`` (the operations of [MST]), ``"layers"``
        (convolutions with stride, dilation and groups, pooling, biases in cells, tied stencils),
        ``"integrators"`` (midpoint, RK4, leapfrog, Verlet), ``"transfer"`` (whole networks on other meshes),
        ``"data"`` (bytes, labels, accuracy), ``"objective"`` (other losses, regularised objectives, full
        Hessians), ``"optimization"`` (preconditioned, damped and trust-region steps, histories of training)
        or ``"everything"``. None: half of all that applies must be. Properties of the operations of
        ``"multiscale"`` apply to who has one of these, or claims the level; so do those of each level behind
        it.

    Raises
    ------
    InputError
        If a name is unknown, a size is even, or a tuple is empty where it must not be.

    Examples
    --------
    >>> Profile("mine", dimensions=(2,), layout="NCHW").boundaries
    ('periodic',)
    """

    name: str
    dtype: str = "float64"
    dimensions: tuple[int, ...] = (1, 2, 3)
    stencil_sizes: tuple[int, ...] = (1, 3, 5)
    rectangular: bool = True
    boundaries: tuple[str, ...] = ("periodic",)
    orientation: str = "correlation"
    pairs: tuple[str, ...] = ("averaging-bilinear",)
    layout: str = "columns"
    activations: tuple[str, ...] = ("tanh",)
    volume_weighted: bool = True
    reduction: str = "mean"
    level: str | None = None
    soft_labels: bool = True

    __repr__ = short_repr

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", presentable(str(self.name)))  # it stands in every report
        require_choice(self.dtype, (*DTYPES, *HALVES), "dtype")
        require_choice(self.orientation, ORIENTATIONS, "orientation")
        require_choice(self.layout, LAYOUTS, "layout")
        require_choice(self.reduction, REDUCTIONS, "reduction")
        if self.level is not None:
            require_choice(self.level, LEVELS, "level")
        for choices, known, what in (
            (self.boundaries, BOUNDARIES, "boundary"),
            (self.pairs, PAIRS, "transfer pair"),
            (self.activations, ACTIVATIONS, "activation"),
        ):
            for choice in choices:
                require_choice(choice, known, what)
        if not self.dimensions or not set(self.dimensions) <= {1, 2, 3}:
            raise InputError(f"dimensions are {self.dimensions}; expected some of 1, 2, 3.")
        if not self.stencil_sizes or any(size < 1 or size % 2 == 0 for size in self.stencil_sizes):
            raise InputError(f"stencil_sizes are {self.stencil_sizes}; expected odd numbers, such as (3,).")

    @property
    def declared(self) -> str:
        """The conventions in one line."""
        said = {
            "dimensions": self.dimensions,
            "stencil sizes": self.stencil_sizes,
            "boundaries": self.boundaries,
            "orientation": (self.orientation,),
            "pairs": self.pairs,
            "layout": (self.layout,),
            "activations": self.activations,
            "logits": ("with h^d" if self.volume_weighted else "without h^d",),
            "loss": (self.reduction,),
            "labels": ("one-hot and soft" if self.soft_labels else "one-hot",),
            "level": (self.level or "none claimed",),
        }
        return "; ".join(f"{name} {', '.join(map(str, values))}" for name, values in said.items())


def reference_profile(name: str = "refms", dtype: str = "float64") -> Profile:
    """Return the profile of refms: everything the kit knows, in columns."""
    return Profile(
        name,
        dtype=dtype,
        stencil_sizes=(1, 3, 5, 7),
        boundaries=BOUNDARIES,
        pairs=tuple(PAIRS),
        activations=ACTIVATIONS,
    )


@dataclass(frozen=True)
class Problem:
    """The network and its loss apart from all numbers that are learned.

    Parameters
    ----------
    grid : tuple of int
        Cells along each axis.
    final_time : float
        T; with N layers the step is δt = T/N.
    boundary : str
        Boundary of all convolutions.
    activation : str
        Name of σ.

    Examples
    --------
    >>> Problem((4, 6), final_time=1.0).activation
    'tanh'
    """

    grid: tuple[int, ...]
    final_time: float
    boundary: str = "periodic"
    activation: str = "tanh"
