"""The certificate passes this refms, and no refms with a small mistake in it."""

from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction
from pkgutil import resolve_name

import numpy as np
import pytest

from refms.certify import certify, from_artifact, prove_all, shipped
from refms.certify.cases import CASES
from refms.certify.cases.case import Case
from refms.certify.golden import Golden, Quantity


@pytest.fixture(scope="module")
def goldens():
    return from_artifact(shipped())


def failed(goldens, dtype="float64", cases=CASES):
    return {row.quantity for row in certify(goldens, dtype, cases) if row.verdict == "FAIL"}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_refms_is_within_a_few_eps_of_the_truth(goldens, dtype):
    rows = certify(goldens, dtype)
    assert {row.quantity for row in rows} == set(goldens)
    assert sum(row.entries for row in rows) == sum(golden.nearest.size for golden in goldens.values())
    assert max(row.distance for row in rows) < 10.0
    assert max(row.distance for row in rows) > 0.0


def one_step_too_few(right, product, b, *, max_iterations, **options):
    return right(product, b, max_iterations=max_iterations - 1, **options)


def reads_the_other_way(right, name):
    pair = right(name)
    return replace(pair, restriction=tuple((-a, r) for a, r in pair.restriction))


def wrong_by_a_trillionth(right, self, Z, C, count=None):
    E = right(self, Z, C, count)
    return replace(E, gradient=E.gradient * (1 + 1e-12))


def naive_softmax(right, self, Z, C, count=None):
    with np.errstate(over="ignore", invalid="ignore"):
        E = np.exp(Z)
        value = -(C * np.log(E / E.sum(axis=0))).sum() / Z.shape[1]
    return replace(right(self, Z, C, count), value=float(value))


def wrong_slope(right, self, Z):
    value, slope = right(self, Z)
    return value, slope + 1e-11


