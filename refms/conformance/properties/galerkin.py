"""G1-G13: stencils between resolutions, K_H = R K_h P, eqs. (8) and (9)."""

from __future__ import annotations

import itertools
from functools import reduce

import numpy as np

from refms.conformance.gate import Gate
from refms.conformance.instances import Domain, Instance
from refms.conformance.oracles import transfer as oracle
from refms.conformance.oracles.convolution import convolve, doubled, offsets, one_norm
from refms.conformance.outcome import Outcome, agree, both, holds, residual, varies, within, worst
from refms.conformance.property import Family
from refms.errors import Array

law = Family("galerkin").law
EQ8, EQ9 = "[LAS] eq. (8)", "[LAS] eq. (9)"
DOWN, UP = ("stencil_down",), ("stencil_down", "stencil_up")

EXAMPLE_1_FINE = ((-0.89, -2.03, 4.30), (-2.07, 0.00, -2.07), (4.39, -2.03, 1.28))
EXAMPLE_1_PRINTED = ((-0.48, -0.17, 0.82), (-0.15, -0.80, 0.37), (0.84, 0.40, 0.07))
EXAMPLE_1_EXACT = ((-0.47875, -0.1675, 0.81875), (-0.155, -0.805, 0.365), (0.84125, 0.3975, 0.06375))

BILINEAR = {-2: 1 / 8, -1: 4 / 8, 0: 6 / 8, 1: 4 / 8, 2: 1 / 8}
"""c of the pairs of Example 1."""
CONSTANT = {-1: 0.5, 0: 1.0, 1: 0.5}
"""c of the pairs averaging-constant and injection-linear; twice that for summing-constant."""

_GOLDEN = {
    "bilinear": (
        np.array([[0.5, 0.125, 0.0], [0.5, 0.75, 0.5], [0.0, 0.125, 0.5]]),
        np.array([[2.5, -0.5, 0.5], [-2.0, 2.0, -2.0], [0.5, -0.5, 2.5]]),
        (5.18, 26.9, 139.0),
        (5.0, 25.0, 125.0),
        (4.55, 20.7, 94.4),
    ),
    "constant": (
        np.array([[0.5, 0.0, 0.0], [0.5, 1.0, 0.5], [0.0, 0.0, 0.5]]),
        np.array([[2.0, 0.0, 0.0], [-1.0, 1.0, -1.0], [0.0, 0.0, 2.0]]),
        (3.19, 10.2, 32.3),
        (3.0, 9.0, 27.0),
        (2.524, 6.372, 16.09),
    ),
}
"""For stencils of size 3: A, its inverse, and in 1, 2, 3 dimensions cond_2, cond_1 and ‖A⁻¹‖₂.

For the second, ‖A⁻¹‖₂ = √((7 + √33)/2)^d.
"""


def _kind(pair: oracle.Pair) -> str:
    return {tuple(BILINEAR.items()): "bilinear", tuple(CONSTANT.items()): "constant"}.get(
        tuple(pair.correlation.items()), ""
    )


ANY_PAIR = Domain(multiple=2, pair=lambda pair: True)
CLOSED = Domain(multiple=2, pair=lambda pair: True, stencil="closed")
NAMED = Domain(multiple=2, pair=lambda pair: bool(_kind(pair)), stencil="closed", sizes=(3,))
EXAMPLE_1 = Domain(
    multiple=2, pair=lambda pair: _kind(pair) == "bilinear", stencil="closed", sizes=(3,), dimensions=(2,)
)


@law(
    "G1",
    "The coarse stencil acts as R K P does.",
    "K(s_H) = R K(s_h) P as matrices on any even grid; scale σ^d ‖s‖₁‖y‖_∞",
    source=EQ8,
    catches="a rescaled, flipped or shifted coarse stencil, unchanged stencils",
    needs=DOWN,
    domain=ANY_PAIR,
)
def _galerkin_product(a: Gate, x: Instance) -> Outcome:
    S, y = x.stencils(), x.image("y", grid=oracle.coarse(x.grid))
    got = convolve(a.stencil_down(S, x.pair), y, orientation=a.profile.orientation)
    return residual(got, _through(a, S, y, x), _scale(S, y, x), x.dtype, "K(s_H)y against R K(s_h) P y")


