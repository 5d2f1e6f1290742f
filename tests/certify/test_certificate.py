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
from refms.maps.activation import Activation
from refms.maps.time.steps import TimeSteps
from refms.objective.losses import SoftmaxCrossEntropy, SoftmaxCrossEntropyEvaluation
from refms.objective.regularizers import Quadratic
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


def mutant(name, quantity, place, attribute, wrong):
    """Return what to patch, with what (given the right thing first), and a quantity that must notice."""
    return pytest.param(quantity, place, attribute, wrong, id=name)


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


one = property(lambda self: 1.0)
shorter = property(lambda self: self.final_time / (self.layers + 1))
layer, direction, step = refms.maps.layers.convolution, refms.linear.direction, refms.optimize.step
Curved = SoftmaxCrossEntropyEvaluation

MUTANTS = [
    mutant("wrong sign", "convolution/2d/product", Convolution, "apply", lambda right, *a: -right(*a)),
    mutant("stencil flipped", "convolution/3d/product", Convolution, "apply", last_axis_reversed),
    mutant("adjoint without the flip", "convolution/1d/adjoint", Convolution, "adjoint", last_axis_reversed),
    mutant(
        *("stencil gradient averaged over the examples", "convolution/wrapped/stencil_gradient"),
        *(Convolution, "stencil_gradient", lambda right, K, Z, Y: right(K, Z, Y) / Y.shape[1]),
    ),
    mutant("missing h^d", "network/2d/logits", Grid, "cell_volume", one),
    mutant("missing δt", "network/1d/features", TimeSteps, "time_step", one),
    mutant("δt = T / (N + 1)", "regularizer/time/value", TimeSteps, "time_step", shorter),
    mutant(
        *("missing 1/m", "loss/tame/value", SoftmaxCrossEntropy, "evaluate"),
        lambda right, self, Z, C, count=None: right(self, Z, C, 1),
    ),
    mutant("wrong by 1e-12", "loss/tame/gradient", SoftmaxCrossEntropy, "evaluate", wrong_by_a_trillionth),
    mutant(
        *("Hessian without ppᵀ", "network/2d/gauss_newton_theta", Curved, "hessian_product"),
        lambda right, self, V: self.weights * self.probabilities * V,
    ),
    mutant(
        *("R reads the other way", "transfer/2d/averaging-constant/restriction"),
        *(transfer, "transfer_pair", reads_the_other_way),
    ),
    mutant(
        *("stencil halved on the way down", "stencils/example1/down"),
        *(stencils, "restrict_stencil", lambda right, S, pair: right(S, pair) / 2),
    ),
    mutant(
        *("stencils go up by another pair", "stencils/2d/injection-cubic/up"),
        *(stencils, "prolong_stencil", lambda right, S, pair: right(S, pair)[..., ::-1]),
    ),
    mutant("σ′ off by 1e-11", "network/1d/gradient_theta", Activation, "value_and_derivative", wrong_slope),
    mutant(
        *("bias gradient per example", "network/2d/gauss_newton_joint"),
        *(layer, "sum_bias", lambda right, A, biases: right(A, biases) / A.shape[1]),
    ),
    mutant(
        *("regulariser twice", "regularizer/space_2d/gradient"),
        *(Quadratic, "gradient", lambda right, self, x: 2 * (self.Q @ x)),
    ),
    mutant(
        "a CG step too few", "network/1d/descent/theta", direction, "conjugate_gradients", one_step_too_few
    ),
    mutant("layers repeated", "depth/uneven/prolongation", depth, "prolong_in_time", repeated),
    mutant(
        *("linear where cubic was asked for", "depth/cubic_doubled/prolongation"),
        *(depth, "prolong_in_time", lambda right, Theta, layers, kind: right(Theta, layers)),
    ),
    mutant("any decrease will do", "line_search/strict/step_length", line_search, "armijo", any_decrease),
    mutant("every step is taken", "line_search/halved/value", line_search, "armijo", every_step),
    mutant(
        *("softmax without the largest logit taken out", "loss/overflowing/value"),
        *(SoftmaxCrossEntropy, "evaluate", naive_softmax),
    ),
    mutant("steps of half the length", "network/2d/descent/omega", step, "armijo", half_the_length),
]


@pytest.mark.parametrize(("quantity", "place", "attribute", "wrong"), MUTANTS)
def test_a_mutant_is_caught(goldens, monkeypatch, quantity, place, attribute, wrong):
    concerned = [case for case in CASES if quantity.startswith(case.name + "/")]
    assert quantity not in failed(goldens, cases=concerned)
    right = getattr(place, attribute)
    patch = wrong if isinstance(wrong, property) else lambda *a, **named: wrong(right, *a, **named)
    monkeypatch.setattr(place, attribute, patch)
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
