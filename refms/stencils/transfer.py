"""The named pairs (R, P) of restriction and prolongation, and what each of them claims about itself.

[LAS] says "typically RP = γI" and prints an Example 1; no pair does both. So a pair is a named object that
states its properties, and the tests hold each statement, true or false, against the explicit matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

from refms.backend import NUMPY, Backend
from refms.display import fields_as_html, short_repr, table_as_html
from refms.errors import InputError, require_choice, require_whole
from refms.grid import Grid, as_grid
from refms.stencils.kronecker import circulant_rows, deliver, identity, kronecker

Entries = tuple[tuple[int, float], ...]
"""Offsets and weights, one pair for each entry of a row of R or of a column of P."""


@dataclass(frozen=True)
class TransferPair:
    """A restriction R and a prolongation P between a periodic grid and the one with half as many cells.

    In one dimension R[I, 2I + a] = r_a and P[2J + b, J] = p_b; d dimensions by Kronecker products.

    Parameters
    ----------
    name : str
        The name under which ``transfer_pair`` finds it.
    restriction, prolongation : tuple of (int, float)
        The (a, r_a) and the (b, p_b).
    centring : str
        ``"cell"``: coarse cell I covers the fine cells 2I and 2I + 1. ``"vertex"``: coarse vertex I is the
        fine vertex 2I.
    identity_factor : float or None
        γ if RP = γI in one dimension (γ^d I in d dimensions), None if RP is no multiple of I.
    variational : bool
        Whether R = 2^-d Pᵀ, which is exactly when h^d⟨Pw, y⟩ = H^d⟨w, Ry⟩ for all w and y.
    closed_sizes : tuple of int
        The odd stencil sizes n_K for which s_h -> s_H maps stencils of that size one to one onto
        stencils of that size.
    restricts_linears, prolongs_linears : bool
        Whether R, or P, maps a linear function's values to its values (away from the periodic seam).
    order : int
        q in ‖σ^-d P R u - u‖ = O(h^q) for smooth periodic u, with σ = Σ r_a (1 unless R sums).
    reproduces_example_1 : bool
        Whether Example 1 of [LAS] comes out to its printed digits.
    note : str
        Where the pair comes from or what to beware of.

    Raises
    ------
    InputError
        If R or P has no entries or repeats an offset.

    Examples
    --------
    >>> pair = transfer_pair("averaging-constant")
    >>> pair.restriction_matrix(Grid((4,))).toarray().tolist()
    [[0.5, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 0.5]]
    """

    name: str
    restriction: Entries
    prolongation: Entries
    centring: str
    identity_factor: float | None
    variational: bool
    closed_sizes: tuple[int, ...]
    restricts_linears: bool
    prolongs_linears: bool
    order: int
    reproduces_example_1: bool
    note: str = ""

    __repr__ = short_repr

    def _repr_html_(self) -> str:
        """Return R and P on a line of eight cells."""
        line, tables = Grid((8,)), fields_as_html(self)
        for name, A in (("R", self.restriction_matrix(line)), ("P", self.prolongation_matrix(line))):
            rows = [[f"{a:g}" if a else "" for a in row] for row in A.toarray()]
            tables += table_as_html(f"{name}, from {A.shape[1]} to {A.shape[0]} cells", rows)
        return tables

    def __post_init__(self) -> None:
        require_choice(self.centring, ("cell", "vertex"), "centring")
        for what, entries in (("restriction", self.restriction), ("prolongation", self.prolongation)):
            offsets = [offset for offset, _ in entries]
            if not offsets or len(set(offsets)) < len(offsets):
                raise InputError(
                    f"the {what} of pair {self.name!r} has the offsets {offsets}; expected at least one, and "
                    "each only once. Add the weights that share an offset."
                )

    @property
    def correlation(self) -> dict[int, float]:
        """The non-zero c_k = Σ_{b-a=k} r_a p_b, which are all that a stencil sees of the pair (R, P)."""
        c: dict[int, float] = {}
        for a, r in self.restriction:
            for b, p in self.prolongation:
                c[b - a] = c.get(b - a, 0.0) + r * p
        return {k: c[k] for k in sorted(c) if c[k] != 0.0}

    @property
    def half_width(self) -> int:
        """The half-width w of c: the largest |k| with c_k ≠ 0."""
        return max(abs(k) for k in self.correlation)

    def restriction_matrix(
        self,
        fine: Grid,
        channels: int = 1,
        dtype: str = "float64",
        backend: Backend = NUMPY,
        *,
        levels: int = 1,
    ) -> Any:
        """Return R = I_c ⊗ R_1 ⊗ … ⊗ R_d, from the fine grid to a coarser one: y_H = R y_h, eq. (7) of [LAS].

        Parameters
        ----------
        fine : Grid
            The fine grid; every extent must be a multiple of 2^levels.
        channels : int
            Number of channels c, each on its own.
        dtype : str
            ``"float32"`` or ``"float64"``.
        backend : Backend
            Where the matrix is to live.
        levels : int
            How many levels at once; the matrices of the single levels multiply.

        Returns
        -------
        csr_array
            Shape (c·n_coarse, c·n_fine).

        Raises
        ------
        InputError
            If an extent is odd on the way, or levels, channels or dtype is not usable.

        Examples
        --------
        >>> transfer_pair("averaging-constant").restriction_matrix(Grid((2, 2))).toarray().tolist()
        [[0.25, 0.25, 0.25, 0.25]]
        """
        axes = _matrices(self.restriction, fine, channels, levels)
        return deliver(kronecker(identity(channels), *axes), dtype, backend)

    def prolongation_matrix(
        self,
        fine: Grid,
        channels: int = 1,
        dtype: str = "float64",
        backend: Backend = NUMPY,
        *,
        levels: int = 1,
    ) -> Any:
        """Return P = I_c ⊗ P_1 ⊗ … ⊗ P_d, to the fine grid: ỹ_h = P y_H, eq. (7); parameters as for R.

        Returns
        -------
        csr_array
            Shape (c·n_fine, c·n_coarse).

        Notes
        -----
        Prolonging classification weights by a pair that is not variational changes the logits h^d⟨w, y⟩ of
        smooth features at O(h^order).

        Examples
        --------
        >>> transfer_pair("averaging-bilinear").prolongation_matrix(Grid((2,))).toarray().tolist()
        [[1.0], [1.0]]
        """
        axes = _matrices(self.prolongation, fine, channels, levels)
        return deliver(kronecker(identity(channels), *[A.T for A in axes]), dtype, backend)


def _matrices(entries: Entries, fine: Grid, channels: int, levels: int) -> list[Any]:
    """Return, for each axis, the product of the coarse by fine matrices of some levels with these entries."""
    levels = require_whole(levels, "levels", 1)
    channels = require_whole(channels, "channels", 1)
    fine = as_grid(fine)
    fine.coarsen(levels)
    halvings = [[n // 2**level for level in range(levels)] for n in fine.shape]
    return [
        reduce(lambda A, B: B @ A, [circulant_rows(m // 2, m, 2, entries) for m in sizes])
        for sizes in halvings
    ]


_MEAN: Entries = ((0, 0.5), (1, 0.5))
_INJECTION: Entries = ((0, 1.0),)
_CONSTANT: Entries = ((0, 1.0), (1, 1.0))
_LINEAR: Entries = ((-1, 0.5), (0, 1.0), (1, 0.5))
_BILINEAR: Entries = ((-1, 0.25), (0, 0.75), (1, 0.75), (2, 0.25))
_WEIGHTED: Entries = ((-1, 0.25), (0, 0.5), (1, 0.25))
_CUBIC: Entries = ((-3, -0.0625), (-1, 0.5625), (0, 1.0), (1, 0.5625), (3, -0.0625))

# fmt: off
TRANSFER_PAIRS: tuple[TransferPair, ...] = (
    # name, R, P, centring, γ, variational, closed sizes, R keeps linears, P keeps linears,
    # order, reproduces Example 1, note
    TransferPair("averaging-bilinear", _MEAN, _BILINEAR, "cell", None, False, (3, 5), True, True,
        2, True, "Example 1 of [LAS]; RP = tridiag(1/8, 3/4, 1/8)"),
    TransferPair("averaging-constant", _MEAN, _CONSTANT, "cell", 1.0, True, (1, 3), True, False,
        1, False, "too rough for second derivatives: it doubles the discrete Laplacian"),
    TransferPair("summing-constant", _CONSTANT, _CONSTANT, "cell", 2.0, False, (1, 3), False, False,
        1, False, "R = Pᵀ and RP = 2^d I: the γ of [LAS] that depends on d; R multiplies constants by 2^d"),
    TransferPair("full-weighting-linear", _WEIGHTED, _LINEAR, "vertex", None, True, (3, 5), True, True,
        2, True, "the same stencil map as averaging-bilinear, other images"),
    TransferPair("injection-linear", _INJECTION, _LINEAR, "vertex", 1.0, False, (1, 3), True, True,
        2, False, "the same stencil map as averaging-constant, other images"),
    TransferPair("injection-cubic", _INJECTION, _CUBIC, "vertex", 1.0, False, (1, 5, 7), True, True,
        4, False, "exact for cubics, but not monotone: negative weights overshoot at edges"),
    TransferPair("nearest", _INJECTION, _CONSTANT, "cell", 1.0, False, (1,), False, False,
        1, False,
        "what the released code of [MST] does; c = (1, 1) is one-sided: images move by half a fine cell"),
)
# fmt: on
"""The pairs of the papers and their neighbours in the multigrid literature."""


def transfer_pair(name: str | TransferPair) -> TransferPair:
    """Return the pair of that name; a pair itself is returned as it is.

    Parameters
    ----------
    name : str or TransferPair
        Of one of ``TRANSFER_PAIRS``, such as ``"averaging-bilinear"``.

    Returns
    -------
    TransferPair
        (R, P) and what they claim.

    Raises
    ------
    InputError
        If the name is unknown; the nearest one is offered.

    Examples
    --------
    >>> transfer_pair("averaging-bilinear").closed_sizes
    (3, 5)
    """
    if isinstance(name, TransferPair):
        return name
    known = {pair.name: pair for pair in TRANSFER_PAIRS}
    return known[require_choice(name, known, "transfer pair")]