@law(
    "G2",
    "The stencil map is the known matrix, and prolongation its inverse.",
    "unit stencils of size 3 give the columns of A ⊗ … ⊗ A, and going up those of its inverse, entry by "
    "entry",
    source=EQ8,
    catches="any wrong entry of the stencil map",
    needs=UP,
    domain=NAMED,
)
def _stencil_map(a: Gate, x: Instance) -> Outcome:
    A, inverse, *_ = _GOLDEN[_kind(x.weights)]
    forth, back = (reduce(np.kron, [matrix] * x.d) for matrix in (A, inverse))
    scale = float(np.abs(back).sum(axis=1).max())
    return both(
        residual(_units(a.stencil_down, x), forth, 1.0, x.dtype, "A ⊗ … ⊗ A"),
        residual(_units(a.stencil_up, x), back, scale, x.dtype, "A⁻¹ ⊗ … ⊗ A⁻¹, scale ‖A⁻¹‖_∞^d"),
    )


@law(
    "G3",
    "Restriction scales the moments of a stencil by known factors.",
    "A has the eigenvalues {1, ½, ¼} ({1, ½, ½} for averaging-constant): Σs is kept, first moments halve, "
    "curvatures (1,-½,1) quarter; [1,-2,1] → [¼,-½,¼] ([½,-1,½])",
    source="moments: left eigenvectors of A",
    catches="summed R, scaled P, misaligned weights, unchanged stencils: what R K_h P alone lets pass",
    needs=DOWN,
    domain=NAMED,
)
def _moments(a: Gate, x: Instance) -> Outcome:
    bilinear = _kind(x.weights) == "bilinear"
    rows = [[1, 1, 1], [-1, 0, 1], [1, -0.5, 1]] if bilinear else [[1, 1, 1], [1, 0, 0], [0, 0, 1]]
    factors = np.array([1, 0.5, 0.25] if bilinear else [1, 0.5, 0.5])
    S = x.stencils()
    before, after = doubled(S), doubled(a.stencil_down(S, x.pair))
    for axis in range(2, 2 + x.d):
        before = _along(np.array(rows, dtype="float64"), before, axis)
        before = before * factors.reshape(-1, *(1,) * (before.ndim - 1 - axis))
        after = _along(np.array(rows, dtype="float64"), after, axis)
    outcomes = [residual(after, before, 4**x.d * one_norm(S), x.dtype, "moments, scale 4^d ‖s‖₁")]
    if x.d == 1:
        laplacian = np.array([[[1.0, -2.0, 1.0]]], dtype=x.dtype)
        expected = (0.25 if bilinear else 0.5) * laplacian
        outcomes.append(residual(a.stencil_down(laplacian, x.pair), expected, 4.0, x.dtype, "[1,-2,1]"))
    return worst(outcomes)


@law(
    "G4",
    "The stencil map is as well conditioned as it is known to be.",
    "size 3 in 1/2/3 dimensions: cond_2 = 5.18/26.9/139 and cond_1 = 5/25/125 (averaging-bilinear), "
    "3.19/10.2/32.3 and 3/9/27 (averaging-constant), ‖A⁻¹‖₂ as large as it is known to be; criterion: the "
    "printed digits",
    source="conditioning of the stencil map",
    catches="a prolongation that amplifies more than it must (least squares, regularisation)",
    needs=UP,
    domain=NAMED,
)
def _conditioning(a: Gate, x: Instance) -> Outcome:
    *_, two, one, inverse = _GOLDEN[_kind(x.weights)]
    forth, back = _units(a.stencil_down, x), _units(a.stencil_up, x)
    outcomes = []
    for value, printed, name in (
        (np.linalg.norm(forth, 2) * np.linalg.norm(back, 2), two[x.d - 1], "cond_2"),
        (np.linalg.norm(forth, 1) * np.linalg.norm(back, 1), one[x.d - 1], "cond_1"),
        (np.linalg.norm(back, 2), inverse[x.d - 1], "‖A⁻¹‖₂"),
    ):
        outcomes.append(
            within(float(value), 0.995 * printed, 1.005 * printed, f"{name} in {x.d} dimension(s)")
        )
    return worst(outcomes)


