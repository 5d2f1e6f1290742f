import pytest

from refms.errors import FileError, InputError
from refms.names import METHODS
from refms.run.config import Configuration
from refms.run.methods import METHOD_TABLE
from refms.run.plan import CompareSection, Plan

GIVEN = {
    "network": {"channels": 4},
    "compare": {
        "methods": ["adam", "bcd"],
        "iterations": 7,
        "work_units": 1000,
        "adam": {"learning_rate": 0.5, "batch": 16},
    },
}


def test_sections_of_the_laboratory_stand_beside_those_of_a_training():
    plan = Plan.from_dict(GIVEN)
    assert plan.configuration == Configuration.from_dict({"network": {"channels": 4}})
    assert plan.compare == CompareSection(7, 1000.0, ("adam", "bcd"))
    assert (plan.methods["adam"].learning_rate, plan.methods["adam"].batch) == (0.5, 16)
    assert plan.methods["sgd"] == METHOD_TABLE["sgd"][0]()
    assert plan.study is None


def test_every_method_has_a_section_and_all_run_by_default():
    assert tuple(METHOD_TABLE) == METHODS
    assert Plan.from_dict({}).compare.methods == METHODS


def test_a_plan_written_out_is_read_back():
    plan = Plan.from_dict({**GIVEN, "study": {"parameter": "network.layers", "values": [1, 2]}})
    given = plan.to_dict()
    again = Plan.from_dict(given)
    assert again == plan
    assert given["compare"]["adam"]["batch"] == 16


@pytest.mark.parametrize(
    ("key", "value", "read"),
    [
        ("optimization.cg_tolerance", 0.5, lambda plan: plan.configuration.optimization.cg_tolerance),
        ("regularization.W_tikhonov", 1, lambda plan: plan.configuration.regularization.W_tikhonov),
        ("compare.iterations", 3, lambda plan: plan.compare.iterations),
        (
            "compare.levenberg-marquardt.damping",
            2.0,
            lambda plan: plan.methods["levenberg-marquardt"].damping,
        ),
        ("compare.methods", ["sgd"], lambda plan: list(plan.compare.methods)),
    ],
)
def test_any_key_may_be_changed(key, value, read):
    plan = Plan.from_dict(GIVEN)
    before = plan.to_dict()
    assert read(plan.with_value(key, value)) == value
    assert plan.to_dict() == before


BAD = [
    ({"compares": {}}, "Did you mean 'compare'"),
    ({"compare": 3}, "section [compare] is 3"),
    ({"compare": {"adam": 3}}, "section [compare.adam] is 3"),
    ({"compare": {"adams": {"batch": 3}}}, "Did you mean 'adam'"),
    ({"compare": {"method": ["adam"]}}, "Did you mean 'methods'"),
    ({"compare": {"methods": "adam"}}, "[compare] methods is 'adam'; expected a list of str"),
    ({"compare": {"methods": ["adam", "adam"]}}, "expected each of them once"),
    ({"compare": {"methods": ["adamm"]}}, "Did you mean 'adam'"),
    ({"compare": {"methods": []}}, "at least one entry"),
    ({"compare": {"iterations": -1}}, "iterations is -1"),
    ({"compare": {"work_units": float("inf")}}, "work_units is inf"),
    ({"compare": {"adam": {"learning_rat": 1.0}}}, "Did you mean 'learning_rate'"),
    ({"compare": {"adam": {"learning_rate": "fast"}}}, "expected a value of type float"),
    ({"compare": {"adam": {"learning_rate": 0.0}}}, "[compare.adam] learning_rate is 0.0"),
    ({"compare": {"sgd": {"momentum": 1.0}}}, "[compare.sgd] momentum is 1.0"),
    ({"compare": {"sgd": {"schedule": "cosinus"}}}, "Did you mean 'cosine'"),
    ({"compare": {"joint": {"max_step": 0.0}}}, "[compare.joint] max_step is 0.0"),
    ({"compare": {"varpro": {"inner_tolerance": 0.0}}}, "[compare.varpro] inner_tolerance is 0.0"),
    ({"compare": {"varpro": {"inner_steps": 0}}}, "inner_steps is 0"),
    ({"compare": {"newton-cg": {"cg_tolerance": 1.0}}}, "[compare.newton-cg] cg_tolerance is 1.0"),
    ({"compare": {"trust-region": {"radius": 0.0}}}, "radius is 0.0"),
    ({"compare": {"trust-region": {"second_order": 1}}}, "expected a value of type bool"),
    ({"compare": {"levenberg-marquardt": {"damping": 0.0}}}, "[compare.levenberg-marquardt] damping 0.0"),
    ({"compare": {"l-bfgs": {"memory": 0}}}, "[compare.l-bfgs] memory is 0"),
    ({"compare": {"nonlinear-cg": {"wolfe": 1.0}}}, "[compare.nonlinear-cg] wolfe is 1.0"),
    ({"compare": {"bcd": {"steps": 1}}}, "unknown key in section [compare.bcd] 'steps'"),
    ({"study": {"parameter": "network.layers"}}, "[study] values is ()"),
    ({"study": {"values": [1]}}, "[study] parameter is ''"),
    ({"study": {"parameter": "network.layers", "values": [[1]]}}, "numbers, words or truth values"),
    ({"study": {"parameter": "network.layers", "values": [1], "seeds": []}}, "[study] seeds is ()"),
    ({"study": {"parameter": "network.layers", "values": [1], "seeds": [-1]}}, "[study] seeds is -1"),
    ({"study": {"parameter": "network.layers", "values": [1], "method": "adm"}}, "Did you mean 'adam'"),
    ({"study": {"axes": {"network.layers": 3}}}, "[study] network.layers is 3"),
    ({"network": {"chanels": 3}}, "Did you mean 'channels'"),
]


@pytest.mark.parametrize(("given", "words"), BAD, ids=[words for _, words in BAD])
def test_bad_sections_say_key_value_and_what_was_expected(given, words):
    with pytest.raises(InputError) as caught:
        Plan.from_dict(given)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("network", "'network' names no key"),
        ("network.chanels", "Did you mean 'channels'"),
        ("networks.channels", "Did you mean 'network'"),
        ("network.channels.more", "'channels' is no section"),
        ("compare.adam", "names no key"),
        ("", "names no key"),
    ],
)
def test_keys_that_are_none_are_refused(key, words):
    with pytest.raises(InputError) as caught:
        Plan.from_dict({}).with_value(key, 3)
    assert words in str(caught.value)


def test_a_file_is_named_in_what_is_wrong_with_it(tmp_path):
    path = tmp_path / "plan.toml"
    path.write_text("[compare]\nmethods = ['adm']\n")
    with pytest.raises(InputError, match=r"plan\.toml: \[compare\]"):
        Plan.from_toml(path)
    with pytest.raises(FileError, match="cannot be read"):
        Plan.from_toml(tmp_path / "none.toml")
