"""Implementations with one mistake each: the reference, wrong in the way its docstring says.

`kills` names properties that must fail; together the mutants make every property of the catalogue fail.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from refms.conformance.oracles.transfer import PAIRS, stencil_map
from refms.conformance.reference import ReferenceAdapter
from refms.network.composition import Sequence


def flip(S):
    return S[(slice(None), slice(None)) + (slice(None, None, -1),) * (S.ndim - 2)].copy()


def images(Y, grid):
    """Columns (c·n, m) as (m, c, *grid)."""
    return np.ascontiguousarray(Y.T).reshape(Y.shape[1], -1, *grid)


def columns(Y):
    return np.ascontiguousarray(Y.reshape(len(Y), -1).T)


def scaled(parameters, factor):
    return {key: (factor * array).astype(array.dtype) for key, array in parameters.items()}


# -- convolution -------------------------------------------------------------------------------------------


class FlippedKernel(ReferenceAdapter):
    """The stencil flipped along all axes."""

    kills = ("C1", "C3", "C4", "C7", "C8", "C9", "C13", "C14", "C15")

    def convolution(self, S, Y, grid, boundary):
        return super().convolution(flip(S), Y, grid, boundary)


class FlippedEverywhere(ReferenceAdapter):
    """The stencil flipped along all axes, in the adjoint, the gradient and the matrix as well."""

    kills = ("C1", "C4", "C7", "C8", "C9", "C13", "C2")

    def convolution(self, S, Y, grid, boundary):
        return super().convolution(flip(S), Y, grid, boundary)

    def convolution_adjoint(self, S, Z, grid, boundary):
        return super().convolution_adjoint(flip(S), Z, grid, boundary)

    def convolution_matrix(self, S, grid, boundary):
        return super().convolution_matrix(flip(S), grid, boundary)

    def stencil_gradient(self, Z, Y, grid, stencil, boundary):
        return flip(super().stencil_gradient(Z, Y, grid, stencil, boundary))


class ZeroBoundary(ReferenceAdapter):
    """Zeros beyond the grid although periodic was asked for."""

    kills = ("C3", "C4", "C6", "C9", "C13")

    def convolution(self, S, Y, grid, boundary):
        return super().convolution(S, Y, grid, "zero")


class PeriodicBoundary(ReferenceAdapter):
    """Periodic although zeros were asked for."""

    kills = ("C12", "C13", "T10")

    def convolution(self, S, Y, grid, boundary):
        return super().convolution(S, Y, grid, "periodic")


class OriginOffByOne(ReferenceAdapter):
    """The result moved by one cell along the last axis."""

    kills = ("C1", "C7", "C9", "C11", "C13")

    def convolution(self, S, Y, grid, boundary):
        moved = np.roll(images(super().convolution(S, Y, grid, boundary), grid), 1, axis=-1)
        return columns(moved)


class StencilAxesExchanged(ReferenceAdapter):
    """The stencil transposed in its first and last axis."""

    kills = ("C9", "C11", "C13")

    def convolution(self, S, Y, grid, boundary):
        square = len(set(S.shape[2:])) == 1
        return super().convolution(S.swapaxes(2, -1).copy() if square else S, Y, grid, boundary)


class OutputChannelsReversed(ReferenceAdapter):
    """Channels of the result in reverse order."""

    kills = ("C10", "C13")

    def convolution(self, S, Y, grid, boundary):
        return columns(images(super().convolution(S, Y, grid, boundary), grid)[:, ::-1])


class AdjointWithoutFlip(ReferenceAdapter):
    """The adjoint exchanges the channels and forgets to flip."""

    kills = ("C5", "C10", "C14")

    def convolution_adjoint(self, S, Z, grid, boundary):
        return super().convolution_adjoint(flip(S), Z, grid, boundary)


class AdjointWithVolume(ReferenceAdapter):
    """The adjoint belongs to an inner product with h^d on one side alone."""

    kills = ("C5", "C10", "C14")

    def convolution_adjoint(self, S, Z, grid, boundary):
        return super().convolution_adjoint(S, Z, grid, boundary) / np.asarray(np.prod(grid) + 1, Z.dtype)


class GradientAveraged(ReferenceAdapter):
    """The stencil gradient is the mean over the examples."""

    kills = ("C8", "C14")

    def stencil_gradient(self, Z, Y, grid, stencil, boundary):
        return super().stencil_gradient(Z, Y, grid, stencil, boundary) / np.asarray(Y.shape[1], Y.dtype)


class ConstantAdded(ReferenceAdapter):
    """A bias on the way."""

    kills = ("C1", "C6", "C13")

    def convolution(self, S, Y, grid, boundary):
        return super().convolution(S, Y, grid, boundary) + np.asarray(1e-3, Y.dtype)


class HalfPrecisionInside(ReferenceAdapter):
    """Computed in half the digits."""

    kills = ("C15", "C13")

    def convolution(self, S, Y, grid, boundary):
        low = "float32" if Y.dtype == np.float64 else "float16"
        return super().convolution(S, Y.astype(low).astype(Y.dtype), grid, boundary)


class CollisionsOverwrite(ReferenceAdapter):
    """In the explicit matrix, entries that meet after wrapping around overwrite each other."""

    kills = ("C2", "C13")

    def convolution_matrix(self, S, grid, boundary):
        n = int(np.prod(grid))
        K = np.zeros((S.shape[0] * n, S.shape[1] * n), S.dtype)
        for index in np.ndindex(*S.shape[2:]):
            one = np.zeros_like(S)
            at = (slice(None), slice(None), *index)
            one[at] = S[at]
            part = super().convolution_matrix(one, grid, boundary).toarray()
            K = np.where(part != 0, part, K)
        return K


class SmallGridsCut(ReferenceAdapter):
    """Stencil entries that reach around a small grid are left out."""

    kills = ("C3", "C13", "G12")

    def convolution(self, S, Y, grid, boundary):
        cut = S.copy()
        for axis, n in enumerate(grid, start=2):
            far = abs(np.arange(S.shape[axis]) - S.shape[axis] // 2) > max(n - 1, 0)
            cut[(slice(None),) * axis + (far,)] = 0
        return super().convolution(cut, Y, grid, boundary)


class SlightlyTooLarge(ReferenceAdapter):
    """Every result too large by 10⁻⁴."""

    kills = ("C4", "C6", "C13", "C15")

    def convolution(self, S, Y, grid, boundary):
        return super().convolution(S, Y, grid, boundary) * np.asarray(1 + 1e-4, Y.dtype)


# -- transfer ----------------------------------------------------------------------------------------------


class SummedRestriction(ReferenceAdapter):
    """R sums where it should average, P as it was."""

    kills = ("T1", "T2", "T3", "T9")

    def restrict(self, Y, grid, pair):
        return super().restrict(Y, grid, pair) * np.asarray(2 ** len(grid), Y.dtype)


class MisalignedRestriction(ReferenceAdapter):
    """R reads one fine cell further along the first axis."""

    kills = ("T2", "T3", "T4", "T5")

    def restrict(self, Y, grid, pair):
        return super().restrict(columns(np.roll(images(Y, grid), -1, axis=2)), grid, pair)


class MisalignedBilinear(ReferenceAdapter):
    """The weights (1,3,3,1)/4 of P one fine cell too far."""

    kills = ("T3", "T4", "T5", "T10")

    def prolong(self, Y, grid, pair):
        moved = np.roll(images(super().prolong(Y, grid, pair), grid), 1, axis=-1)
        return columns(moved)


class ConstantProlongation(ReferenceAdapter):
    """P is piecewise constant for every pair."""

    kills = ("T2", "T3", "T4", "T5", "T10")

    def prolong(self, Y, grid, pair):
        return super().prolong(Y, grid, "averaging-constant")


class EdgesSpecial(ReferenceAdapter):
    """The first coarse cell is halved."""

    kills = ("T1", "T6")

    def restrict(self, Y, grid, pair):
        coarse = tuple(n // 2 for n in grid)
        found = images(super().restrict(Y, grid, pair), coarse)
        found[:, :, 0] /= 2
        return columns(found)


class ProlongedEdges(ReferenceAdapter):
    """The last fine cell repeats its neighbour."""

    kills = ("T5", "T6")

    def prolong(self, Y, grid, pair):
        found = images(super().prolong(Y, grid, pair), grid)
        found[:, :, -1] = 0.5 * found[:, :, -2]
        return columns(found)


class CoarseCellTwice(ReferenceAdapter):
    """The last coarse cell is a copy of the first."""

    kills = ("T6", "T7")

    def restrict(self, Y, grid, pair):
        found = images(super().restrict(Y, grid, pair), tuple(n // 2 for n in grid))
        found[:, :, -1] = found[:, :, 0]
        return columns(found)


class OddCutOff(ReferenceAdapter):
    """An odd row at the end is dropped in silence."""

    kills = ("T8",)

    def restrict(self, Y, grid, pair):
        even = tuple(n - n % 2 for n in grid)
        cut = images(Y, grid)[(slice(None), slice(None), *(slice(0, n) for n in even))]
        return super().restrict(columns(cut), even, pair)


class Overshooting(ReferenceAdapter):
    """P sharpens by a tenth."""

    kills = ("T1", "T9")

    def prolong(self, Y, grid, pair):
        return super().prolong(Y, grid, pair) * np.asarray(1.1, Y.dtype)


class SquareFactor(ReferenceAdapter):
    """A factor that is there only in two and three dimensions."""

    kills = ("T1", "T5")

    def restrict(self, Y, grid, pair):
        return super().restrict(Y, grid, pair) * np.asarray(1.0 if len(grid) == 1 else 2.0, Y.dtype)


class ChannelsMixed(ReferenceAdapter):
    """Every channel gets a little of the mean of all."""

    kills = ("T6",)

    def restrict(self, Y, grid, pair):
        found = images(super().restrict(Y, grid, pair), tuple(n // 2 for n in grid))
        return columns(found + found.mean(axis=(0, 1), keepdims=True) / 10)


# -- galerkin ----------------------------------------------------------------------------------------------


class StencilKept(ReferenceAdapter):
    """The paper's baseline: the stencil is not changed."""

    kills = ("G1", "G2", "G3", "G4", "G6", "G8", "G10", "G12", "G13")

    def stencil_down(self, S, pair):
        return S.copy()

    def stencil_up(self, S, pair):
        return S.copy()