@law(
    "G5",
    "Up and down undo each other.",
    "down(up(s)) = s = up(down(s)); scale cond_∞(A)^d ‖s‖_∞",
    source=EQ9,
    catches="an inverse of another map, loss of accuracy on the way up",
    needs=UP,
    domain=CLOSED,
)
def _round_trips(a: Gate, x: Instance) -> Outcome:
    S = x.stencils()
    A = oracle.stencil_map(x.weights, x.stencil[0])
    condition = float(np.linalg.cond(A, np.inf)) ** x.d
    scale = condition * float(np.abs(S).max())
    return both(
        residual(a.stencil_down(a.stencil_up(S, x.pair), x.pair), S, scale, x.dtype, "down(up(s)) = s"),
        residual(a.stencil_up(a.stencil_down(S, x.pair), x.pair), S, scale, x.dtype, "up(down(s)) = s"),
    )


@law(
    "G6",
    "Coarse stencils have their natural size, and what cannot be prolonged is refused.",
    "s_H reaches as far as R K_h P does and no farther, half-width ⌊(r+w)/2⌋ for symmetric c of half-width "
    "w; up raises for sizes that are not mapped one to one onto themselves",
    source="support of the Galerkin product",
    catches="entries cut off, a singular map solved in silence",
    needs=UP,
    domain=ANY_PAIR,
)
def _support(a: Gate, x: Instance) -> Outcome:
    pair, outcomes = x.weights, []
    for size in a.profile.stencil_sizes:
        S = x.draw(f"S{size}", 1, 1, *(size,) * x.d)
        got = a.stencil_down(S, x.pair)
        expected = _oriented(a, oracle.down(_oriented(a, S), pair, x.d))
        wide = max(got.shape[2], expected.shape[2])
        scale = pair.row_sum**x.d * one_norm(S)
        outcomes.append(
            residual(
                _padded(got, wide),
                _padded(expected, wide),
                scale,
                x.dtype,
                f"s_H of size {size}, scale σ^d ‖s‖₁",
            )
        )
        if not oracle.closed(pair, size):
            refused = _refuses(a, S, x.pair)
            text = f"up raises for size {size} with {x.pair}"
            outcomes.append(holds(refused, text, "a stencil came back"))
    return worst(outcomes)


@law(
    "G7",
    "The stencil map commutes with flips.",
    "down(flip s) = flip(down(s)) for symmetric c: symmetric stencils stay symmetric, antisymmetric ones "
    "antisymmetric",
    source="symmetry of c",
    catches="a coarse stencil shifted by an entry, axes exchanged",
    needs=DOWN,
    domain=Domain(multiple=2, pair=lambda pair: pair.symmetric),
)
def _flips(a: Gate, x: Instance) -> Outcome:
    S = x.stencils()
    down, scale = a.stencil_down(S, x.pair), x.weights.row_sum**x.d * one_norm(S)
    outcomes = []
    for axis in range(2, 2 + x.d):
        got = a.stencil_down(np.flip(S, axis).copy(), x.pair)
        outcomes.append(
            agree(got, np.flip(down, axis), scale, x.dtype, f"flip of axis {axis - 2}, scale σ^d ‖s‖₁")
        )
    return worst(outcomes)


