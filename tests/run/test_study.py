import pytest

from refms.errors import FileError, InputError
from refms.run.compare import COLUMNS
from refms.run.plan import Plan
from refms.run.study import done_before, parameter_name, points_of

BASE = {"parameter": "optimization.hessian_fraction", "values": [0.1, 1.0], "seeds": [0, 3]}


RUN = {
    "columns": {name: [0.0] for name in COLUMNS},
    "outcome": {"status": "accepted"},
    "train": {"accuracy": 0.5},
    "validation": {"accuracy": None},
}
"""What a run of a result has besides the value and configuration of its point."""


def plan(**study):
    return Plan.from_dict({"study": {**BASE, **study}})


def test_every_value_is_run_with_every_seed():
    points = points_of(plan())
    assert [(point.value, point.seed) for point in points] == [(0.1, 0), (0.1, 3), (1.0, 0), (1.0, 3)]
    assert [point.name for point in points] == ["0.1|0", "0.1|3", "1.0|0", "1.0|3"]
    for point in points:
        optimization = point.plan.configuration.optimization
        assert optimization.hessian_fraction == point.value
        assert optimization.hessian_seed == point.seed == point.plan.configuration.network.seed
        assert point.plan.methods["adam"].seed == point.plan.methods["sgd"].seed == point.seed


def test_other_keys_may_be_seeded():
    points = points_of(plan(seeded=["data.split_seed"]))
    assert [point.plan.configuration.data.split_seed for point in points] == [0, 3, 0, 3]
    assert {point.plan.configuration.network.seed for point in points} == {0}


def test_several_axes_make_a_grid():
    points = points_of(plan(axes={"optimization.damping": [0.0, 1e-3]}, seeds=[1]))
    assert [point.value for point in points] == ["0.1, 0.0", "0.1, 0.001", "1.0, 0.0", "1.0, 0.001"]
    assert points[1].plan.configuration.optimization.damping == 1e-3
    assert parameter_name(plan(axes={"optimization.damping": [0.0]})) == (
        "optimization.hessian_fraction, optimization.damping"
    )


def test_the_method_itself_may_be_varied():
    points = points_of(plan(parameter="study.method", values=["bcd", "joint", "varpro"], seeds=[0]))
    assert [point.section.method for point in points] == ["bcd", "joint", "varpro"]
    assert [point.configuration["method"] for point in points] == ["bcd", "joint", "varpro"]


def test_what_a_run_depends_on_does_not_depend_on_the_other_runs():
    few = {point.name: point.configuration for point in points_of(plan(values=[0.1], seeds=[0]))}
    many = {point.name: point.configuration for point in points_of(plan())}
    assert few["0.1|0"] == many["0.1|0"]
    longer = {point.name: point.configuration for point in points_of(plan(iterations=3))}
    assert longer["0.1|0"] != many["0.1|0"]


def result(asked, **changes):
    runs = {point.name: {**RUN, **point.to_dict()} for point in points_of(asked)}
    return {"kind": "study", "parameter": parameter_name(asked), "runs": runs, **changes}


def test_runs_of_the_same_study_are_taken_over():
    assert list(done_before(result(plan(values=[0.1])), plan(), "x")) == ["0.1|0", "0.1|3"]


def test_a_study_made_before_a_key_existed_goes_on_with_its_default():
    before = result(plan(values=[0.1]))
    for one in before["runs"].values():
        del one["configuration"]["network"]["architecture"]
    assert list(done_before(before, plan(), "x")) == ["0.1|0", "0.1|3"]


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (result(plan(), kind="compare"), "holds no study"),
        (result(plan(), runs=3), "holds no study"),
        (result(plan(), parameter="network.layers"), "is a study of 'network.layers'"),
        (result(plan(iterations=3)), "iterations = 3, not 10"),
    ],
)
def test_results_of_another_study_are_refused(before, words):
    with pytest.raises(FileError) as caught:
        done_before(before, plan(), "x")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("study", "words"),
    [
        ({"parameter": "optimization.hessian_fractio"}, "Did you mean 'hessian_fraction'"),
        ({"values": [2.0]}, "hessian_fraction is 2.0"),
        ({"values": [0.1, 0.1]}, "twice"),
        ({"seeds": [1, 1]}, "twice"),
        ({"parameter": "network.seed", "values": [1]}, "both varied and seeded"),
        ({"parameter": "study.seeds", "values": [1]}, "expected study.method"),
        ({"seeded": ["network.sed"]}, "Did you mean 'seed'"),
    ],
)
def test_bad_studies_are_refused_before_anything_is_run(study, words):
    with pytest.raises(InputError) as caught:
        points_of(plan(**study))
    assert words in str(caught.value)


def test_a_plan_without_a_study_is_refused():
    with pytest.raises(InputError, match=r"section \[study\] is missing"):
        points_of(Plan.from_dict({}))