class OtherPair(ReferenceAdapter):
    """The stencil map of averaging-constant for every pair."""

    kills = ("G1", "G2", "G3", "G4", "G8", "G9", "G10", "G12")

    def stencil_down(self, S, pair):
        return super().stencil_down(S, "averaging-constant")


class SummedStencil(ReferenceAdapter):
    """R summed: K_H = 2^d R K P."""

    kills = ("G1", "G2", "G3", "G8", "G9", "G10", "G13")

    def stencil_down(self, S, pair):
        return super().stencil_down(S, pair) * np.asarray(2 ** (S.ndim - 2), S.dtype)


class TransposedCoarseStencil(ReferenceAdapter):
    """The coarse stencil with its first and last axis exchanged."""

    kills = ("G1", "G10", "G12")

    def stencil_down(self, S, pair):
        found = super().stencil_down(S, pair)
        return found.swapaxes(2, -1).copy() if len(set(found.shape[2:])) == 1 else found


class ShiftedCoarseStencil(ReferenceAdapter):
    """The coarse stencil moved by one entry."""

    kills = ("G1", "G7", "G8")

    def stencil_down(self, S, pair):
        return np.roll(super().stencil_down(S, pair), 1, axis=-1)


class NormalizedStencil(ReferenceAdapter):
    """The coarse stencil scaled to sum one."""

    kills = ("G1", "G11")

    def stencil_down(self, S, pair):
        found = super().stencil_down(S, pair)
        return (found / np.abs(found).sum()).astype(S.dtype)