@law(
    "G8",
    "The coarse symbol is the mean of the fine one over its aliases.",
    "λ_H(θ) = 2^-d Σ_ν (r̂ λ_h p̂*)(θ/2 + πν) over the 2^d aliases ν; scale σ^d ‖s‖₁",
    source="Fourier analysis of two grids",
    catches="weights that alias wrongly, seen in the frequencies",
    needs=DOWN,
    domain=ANY_PAIR,
)
def _aliases(a: Gate, x: Instance) -> Outcome:
    S = x.single()
    theta = np.random.default_rng(x.seed).uniform(-np.pi, np.pi, (8, x.d))
    expected = np.zeros(len(theta), dtype="complex128")
    for nu in itertools.product((0, 1), repeat=x.d):
        phi = theta / 2 + np.pi * np.asarray(nu)
        r_hat = np.prod([_wave(x.weights.r, phi[:, j]) for j in range(x.d)], axis=0)
        p_hat = np.prod([_wave(x.weights.p, phi[:, j]) for j in range(x.d)], axis=0)
        expected += r_hat * _symbol(a, S, phi) * p_hat.conj() / 2**x.d
    got = _symbol(a, a.stencil_down(S, x.pair), theta)
    scale = x.weights.row_sum**x.d * one_norm(S)
    return both(
        residual(got.real, expected.real, scale, x.dtype, "real part of λ_H"),
        residual(got.imag, expected.imag, scale, x.dtype, "imaginary part of λ_H"),
    )


@law(
    "G9",
    "Two levels one after the other are one step to the fourth grid.",
    "K(down(down(s))) = (R_2 R_1) K(s) (P_1 P_2): one step from h to 4h with the composed pair; scale σ^2d "
    "‖s‖₁‖y‖_∞",
    source="semigroup of levels",
    catches="a level with another scaling",
    needs=DOWN,
    domain=Domain(multiple=4, pair=lambda pair: True),
)
def _two_levels(a: Gate, x: Instance) -> Outcome:
    half = oracle.coarse(x.grid)
    quarter = oracle.coarse(half)
    S, y = x.stencils(), x.image("y", grid=quarter)
    on_half = oracle.applied(oracle.prolongation(x.weights, half), y, half)
    expected = oracle.applied(oracle.restriction(x.weights, half), _through(a, S, on_half, x), quarter)
    twice = a.stencil_down(a.stencil_down(S, x.pair), x.pair)
    scale = x.weights.row_sum**x.d * _scale(S, y, x)
    return residual(
        convolve(twice, y, orientation=a.profile.orientation), expected, scale, x.dtype, "K(s_4h)y"
    )


@law(
    "G10",
    "Example 1 of the paper comes out.",
    "Example 1: s_H = [[-.47875,-.1675,.81875],[-.155,-.805,.365],[.84125,.3975,.06375]], printed as "
    "[[-.48,-.17,.82],[-.15,-.80,.37],[.84,.40,.07]]; scale ‖s‖_∞, and 0.0063 from the printed digits",
    source="[LAS] Example 1",
    catches="another pair than the one of the paper, a transposed stencil",
    needs=DOWN,
    domain=EXAMPLE_1,
)
def _example_1(a: Gate, x: Instance) -> Outcome:
    got = a.stencil_down(np.array(EXAMPLE_1_FINE, dtype=x.dtype)[None, None], x.pair)[0, 0]
    deviation = float(np.abs(got - np.array(EXAMPLE_1_PRINTED)).max()) if got.shape == (3, 3) else np.inf
    return both(
        residual(got, np.array(EXAMPLE_1_EXACT), 4.39, x.dtype, "the exact stencil, scale ‖s_h‖_∞"),
        within(deviation, 0.0, 0.0063, "deviation from the printed stencil"),
    )


