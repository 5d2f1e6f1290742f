"""The named pairs (R, P) of restriction and prolongation, and what each of them claims about itself.

[LAS] says "typically RP = γI" and prints an Example 1; no pair does both. So a pair is a named object that
states its properties, and the tests hold each statement, true or false, against the explicit matrices.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from typing import Any

from refms.backend import NUMPY, Backend
from refms.errors import InputError, require_choice, require_whole
from refms.grid import Grid
from refms.stencils.kronecker import circulant_rows, delivered, identity, kronecker

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
        """Return the explicit matrix of R, from the fine grid to the grid ``levels`` coarser.

        Parameters
        ----------
        fine : Grid
            The fine grid; every extent must be a multiple of 2^levels.
        channels : int
            Number of channels c, each restricted on its own.
        dtype : str
            ``"float32"`` or ``"float64"``.
        backend : Backend
            Where the matrix shall live.
        levels : int
            How many levels at once; the matrices of the single levels multiply.

        Returns
        -------
        csr_array
            I_c ⊗ R_1 ⊗ … ⊗ R_d, shape (c·n_coarse, c·n_fine).

        Raises
        ------
        InputError
            If an extent is odd on the way, or levels, channels or dtype is not usable.

        Notes
        -----
        Eq. (7) of [LAS], y_H = R y_h.

        Examples
        --------
        >>> transfer_pair("averaging-constant").restriction_matrix(Grid((2, 2))).toarray().tolist()
        [[0.25, 0.25, 0.25, 0.25]]
        """
        _require_levels(fine, levels, channels)
        axes = [_along_axis(n, levels, self.restriction) for n in fine.shape]
        return delivered(kronecker(identity(channels), *axes), dtype, backend)

    def prolongation_matrix(
        self,
        fine: Grid,
        channels: int = 1,
        dtype: str = "float64",
        backend: Backend = NUMPY,
        *,
        levels: int = 1,
    ) -> Any:
        """Return the explicit matrix of P, to the fine grid from the grid ``levels`` coarser.

        Parameters
        ----------
        fine : Grid
            The fine grid; every extent must be a multiple of 2^levels.
        channels : int
            Number of channels c, each prolonged on its own.
        dtype : str
            ``"float32"`` or ``"float64"``.
        backend : Backend
            Where the matrix shall live.
        levels : int
            How many levels at once; the matrices of the single levels multiply.

        Returns
        -------
        csr_array
            I_c ⊗ P_1 ⊗ … ⊗ P_d, shape (c·n_fine, c·n_coarse).

        Raises
        ------
        InputError
            If an extent is odd on the way, or levels, channels or dtype is not usable.

        Notes
        -----
        Eq. (7) of [LAS], ỹ_h = P y_H. Prolonging classification weights by a pair that is not variational
        changes the logits h^d⟨w, y⟩ of smooth features at O(h^order).

        Examples
        --------
        >>> transfer_pair("averaging-bilinear").prolongation_matrix(Grid((2,))).toarray().tolist()
        [[1.0], [1.0]]
        """
        _require_levels(fine, levels, channels)
        axes = [_along_axis(n, levels, self.prolongation).T for n in fine.shape]
        return delivered(kronecker(identity(channels), *axes), dtype, backend)


def _along_axis(n: int, levels: int, entries: Entries) -> Any:
    """Return the one-dimensional matrix, coarse by fine, of some levels whose rows have these entries."""
    sizes = [n // 2**level for level in range(levels)]
    return reduce(lambda A, B: B @ A, [circulant_rows(m // 2, m, 2, entries) for m in sizes])


def _require_levels(fine: Grid, levels: int, channels: int) -> None:
    require_whole(levels, "levels", 1)
    require_whole(channels, "channels", 1)
    fine.coarsen(levels)


_CONSTANT: Entries = ((0, 1.0), (1, 1.0))
_LINEAR: Entries = ((-1, 0.5), (0, 1.0), (1, 0.5))

TRANSFER_PAIRS: tuple[TransferPair, ...] = (
    TransferPair(
        name="averaging-bilinear",
        restriction=((0, 0.5), (1, 0.5)),
        prolongation=((-1, 0.25), (0, 0.75), (1, 0.75), (2, 0.25)),
        centring="cell",
        identity_factor=None,
        variational=False,
        closed_sizes=(3, 5),
        restricts_linears=True,
        prolongs_linears=True,
        order=2,
        reproduces_example_1=True,
        note="Example 1 of [LAS]; RP = tridiag(1/8, 3/4, 1/8)",
    ),
    TransferPair(
        name="averaging-constant",
        restriction=((0, 0.5), (1, 0.5)),
        prolongation=_CONSTANT,
        centring="cell",
        identity_factor=1.0,
        variational=True,
        closed_sizes=(1, 3),
        restricts_linears=True,
        prolongs_linears=False,
        order=1,
        reproduces_example_1=False,
        note="too rough for second derivatives: it doubles the discrete Laplacian",
    ),
    TransferPair(
        name="summing-constant",
        restriction=_CONSTANT,
        prolongation=_CONSTANT,
        centring="cell",
        identity_factor=2.0,
        variational=False,
        closed_sizes=(1, 3),
        restricts_linears=False,
        prolongs_linears=False,
        order=1,
        reproduces_example_1=False,
        note="R = Pᵀ and RP = 2^d I: the γ of [LAS] that depends on d; R multiplies constants by 2^d",
    ),
    TransferPair(
        name="full-weighting-linear",
        restriction=((-1, 0.25), (0, 0.5), (1, 0.25)),
        prolongation=_LINEAR,
        centring="vertex",
        identity_factor=None,
        variational=True,
        closed_sizes=(3, 5),
        restricts_linears=True,
        prolongs_linears=True,
        order=2,
        reproduces_example_1=True,
        note="the same stencil map as averaging-bilinear, other images",
    ),
    TransferPair(
        name="injection-linear",
        restriction=((0, 1.0),),
        prolongation=_LINEAR,
        centring="vertex",
        identity_factor=1.0,
        variational=False,
        closed_sizes=(1, 3),
        restricts_linears=True,
        prolongs_linears=True,
        order=2,
        reproduces_example_1=False,
        note="the same stencil map as averaging-constant, other images",
    ),
    TransferPair(
        name="injection-cubic",
        restriction=((0, 1.0),),
        prolongation=((-3, -0.0625), (-1, 0.5625), (0, 1.0), (1, 0.5625), (3, -0.0625)),
        centring="vertex",
        identity_factor=1.0,
        variational=False,
        closed_sizes=(1, 5, 7),
        restricts_linears=True,
        prolongs_linears=True,
        order=4,
        reproduces_example_1=False,
        note="exact for cubics, but not monotone: negative weights overshoot at edges",
    ),
    TransferPair(
        name="nearest",
        restriction=((0, 1.0),),
        prolongation=_CONSTANT,
        centring="cell",
        identity_factor=1.0,
        variational=False,
        closed_sizes=(1,),
        restricts_linears=False,
        prolongs_linears=False,
        order=1,
        reproduces_example_1=False,
        note="what the released code of [MST] does; c = (1, 1) is one-sided: images move by half a fine cell",
    ),
)
"""The pairs of the papers and their neighbours in the multigrid literature."""


def transfer_pair(name: str) -> TransferPair:
    """Return the pair of that name.

    Parameters
    ----------
    name : str
        One of the names in ``TRANSFER_PAIRS``.

    Returns
    -------
    TransferPair
        The pair.

    Raises
    ------
    InputError
        If there is none; the message lists the names and offers the nearest.

    Examples
    --------
    >>> transfer_pair("averaging-bilinear").closed_sizes
    (3, 5)
    """
    known = {pair.name: pair for pair in TRANSFER_PAIRS}
    return known[require_choice(name, known, "transfer pair")]