class ChannelsOfStencilMixed(ReferenceAdapter):
    """Stencil (o, c) gets a little of the mean of all."""

    kills = ("G1", "G11")

    def stencil_down(self, S, pair):
        found = super().stencil_down(S, pair)
        return found + found.mean(axis=(0, 1), keepdims=True) / 10


class RegularizedUp(ReferenceAdapter):
    """Prolongation by (AᵀA + 10⁻³I)⁻¹Aᵀ, also where it is not unique."""

    kills = ("G2", "G4", "G5", "G6")

    def stencil_up(self, S, pair):
        result = S.astype("float64")
        for axis in range(2, S.ndim):
            A = stencil_map(PAIRS[pair], S.shape[axis])
            spread = (A.shape[0] - S.shape[axis]) // 2
            A = A[spread : spread + S.shape[axis]] if spread > 0 else np.pad(A, ((-spread, -spread), (0, 0)))
            inverse = np.linalg.solve(A.T @ A + 1e-3 * np.eye(A.shape[1]), A.T)
            result = np.moveaxis(np.tensordot(inverse, result, axes=(1, axis)), 0, axis)
        return result.astype(S.dtype)


class UpNeverRefuses(ReferenceAdapter):
    """A stencil that cannot be prolonged comes back as it is."""

    kills = ("G6",)

    def stencil_up(self, S, pair):
        try:
            return super().stencil_up(S, pair)
        except ValueError:
            return S.copy()