def repeated(right, Theta, layers, kind):
    return Theta[np.arange(layers) * len(Theta) // layers]


def any_decrease(right, value, x, f, slope, p, *, sufficient_decrease):
    return right(value, x, f, slope, p)


def every_step(right, value, x, f, slope, p, **options):
    return right(value, x, 2 * abs(f) + 1e9, slope, p)


def half_the_length(right, value, x, f, slope, p, **options):
    return right(value, x, f, slope / 2, p / 2, **options)


def last_axis_reversed(right, K, S, Y):
    return right(K, S[..., ::-1].copy(), Y)


def per_example(right, A, biases):
    return right(A, biases) / A.shape[1]


def averaged(right, K, Z, Y):
    return right(K, Z, Y) / Y.shape[1]


def backwards(right, S, pair):
    return right(S, pair)[..., ::-1]


def linear(right, Theta, layers, kind):
    return right(Theta, layers)


def summed(right, self, Z, C, count=None):
    return right(self, Z, C, 1)


def stays(right, *args, **named):
    return args[0]


def other_kernel(right, grid, to, kernel, **named):
    return right(grid, to, "linear", **named)


def other_epsilon(right, grid, channels, groups, epsilon):
    return right(grid, channels, groups, epsilon * (1 + 1e-11))


def off(right, *args):
    return right(*args) + 1e-11


def heavier(right, grid, channels):
    W = right(grid, channels)
    return lambda x: (1 + 1e-11) * W(x)


def convex(right, E, V):
    return E.positive_product(V)


def next_rate(right, schedule, k, total):
    return right(schedule, k + 1, total)


def one_update_more(right, rule, memory, gradient, rate, count):
    return right(rule, memory, gradient, rate, count + 1)


def without_coefficients(right, problem, batches):
    return right(problem, replace(batches, coefficients=()))


def nyquist_kept(right, *args):
    kx, ky, _, _ = right(*args)
    return kx, ky, kx, ky


one = property(lambda self: 1.0)
shorter = property(lambda self: self.final_time / (self.layers + 1))

CONVOLUTION, SOFTMAX, CASE = (
    "stencils.convolution:Convolution.",
    "objective.losses.softmax:",
    "certify.cases.",
)
LOSS, STEPS = f"{SOFTMAX}SoftmaxCrossEntropy.evaluate", "maps.time.steps:TimeSteps.time_step"
CURVED = f"{SOFTMAX}SoftmaxCrossEntropyEvaluation.hessian_product"
SLOPE, BIAS = "maps.activation:Activation.value_and_derivative", "maps.layers.convolution:sum_bias"
TWICE, SOLVE = "objective.regularizers:Quadratic.gradient", "linear.direction:conjugate_gradients"
DEEPER, SEARCH = f"{CASE}depth:prolong_in_time", f"{CASE}line_search:armijo"
DOWN, UP = f"{CASE}stencils:restrict_stencil", f"{CASE}stencils:prolong_stencil"
PAIR = f"{CASE}transfer:transfer_pair"
SSIM, STAGES = "objective.losses.ssim:SimilarityEvaluation.", "multiscale.full_multiscale:"

MUTANTS = {
    "wrong sign": ("convolution/2d/product", f"{CONVOLUTION}apply", lambda right, *a: -right(*a)),
    "stencil flipped": ("convolution/3d/product", f"{CONVOLUTION}apply", last_axis_reversed),
    "adjoint without the flip": ("convolution/1d/adjoint", f"{CONVOLUTION}adjoint", last_axis_reversed),
    "mean gradient": ("convolution/wrapped/stencil_gradient", f"{CONVOLUTION}stencil_gradient", averaged),
    "missing h^d": ("network/2d/logits", "grid:Grid.cell_volume", one),
    "missing δt": ("network/1d/features", STEPS, one),
    "δt = T / (N + 1)": ("regularizer/time/value", STEPS, shorter),
    "missing 1/m": ("loss/tame/value", LOSS, summed),
    "wrong by 1e-12": ("loss/tame/gradient", LOSS, wrong_by_a_trillionth),
    "no ppᵀ": ("network/2d/gauss_newton_theta", CURVED, lambda _, E, V: E.weights * E.probabilities * V),
    "R reads the other way": ("transfer/2d/averaging-constant/restriction", PAIR, reads_the_other_way),
    "half on the way down": ("stencils/example1/down", DOWN, lambda right, S, pair: right(S, pair) / 2),
    "up by another pair": ("stencils/2d/injection-cubic/up", UP, backwards),
    "σ′ off by 1e-11": ("network/1d/gradient_theta", SLOPE, wrong_slope),
    "bias gradient per example": ("network/2d/gauss_newton_joint", BIAS, per_example),
    "regulariser twice": ("regularizer/space_2d/gradient", TWICE, lambda _, R, x: 2 * (R.Q @ x)),
    "a CG step too few": ("network/1d/descent/theta", SOLVE, one_step_too_few),
    "layers repeated": ("depth/uneven/prolongation", DEEPER, repeated),
    "linear, not cubic": ("depth/cubic_doubled/prolongation", DEEPER, linear),
    "any decrease will do": ("line_search/strict/step_length", SEARCH, any_decrease),
    "every step is taken": ("line_search/halved/value", SEARCH, every_step),
    "largest logit left in": ("loss/overflowing/value", LOSS, naive_softmax),
    "linear, not cubic, kernel": ("resize/clamp/cubic", f"{CASE}resize:resize_matrix", other_kernel),
    "σ″ off by 1e-11": ("silu/tame/curvature", "maps.activation:Activation.second_derivative", off),
    "ε off by 1e-11": ("normalization/groups/output", f"{CASE}image_layers:normalization", other_epsilon),
    "Nyquist number kept": ("mesh_free/even/second_xi", "stencils.mesh_free:_wave_numbers", nyquist_kept),
    "window sums to more than 1": ("similarity/2d/gradient", "objective.losses.ssim:_averaging", heavier),
    "convex form for the Hessian": ("similarity/1d/hessian_product", f"{SSIM}hessian_product", convex),
    "β left out": ("mge/averaging/gradient", f"{CASE}multiscale:estimate_objective", without_coefficients),
    "σ′ off in an estimate": ("mge_network/keep/in", SLOPE, wrong_slope),
    "kernels kept": ("mge_network/galerkin/out", "multiscale.kernel_rule:move_kernels", stays),
    "Adam corrects too little": ("adam/third/theta", f"{CASE}multiscale:Adam.update", one_update_more),
    "stencils kept": ("full_multiscale/galerkin/stencils", f"{STAGES}move_kernels", stays),
    "cosine off by one": ("full_multiscale/keep/stencils", f"{STAGES}Schedule.__call__", next_rate),
    "half the length": ("network/2d/descent/omega", "optimize.step:armijo", half_the_length),
}
"""A quantity that must notice, what is patched, and by what; it is given the right thing first."""


@pytest.mark.parametrize(("quantity", "place", "wrong"), MUTANTS.values(), ids=MUTANTS)
def test_a_mutant_is_caught(goldens, monkeypatch, quantity, place, wrong):
    concerned = [case for case in CASES if quantity.startswith(case.name + "/")]
    assert quantity not in failed(goldens, cases=concerned)
    owner, name = re.fullmatch(r"(.*)[.:](\w+)", place).groups()
    right = getattr(resolve_name(f"refms.{owner}"), name)
    patch = wrong if isinstance(wrong, property) else lambda *a, **named: wrong(right, *a, **named)
    monkeypatch.setattr(resolve_name(f"refms.{owner}"), name, patch)
    assert quantity in failed(goldens, cases=concerned)


def test_a_golden_off_in_its_tenth_digit_is_noticed_in_float64_only(goldens):
    name = "network/1d/objective"
    golden = goldens[name]
    digits = golden.digits.copy()
    digits[11] = ord("0") + (digits[11] - ord("0") + 5) % 10
    spoilt = {**goldens, name: replace(golden, digits=digits)}
    network = [case for case in CASES if case.name == "network/1d"]
    assert failed(spoilt, cases=network) == {name}
    assert not failed(spoilt, "float32", network)


def test_refms_raising_or_answering_nothing_fails(goldens):
    def broken(x):
        raise RuntimeError("no")

    case = CASES[0]
    rows = certify(goldens, "float64", [replace(case, refms=broken)])
    assert [(row.verdict, "no" in row.error) for row in rows] == [("FAIL", True)] * 3
    rows = certify(goldens, "float64", [replace(case, refms=lambda x: {"another": x["S"]})])
    assert [row.verdict for row in rows] == ["FAIL"] * 4


@pytest.mark.parametrize(
    "got", [np.zeros(3), np.full((2, 2), np.nan), np.array([[1.0, 2.0], [3.0, np.inf]])], ids=str
)
def test_shapes_and_non_finite_numbers_are_infinitely_far(got):
    golden = Golden(np.full((2, 2, 1), ord("1"), dtype=np.uint8), np.zeros((2, 2)), np.ones((2, 2)), 1.0, "1")
    assert golden.distance(got, "float64") == float("inf")
    assert golden.distance(np.ones((2, 2)), "float64") == 0.0
    assert golden.distance(np.array([[1.0, 1.0], [1.0, 1.0 + 2.0**-51]]), "float64") == 2.0


def test_more_bits_are_taken_until_they_suffice():
    pytest.importorskip("flint")

    def formulas(bits):
        def said(x):
            one = x["one"][0]
            difference = (one + (one / 3) / 2**bits) - one  # is lost unless there are more bits than these
            return {"tiny": Quantity(np.array([difference]), 1, "1")}

        return Case("tricky", {"one": np.ones(1)}, said, lambda x: {})

    goldens, bits = prove_all([formulas(300)])
    assert bits == 512
    digits = Fraction(goldens["tricky/tiny"].texts()[0])
    assert abs(digits * 3 * 2**300 - 1) < Fraction(1, 10**39)
    with pytest.raises(ArithmeticError, match="4096 bits"):
        prove_all([formulas(5000)])