@law(
    "G11",
    "The stencil map is linear and treats every pair of channels on its own.",
    "down(αs + βt) = α down(s) + β down(t), and stencil (o, c) depends on stencil (o, c) alone; scale σ^d "
    "‖s‖₁",
    source=EQ8,
    catches="channels mixed or exchanged, normalised stencils",
    needs=DOWN,
    domain=ANY_PAIR,
)
def _channelwise(a: Gate, x: Instance) -> Outcome:
    S, T = x.stencils(), x.stencils("T")
    alpha, beta = np.asarray([1.5, -0.75], dtype=x.dtype)
    down_S, down_T = a.stencil_down(S, x.pair), a.stencil_down(T, x.pair)
    mixed = a.stencil_down(alpha * S + beta * T, x.pair)
    scale = 2 * x.weights.row_sum**x.d * (one_norm(S) + one_norm(T))
    outcomes = [agree(mixed, alpha * down_S + beta * down_T, scale, x.dtype, "linear in s")]
    for o, c in itertools.product(range(x.c_out), range(x.c_in)):
        alone = a.stencil_down(S[o : o + 1, c : c + 1].copy(), x.pair)
        outcomes.append(
            agree(down_S[o : o + 1, c : c + 1], alone, scale, x.dtype, f"stencil ({o}, {c}) alone")
        )
    return worst(outcomes)


@law(
    "G12",
    "The Galerkin identity holds for the implementation's own operators, down to one coarse cell.",
    "R K(s_h) P = K(s_H) also on coarse grids with fewer than n_K cells, where entries meet and add; scale "
    "σ^d ‖s‖₁‖y‖_∞",
    source=EQ8,
    catches="wrap-around entries that overwrite, in K_h or in K_H",
    needs=("stencil_down", "restrict", "prolong", "convolution"),
    domain=Domain(boundary="periodic", multiple=2, pair=lambda pair: True, stencil="closed"),
)
def _small_grids(a: Gate, x: Instance) -> Outcome:
    rng = np.random.default_rng(x.seed)
    grid = (
        tuple(int(n) for n in rng.integers(1, 3, x.d))
        if a.profile.rectangular
        else (int(rng.integers(1, 3)),) * x.d
    )
    S, y = x.stencils(), x.image("y", grid=grid)
    through = a.restrict(a.convolution(S, a.prolong(y, x.pair)), x.pair)
    got = a.convolution(a.stencil_down(S, x.pair), y)
    return agree(got, through, _scale(S, y, x), x.dtype, f"K(s_H)y against R K(s_h) P y on {grid}")


@law(
    "G13",
    "The coarse operator is not larger than its factors, and inherits the numerical range.",
    "‖K_H‖₂ <= ‖R‖₂‖P‖₂‖K_h‖₂; where R = 2^-d Pᵀ: xᵀK_H x = zᵀK_h z with z = 2^{-d/2} P x",
    source="stability is inherited",
    catches="a coarse operator that is not the Galerkin one",
    needs=DOWN,
    domain=ANY_PAIR,
)
def _stable(a: Gate, x: Instance) -> Outcome:
    s, coarse = x.single(), oracle.coarse(x.grid)
    s_H = a.stencil_down(s, x.pair)
    n = int(np.prod(coarse))
    units = np.eye(n).reshape(n, 1, *coarse)
    K_H = convolve(s_H, units, orientation=a.profile.orientation).reshape(n, n).T
    R, P = oracle.restriction(x.weights, x.grid), oracle.prolongation(x.weights, x.grid)
    bound = np.linalg.norm(R, 2) * np.linalg.norm(P, 2) * _norm(a, s, x)
    slack = 1 + 300 * float(np.finfo(x.dtype).eps)
    outcomes = [
        varies(s_H, "coarse stencil"),
        holds(
            np.linalg.norm(K_H, 2) <= slack * bound, "‖K_H‖₂ <= ‖R‖₂‖P‖₂‖K_h‖₂", "the coarse norm is larger"
        ),
    ]
    if x.weights.variational:
        w = x.draw("w", 1, 1, *coarse)
        z = oracle.applied(P, w, x.grid) / 2 ** (x.d / 2)
        left = float((doubled(w) * convolve(s_H, w, orientation=a.profile.orientation)).sum())
        right = float((z * convolve(s, z, orientation=a.profile.orientation)).sum())
        scale = one_norm(s) * float((doubled(w) ** 2).sum())
        outcomes.append(residual(left, right, scale, x.dtype, "xᵀK_H x = zᵀK_h z, scale ‖s‖₁‖x‖²"))
    return worst(outcomes)


