"""The certificate passes this refms, and no refms with a small mistake in it."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import refms.certify.cases.depth as depth
import refms.certify.cases.line_search as line_search
import refms.certify.cases.stencils as stencils
import refms.certify.cases.transfer as transfer
import refms.linear.direction
import refms.maps.layers.convolution
import refms.optimize.step
from refms.certify import certify, from_artifact, shipped
from refms.certify.cases import CASES
from refms.certify.cases.case import Case
from refms.certify.certificate import prove_all
from refms.certify.golden import Golden
from refms.grid import Grid
from refms.linear.cg import conjugate_gradients
from refms.maps.activation import Activation
from refms.maps.time.steps import TimeSteps
from refms.objective.losses import SoftmaxCrossEntropy, SoftmaxCrossEntropyEvaluation
from refms.objective.regularizers import Quadratic
from refms.optimize.line_search import armijo
from refms.stencils.convolution import Convolution


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


ORIGINAL = {
    "apply": Convolution.apply,
    "adjoint": Convolution.adjoint,
    "stencil_gradient": Convolution.stencil_gradient,
    "evaluate": SoftmaxCrossEntropy.evaluate,
    "pair": transfer.transfer_pair,
    "restrict": stencils.restrict_stencil,
    "prolong": stencils.prolong_stencil,
    "deeper": depth.prolong_in_time,
    "activation": Activation.value_and_derivative,
    "sum_bias": refms.maps.layers.convolution.sum_bias,
}


def _wrong_slope(self, Z):
    value, slope = ORIGINAL["activation"](self, Z)
    return value, slope + 1e-11


def _reversed_restriction(name):
    pair = ORIGINAL["pair"](name)
    return replace(pair, restriction=tuple((-a, r) for a, r in pair.restriction))


def _unweighted_hessian(self, V):
    return self.weights * self.probabilities * V


def _gradient_off_by_a_trillionth(self, Z, C, count=None):
    E = ORIGINAL["evaluate"](self, Z, C, count)
    return replace(E, gradient=E.gradient * (1 + 1e-12))


def _naive_softmax(self, Z, C, count=None):
    with np.errstate(over="ignore", invalid="ignore"):
        E = np.exp(Z)
        value = -(C * np.log(E / E.sum(axis=0))).sum() / Z.shape[1]
    return replace(ORIGINAL["evaluate"](self, Z, C, count), value=float(value))


def _one_step_too_few(product, b, *, max_iterations, **options):
    return conjugate_gradients(product, b, max_iterations=max_iterations - 1, **options)


def _halved_at_once(value, x, f, slope, p, **options):
    return armijo(value, x, f, slope / 2, p / 2, **options)


MUTANTS = {
    "wrong sign": (
        Convolution,
        "apply",
        lambda self, S, Y: -ORIGINAL["apply"](self, S, Y),
        "convolution/2d/product",
    ),
    "stencil flipped": (
        Convolution,
        "apply",
        lambda self, S, Y: ORIGINAL["apply"](self, S[..., ::-1].copy(), Y),
        "convolution/3d/product",
    ),
    "adjoint without the flip": (
        Convolution,
        "adjoint",
        lambda self, S, Z: ORIGINAL["adjoint"](self, S[..., ::-1].copy(), Z),
        "convolution/1d/adjoint",
    ),
    "stencil gradient averaged over the examples": (
        Convolution,
        "stencil_gradient",
        lambda self, Z, Y: ORIGINAL["stencil_gradient"](self, Z, Y) / Y.shape[1],
        "convolution/wrapped/stencil_gradient",
    ),
    "missing h^d": (Grid, "cell_volume", property(lambda self: 1.0), "network/2d/logits"),
    "missing δt": (TimeSteps, "time_step", property(lambda self: 1.0), "network/1d/features"),
    "δt = T / (N + 1)": (
        TimeSteps,
        "time_step",
        property(lambda self: self.final_time / (self.layers + 1)),
        "regularizer/time/value",
    ),
    "missing 1/m": (
        SoftmaxCrossEntropy,
        "evaluate",
        lambda self, Z, C, count=None: ORIGINAL["evaluate"](self, Z, C, 1),
        "loss/tame/value",
    ),
    "gradient wrong by 1e-12": (
        SoftmaxCrossEntropy,
        "evaluate",
        _gradient_off_by_a_trillionth,
        "loss/tame/gradient",
    ),
    "Hessian without ppᵀ": (
        SoftmaxCrossEntropyEvaluation,
        "hessian_product",
        _unweighted_hessian,
        "network/2d/gauss_newton_theta",
    ),
    "R reads the other way": (
        transfer,
        "transfer_pair",
        _reversed_restriction,
        "transfer/2d/averaging-constant/restriction",
    ),
    "stencil halved on the way down": (
        stencils,
        "restrict_stencil",
        lambda S, pair: ORIGINAL["restrict"](S, pair) / 2,
        "stencils/example1/down",
    ),
    "stencils go up by another pair": (
        stencils,
        "prolong_stencil",
        lambda S, pair: ORIGINAL["prolong"](S, pair)[..., ::-1],
        "stencils/2d/injection-cubic/up",
    ),
    "σ′ off by 1e-11": (Activation, "value_and_derivative", _wrong_slope, "network/1d/gradient_theta"),
    "bias gradient per example": (
        refms.maps.layers.convolution,
        "sum_bias",
        lambda A, biases: ORIGINAL["sum_bias"](A, biases) / A.shape[1],
        "network/2d/gauss_newton_joint",
    ),
    "regulariser twice": (
        Quadratic,
        "gradient",
        lambda self, x: 2 * (self.Q @ x),
        "regularizer/space_2d/gradient",
    ),
    "a CG step too few": (
        refms.linear.direction,
        "conjugate_gradients",
        _one_step_too_few,
        "network/1d/descent/theta",
    ),
    "layers repeated instead of interpolated": (
        depth,
        "prolong_in_time",
        lambda Theta, layers, kind: Theta[np.arange(layers) * len(Theta) // layers],
        "depth/uneven/prolongation",
    ),
    "linear where cubic was asked for": (
        depth,
        "prolong_in_time",
        lambda Theta, layers, kind: ORIGINAL["deeper"](Theta, layers),
        "depth/cubic_doubled/prolongation",
    ),
    "any decrease will do": (
        line_search,
        "armijo",
        lambda value, x, f, slope, p, *, sufficient_decrease: armijo(value, x, f, slope, p),
        "line_search/strict/step_length",
    ),
    "every step is taken": (
        line_search,
        "armijo",
        lambda value, x, f, slope, p, **options: armijo(value, x, 2 * abs(f) + 1e9, slope, p),
        "line_search/halved/value",
    ),
    "softmax without the largest logit taken out": (
        SoftmaxCrossEntropy,
        "evaluate",
        _naive_softmax,
        "loss/overflowing/value",
    ),
    "steps of half the length": (refms.optimize.step, "armijo", _halved_at_once, "network/2d/descent/omega"),
}
"""What is patched, with what, and a quantity that must notice."""


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mutant_is_caught(goldens, monkeypatch, name):
    place, attribute, wrong, quantity = MUTANTS[name]
    concerned = [case for case in CASES if quantity.startswith(case.name + "/")]
    assert quantity not in failed(goldens, cases=concerned)
    monkeypatch.setattr(place, attribute, wrong)
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
    assert {row.verdict for row in rows} == {"FAIL"}
    assert all("no" in row.error for row in rows)
    assert len(rows) == 3
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
    from refms.certify.golden import Quantity

    def formulas(bits):
        def said(x):
            one = x["one"][0]
            difference = (one + (one / 3) / 2**bits) - one  # is lost unless there are more bits than these
            return {"tiny": Quantity(np.array([difference]), 1, "1")}

        return Case("tricky", {"one": np.ones(1)}, said, lambda x: {})

    proof = prove_all([formulas(300)])
    assert proof.bits == 512
    digits = Fraction(proof.goldens["tricky/tiny"].texts()[0])
    assert abs(digits * 3 * 2**300 - 1) < Fraction(1, 10**39)
    with pytest.raises(ArithmeticError, match="4096 bits"):
        prove_all([formulas(5000)])