# -- network -----------------------------------------------------------------------------------------------


class StepIsOne(ReferenceAdapter):
    """δt = 1 whatever T and N are."""

    kills = ("N1", "N2", "N4", "N6", "N8", "N9", "D3")

    def forward(self, parameters, X, problem):
        layers = len(parameters["stencils"])
        return super().forward(parameters, X, replace(problem, final_time=float(layers)))


class OneStepMore(ReferenceAdapter):
    """δt = T/(N+1), the index slip of the paper."""

    kills = ("N4", "N6", "N9")

    def forward(self, parameters, X, problem):
        layers = len(parameters["stencils"])
        return super().forward(
            parameters, X, replace(problem, final_time=problem.final_time * layers / (layers + 1))
        )


class NoSkip(ReferenceAdapter):
    """The opening is not passed on: y_N − y_0 comes back."""

    kills = ("N3", "N9")

    def forward(self, parameters, X, problem):
        return super().forward(parameters, X, problem) - super().forward(
            parameters, X, replace(problem, final_time=0.0)
        )


class LayersReversed(ReferenceAdapter):
    """The last layer first."""

    kills = ("N8", "N9")

    def forward(self, parameters, X, problem):
        turned = {key: parameters[key][::-1].copy() for key in ("stencils", "biases")}
        return super().forward({**parameters, **turned}, X, problem)


class MixingTransposed(ReferenceAdapter):
    """Channels of the layers' stencils exchanged."""

    kills = ("N5", "N9")

    def forward(self, parameters, X, problem):
        turned = parameters["stencils"].swapaxes(1, 2).copy()
        return super().forward({**parameters, "stencils": turned}, X, problem)


class OtherActivation(ReferenceAdapter):
    """ReLU in place of tanh and of the identity."""

    kills = ("N1", "N4", "N5", "N6", "N9")

    def forward(self, parameters, X, problem):
        return super().forward(parameters, X, replace(problem, activation="relu"))


class BatchMean(ReferenceAdapter):
    """A tenth of the mean over the batch is taken off."""

    kills = ("N3", "N7", "N9")

    def forward(self, parameters, X, problem):
        y = super().forward(parameters, X, problem)
        return y - y.mean(axis=1, keepdims=True) / 10