GALERKIN = (
    _galerkin_product,
    _stencil_map,
    _moments,
    _conditioning,
    _round_trips,
    _support,
    _flips,
    _aliases,
    _two_levels,
    _example_1,
    _channelwise,
    _small_grids,
    _stable,
)
"""The family in order."""


def _scale(S: Array, y: Array, x: Instance) -> float:
    return x.weights.row_sum**x.d * one_norm(S) * float(np.abs(y).max())


def _through(a: Gate, S: Array, y: Array, x: Instance) -> Array:
    """Return R K(S) P y by dense matrices and the stencil loop, from the grid of y."""
    coarse = y.shape[2:]
    fine = tuple(2 * n for n in coarse)
    up = oracle.applied(oracle.prolongation(x.weights, fine), y, fine)
    K = convolve(S, up, orientation=a.profile.orientation)
    return oracle.applied(oracle.restriction(x.weights, fine), K, coarse)


def _units(operation: object, x: Instance) -> Array:
    """Return the matrix of a map of single stencils of size 3, by its action on unit stencils."""
    count = 3**x.d
    units = np.eye(count, dtype=x.dtype).reshape(count, 1, *(3,) * x.d)
    return doubled(operation(units, x.pair)).reshape(count, -1).T  # type: ignore[operator]


def _along(matrix: Array, S: Array, axis: int) -> Array:
    return np.moveaxis(np.tensordot(matrix, S, axes=(1, axis)), 0, axis)


def _oriented(a: Gate, S: Array) -> Array:
    """Return stencils in correlation orientation (its own inverse)."""
    return S if a.profile.orientation == "correlation" else np.flip(S, tuple(range(2, S.ndim)))


def _padded(S: Array, size: int) -> Array:
    return np.pad(S, [(0, 0), (0, 0), *(((size - n) // 2,) * 2 for n in S.shape[2:])])


def _refuses(a: Gate, S: Array, pair: str) -> bool:
    """Return whether the adapter raises when asked for a prolongation that is not unique."""
    try:
        a.adapter.stencil_up(S.copy(), pair)
    except NotImplementedError:
        raise
    except Exception:
        return True
    return False


def _wave(weights: oracle.Weights, phi: Array) -> Array:
    """Return Σ_k w_k e^{iφk}."""
    return sum(
        (w * np.exp(1j * phi * k) for k, w in weights.items()), np.zeros(phi.shape, dtype="complex128")
    )


def _symbol(a: Gate, S: Array, omega: Array) -> Array:
    """Return λ(ω) = Σ_q s_q e^{iω·q} of one stencil at frequencies (k, d)."""
    oriented = doubled(_oriented(a, S))
    values = np.zeros(len(omega), dtype="complex128")
    for index, offset in offsets(S.shape[2:]):
        values += oriented[(0, 0, *index)] * np.exp(1j * (omega @ np.asarray(offset, dtype="float64")))
    return values


def _norm(a: Gate, s: Array, x: Instance) -> float:
    """Return ‖K(s)‖₂ on the fine grid from the symbol."""
    waves = np.meshgrid(*(2 * np.pi * np.arange(n) / n for n in x.grid), indexing="ij")
    return float(np.abs(_symbol(a, s, np.stack([wave.ravel() for wave in waves], axis=1))).max())
