"""Engines compute what refms computes, and one that does not is found out."""

import importlib

import numpy as np
import pytest
from benchmarks.agreement import DisagreementError, require, rho
from benchmarks.cases import Case, Problem
from benchmarks.engines import MODULES, engines
from benchmarks.operations import OPERATIONS, Reference, call, objective

# PyTorch's own forward derivatives still load a part of it that it has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")

SIZE = (6, 3, 2, 5)

# Other peers take long to load and to compile; every measurement compares them before it begins.
FAMILIES = ("refms", "SciPy")


def usable(family):
    found, missing = engines((family,))
    if missing:
        pytest.skip(f"{family} is not installed: scripts/bench.py environment installs it")
    return found


def problem_in(dtype):
    return Problem(Case(*SIZE, dtype))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("family", FAMILIES)
def test_all_operations_agree_with_refms_in_double_precision(family, dtype):
    problem = problem_in(dtype)
    reference = Reference(problem)
    for name, build in usable(family).items():
        for operation in OPERATIONS:
            try:
                risk = objective(build(problem), problem, operation)
            except NotImplementedError:
                assert (operation, family) == ("joint", "SciPy")
                continue
            result = call(operation, risk, problem)()
            reference.require_same(operation, result, name)
            vector = result[1] if operation == "gradient" else result
            assert operation == "forward" or vector.dtype == dtype


@pytest.mark.parametrize("family", FAMILIES)
def test_the_classifier_block_agrees(family):
    problem = problem_in("float64")
    blocks = problem.model.blocks
    x = blocks["classifier"]
    v = problem.direction(x.size)
    expected = problem.control.block("classifier", blocks)
    for name, build in usable(family).items():
        risk = build(problem).block("classifier", blocks)
        value, gradient = risk.value_and_gradient(x)
        assert value == pytest.approx(expected.value(x), rel=1e-13), name
        require(name, rho(gradient, expected.value_and_gradient(x)[1], "float64", 180))
        require(name, rho(risk.curvature(x)(v), expected.curvature(x)(v), "float64", 180))


@pytest.mark.parametrize("chunk", [2, 0])
@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("kernel", ["Conv2d", "Columns"])
def test_what_is_by_hand_in_pytorch_agrees_however_it_is_chunked_and_kept(kernel, keep, chunk):
    usable("torch by hand")
    torch_by_hand = importlib.import_module("benchmarks.engines.torch_by_hand")

    problem = problem_in("float64")
    choice = torch_by_hand.Choice(getattr(torch_by_hand, kernel), chunk, keep)
    risk = objective(torch_by_hand.ByHandEngine(problem, choice), problem)
    reference = Reference(problem)
    for operation in ("forward", "gradient", "product"):
        reference.require_same(operation, call(operation, risk, problem)(), str(choice))


def test_an_engine_that_forgets_a_factor_is_found_out():
    problem = problem_in("float32")
    reference = Reference(problem)
    right = objective(problem.control, problem)
    for operation in ("gradient", "product", "step"):
        result = call(operation, right, problem)()
        assert reference.require_same(operation, result, "refms") < 30
        wrong = (result[0], result[1] * 1.01) if operation == "gradient" else np.asarray(result) * 1.15
        with pytest.raises(DisagreementError, match=f"somebody: {operation} deviates"):
            reference.require_same(operation, wrong, "somebody")


def test_rho_counts_in_eps_and_nan_never_agrees():
    one = np.ones(4)
    eps = np.finfo("float32").eps
    assert rho(one * (1 + 10 * eps), one, "float32", 2) == pytest.approx(10, rel=1e-2)
    assert rho(one * (1 + 10 * eps), one, "float32", 1024) == pytest.approx(1, rel=1e-2)
    with pytest.raises(DisagreementError):
        require("somebody", rho(one * np.nan, one, "float32", 2))


def test_a_library_that_is_missing_costs_its_rows_only(monkeypatch):
    monkeypatch.setitem(MODULES, "nobody's", "benchmarks.engines.no_such_module")
    found, missing = engines(("refms", "nobody's"))
    assert "refms, NumPy" in found
    assert missing == {"nobody's": "No module named 'benchmarks.engines.no_such_module'"}


def test_counted_multiply_adds_are_those_of_the_layers():
    case = Case(*SIZE)
    steps = Problem(case).network.propagation
    one = steps.time.layer.multiply_adds * case.examples
    assert case.multiply_adds == one
    assert case.counted("forward") == steps.multiply_adds * case.examples
    assert case.counted("gradient") == (2 + 2 + 1) * one
    assert case.counted("product") == (2 + 1 + 2 + 1) * one
    assert case.counted("step", 20) == case.counted("gradient") + case.counted("forward") + 20 * 6 * one