class PositionCounts(ReferenceAdapter):
    """The first cell is treated differently."""

    kills = ("N7", "N9")

    def forward(self, parameters, X, problem):
        y = super().forward(parameters, X, problem)
        y[0] *= np.asarray(1.01, y.dtype)
        return y


class DerivativeOffByAThousandth(ReferenceAdapter):
    """σ′ too large by 0.1 %."""

    kills = ("N10",)

    def activation_derivative(self, Z, name):
        return super().activation_derivative(Z, name) * np.asarray(1.001, Z.dtype)


class LayersCopied(ReferenceAdapter):
    """Depth prolongation repeats every layer."""

    kills = ("D1", "D2")

    def depth_prolong(self, Theta, layers):
        return np.repeat(Theta, layers // len(Theta), axis=0)


class ParametersHalved(ReferenceAdapter):
    """Depth prolongation halves the parameters, as if they were steps."""

    kills = ("D1", "D2", "D3")

    def depth_prolong(self, Theta, layers):
        return super().depth_prolong(Theta, layers) / np.asarray(2, Theta.dtype)


class ExtrapolatedEnd(ReferenceAdapter):
    """The last new layer continues the line."""

    kills = ("D1",)

    def depth_prolong(self, Theta, layers):
        found = super().depth_prolong(Theta, layers)
        found[-1] = 2 * found[-2] - found[-3]
        return found


# -- classifier and loss -----------------------------------------------------------------------------------


class NoVolume(ReferenceAdapter):
    """Wᵀy + μ without h^d."""

    kills = ("H1", "H2")

    def logits(self, W, mu, Y, grid):
        return W.T @ Y + mu[:, None]


class VolumeOnBias(ReferenceAdapter):
    """h^d (Wᵀy + μ)."""

    kills = ("H1", "H2")

    def logits(self, W, mu, Y, grid):
        return (W.T @ Y + mu[:, None]) / np.asarray(np.prod(grid) + 1, Y.dtype)


class WeightsChannelFastest(ReferenceAdapter):
    """Rows of W in the order of NHWC."""

    kills = ("H2",)

    def logits(self, W, mu, Y, grid):
        n = int(np.prod(grid))
        turned = W.reshape(n, -1, W.shape[1]).swapaxes(0, 1).reshape(W.shape)
        return super().logits(np.ascontiguousarray(turned), mu, Y, grid)


class SumOverExamples(ReferenceAdapter):
    """1/m missing in loss and gradient alike."""

    kills = ("H3", "O1", "O2")

    def loss(self, parameters, X, C, problem):
        return super().loss(parameters, X, C, problem) * X.shape[1]

    def gradient(self, parameters, X, C, problem):
        return scaled(super().gradient(parameters, X, C, problem), X.shape[1])


class SummedEntropy(ReferenceAdapter):
    """1/m missing in the cross entropy and its derivatives."""

    kills = ("S3", "S6", "S8", "S9", "S10")

    def cross_entropy(self, Z, C):
        return super().cross_entropy(Z, C) * Z.shape[1]

    def cross_entropy_gradient(self, Z, C):
        return super().cross_entropy_gradient(Z, C) * np.asarray(Z.shape[1], Z.dtype)

    def cross_entropy_hessian(self, Z, C, V):
        return super().cross_entropy_hessian(Z, C, V) * np.asarray(Z.shape[1], Z.dtype)


class BinaryLogarithm(ReferenceAdapter):
    """Logarithms to base two."""

    kills = ("S2", "S6", "S8", "S10", "S13")

    def cross_entropy(self, Z, C):
        return super().cross_entropy(Z, C) / float(np.log(2))


class Unstable(ReferenceAdapter):
    """e^z without taking off the largest logit."""

    kills = ("S12",)

    def cross_entropy(self, Z, C):
        with np.errstate(all="ignore"):
            p = np.exp(Z) / np.exp(Z).sum(axis=0)
            return float(-(C * np.log(p)).sum() / Z.shape[1])


class ShiftOfTheBatch(ReferenceAdapter):
    """A multiple of the mean logit enters."""

    kills = ("S1", "S13")

    def cross_entropy(self, Z, C):
        return super().cross_entropy(Z, C) + 1e-3 * float(Z.mean())


class LabelsForgotten(ReferenceAdapter):
    """The gradient is p, not p − c."""

    kills = ("S3", "S8", "S10", "S12")

    def cross_entropy_gradient(self, Z, C):
        return super().cross_entropy_gradient(Z, C) + C / np.asarray(Z.shape[1], Z.dtype)


class CrossTermForgotten(ReferenceAdapter):
    """The Hessian is diag p, without −ppᵀ."""

    kills = ("S1", "S4", "S9", "S10", "S12")

    def cross_entropy_hessian(self, Z, C, V):
        e = np.exp(Z - Z.max(axis=0))
        return (e / e.sum(axis=0) * V / np.asarray(Z.shape[1], Z.dtype)).astype(Z.dtype) * (
            1 + 0.1 * np.tanh(Z)
        )


class NegativeLoss(ReferenceAdapter):
    """The sign of the loss."""

    kills = ("S2", "S5", "S6", "S8", "S11")

    def cross_entropy(self, Z, C):
        return -super().cross_entropy(Z, C)


class UnequalClasses(ReferenceAdapter):
    """The last class counts a tenth more."""

    kills = ("S7",)

    def cross_entropy(self, Z, C):
        weighted = C.copy()
        weighted[-1] *= np.asarray(1.1, C.dtype)
        return super().cross_entropy(Z, weighted)


class LabelsSumToOne(ReferenceAdapter):
    """Σc is taken to be one."""

    kills = ("S10",)

    def cross_entropy_gradient(self, Z, C):
        hot = np.zeros_like(C)
        hot[0] = 1
        return super().cross_entropy_gradient(Z, hot) + (hot - C) / np.asarray(Z.shape[1], Z.dtype)


# -- gauss-newton ------------------------------------------------------------------------------------------


class GradientOffByAThousandth(ReferenceAdapter):
    """The gradient too large by 0.1 %, which the usual gradient checks let pass."""

    kills = ("O1", "O2", "O5")

    def gradient(self, parameters, X, C, problem):
        return scaled(super().gradient(parameters, X, C, problem), 1.001)


class SlopeOffByAThousandth(ReferenceAdapter):
    """σ′ too large by 0.1 % inside the network: Jacobian, gradient and Gauss-Newton product agree."""

    kills = ("O1", "O2", "O3", "O4")

    def _full(self, parameters, X, problem):
        full, x, columns_ = super()._full(parameters, X, problem)
        (network, maps), classifier = full.maps
        (opening, first), (propagation, steps) = maps.maps
        sigma = steps.layer.activation
        wrong = replace(
            sigma, name=sigma.name + " wrong", first=lambda xp, Z: sigma.first(xp, Z) * Z.dtype.type(1.001)
        )
        steps = replace(steps, layer=replace(steps.layer, activation=wrong))
        maps = Sequence(((opening, first), (propagation, steps)))
        return Sequence(((network, maps), classifier)), x, columns_


class TransposeWithoutStep(ReferenceAdapter):
    """δt missing in the gradient of the stencils."""

    kills = ("O3",)

    def jacobian_transpose(self, parameters, U, X, problem):
        found = super().jacobian_transpose(parameters, U, X, problem)
        dt = problem.final_time / len(parameters["stencils"])
        return {**found, "stencils": found["stencils"] / np.asarray(dt + 1e-2, U.dtype)}


class NoCrossTerm(ReferenceAdapter):
    """The Gauss-Newton product with diag p in place of diag p − ppᵀ."""

    kills = ("O4", "O5", "O6", "O8")

    def gauss_newton(self, parameters, direction, X, C, problem):
        full, x, cols = self._full(parameters, X, problem)
        F = full.linearize(x, cols)
        e = np.exp(F.output - F.output.max(axis=0))
        v = self._vector(direction, problem)
        u = (e / e.sum(axis=0) * F.jvp(v) / X.shape[1]).astype(X.dtype)
        return self._named(F.vjp(u, wrt_input=False)[0], parameters, problem)


class DampedGaussNewton(ReferenceAdapter):
    """A hundredth of the identity added."""

    kills = ("O4", "O5", "O6", "O8")

    def gauss_newton(self, parameters, direction, X, C, problem):
        found = super().gauss_newton(parameters, direction, X, C, problem)
        return {key: found[key] + direction[key] / np.asarray(100, X.dtype) for key in found}


class SampleDividedByAll(ReferenceAdapter):
    """Products on a batch are divided by a fixed number of examples."""

    kills = ("O4", "O5", "O7")

    def gauss_newton(self, parameters, direction, X, C, problem):
        found = super().gauss_newton(parameters, direction, X, C, problem)
        return scaled(found, X.shape[1] / 5)


class WeightsGradientTransposed(ReferenceAdapter):
    """The gradient of W in another order than W."""

    kills = ("O1", "O2", "O8")

    def gradient(self, parameters, X, C, problem):
        found = super().gradient(parameters, X, C, problem)
        W = found["W"]
        return {**found, "W": np.ascontiguousarray(W.reshape(-1, order="F").reshape(W.shape))}


# -- optimiser ---------------------------------------------------------------------------------------------


def cg(product, b, iterations, beta=lambda new, old: new / old, negative=False):
    """Return the last iterate of conjugate gradients with an exchangeable β."""
    x, r = np.zeros_like(b), b.copy()
    p, rr = r.copy(), float(r @ r)
    for _ in range(iterations):
        Ap = product(p)
        curvature = float(p @ Ap)
        if rr < 1e-28 * float(b @ b) or (curvature <= 0 and not negative):
            break
        alpha = rr / curvature
        x, r = x + b.dtype.type(alpha) * p, r - b.dtype.type(alpha) * Ap
        new = float(r @ r)
        p, rr = r + b.dtype.type(beta(new, rr)) * p, new
    return x


class WrongBeta(ReferenceAdapter):
    """β = ‖r_new‖/‖r_old‖ in place of its square."""

    kills = ("O9",)

    def conjugate_gradients(self, product, b, iterations):
        return cg(product, b, iterations, beta=lambda new, old: (new / old) ** 0.5)


class SteepestDescent(ReferenceAdapter):
    """β = 0."""

    kills = ("O9",)

    def conjugate_gradients(self, product, b, iterations):
        return cg(product, b, iterations, beta=lambda new, old: 0.0)


class NegativeCurvatureIgnored(ReferenceAdapter):
    """pᵀAp <= 0 goes unnoticed."""

    kills = ("O9",)

    def conjugate_gradients(self, product, b, iterations):
        return cg(product, b, iterations, negative=True)


class GradientDirection(ReferenceAdapter):
    """The step goes along −g."""

    kills = ("O10", "O13", "O14")

    def newton_step(self, objective, x, iterations):
        return x - objective.value_and_gradient(x)[1] / x.dtype.type(4)


class Uphill(ReferenceAdapter):
    """The step goes the other way."""

    kills = ("O10", "O13")

    def newton_step(self, objective, x, iterations):
        return 2 * x - super().newton_step(objective, x, iterations)


class AlwaysHalf(ReferenceAdapter):
    """Half of the step."""

    kills = ("O13",)

    def newton_step(self, objective, x, iterations):
        return (x + super().newton_step(objective, x, iterations)) / x.dtype.type(2)


class DampedNewton(ReferenceAdapter):
    """The identity added to the Hessian."""

    kills = ("O10", "O13", "O14")

    def newton_step(self, objective, x, iterations):
        class Damped:
            value = staticmethod(objective.value)
            value_and_gradient = staticmethod(objective.value_and_gradient)

            @staticmethod
            def curvature(y):
                product = objective.curvature(y)
                return lambda v: product(v) + v

        return super().newton_step(Damped, x, iterations)


class ArmijoWithoutStep(ReferenceAdapter):
    """The bound f + c₁ gᵀp, without the step length."""

    kills = ("O11",)

    def line_search(self, value, x, f, slope, p, decrease):
        alpha = 1.0
        while alpha > 1e-9 and not value(x + x.dtype.type(alpha) * p) <= f + decrease * slope:
            alpha /= 2
        return alpha if alpha > 1e-9 else 0.0


class PlainDecrease(ReferenceAdapter):
    """Any decrease is accepted."""

    kills = ("O11",)

    def line_search(self, value, x, f, slope, p, decrease):
        alpha = 1.0
        while not value(x + x.dtype.type(alpha) * p) < f:
            alpha /= 2
        return alpha


class NanAccepted(ReferenceAdapter):
    """NaN is not above the bound."""

    kills = ("O11",)

    def line_search(self, value, x, f, slope, p, decrease):
        alpha = 1.0
        while value(x + x.dtype.type(alpha) * p) > f + decrease * alpha * slope:
            alpha /= 2
        return alpha


class LeakingBlocks(ReferenceAdapter):
    """A step on one block moves the other by a bit."""

    kills = ("O12",)

    def block_step(self, parameters, X, C, problem, block):
        found = super().block_step(parameters, X, C, problem, block)
        other = "mu" if block == "propagation" else "biases"
        return {**found, other: np.nextafter(found[other], np.asarray(9, X.dtype))}


# -- regularisers ------------------------------------------------------------------------------------------


class RegularizerWithoutVolume(ReferenceAdapter):
    """h^d missing in the smoothness of W."""

    kills = ("R1", "R2", "R4")

    def weight_smoothness(self, W, grid):
        return super().weight_smoothness(W, grid) * float(np.prod(grid))

    def weight_smoothness_gradient(self, W, grid):
        return super().weight_smoothness_gradient(W, grid) * np.asarray(np.prod(grid), W.dtype)


class RegularizerWithoutStep(ReferenceAdapter):
    """δt missing in the smoothness in time."""

    kills = ("R1", "R4")

    def time_smoothness(self, Theta, final_time):
        return super().time_smoothness(Theta, final_time) / (final_time / len(Theta) + 1e-3)


class RegularizerGradientDoubled(ReferenceAdapter):
    """The gradient of xᵀQx for ½xᵀQx."""

    kills = ("R1", "R2")

    def weight_smoothness_gradient(self, W, grid):
        return super().weight_smoothness_gradient(W, grid) * np.asarray(2, W.dtype)


class PeriodicDifferences(ReferenceAdapter):
    """The last and the first cell are neighbours."""

    kills = ("R1", "R2")

    def weight_smoothness_gradient(self, W, grid):
        w = W.reshape(-1, *grid, W.shape[1])
        total = sum(
            (2 * w - np.roll(w, 1, axis) - np.roll(w, -1, axis)) * w.dtype.type(n * n)
            for axis, n in enumerate(grid, start=1)
        )
        return (total / np.asarray(np.prod(grid), W.dtype)).reshape(W.shape)


class Tikhonov(ReferenceAdapter):
    """A small multiple of the identity added."""

    kills = ("R1", "R2")

    def time_smoothness(self, Theta, final_time):
        return super().time_smoothness(Theta, final_time) + 5e-3 * float((Theta**2).sum())

    def time_smoothness_gradient(self, Theta, final_time):
        return super().time_smoothness_gradient(Theta, final_time) + Theta / np.asarray(100, Theta.dtype)


class NotSquared(ReferenceAdapter):
    """The norm in place of its square."""

    kills = ("R1", "R3", "R4")

    def weight_smoothness(self, W, grid):
        return super().weight_smoothness(W, grid) ** 0.5


MUTANTS = tuple(value for value in vars().values() if isinstance(value, type) and hasattr(value, "kills"))
"""All of them."""
