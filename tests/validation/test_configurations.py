"""The configurations that come with the experiments are read, short and in full, and say what they should."""

from pathlib import Path

import coarse_to_fine
import example_1
import pytest
import shallow_to_deep
import stability
from common.plan import options_of, read_plan

FOLDER = Path(__file__).resolve().parents[2] / "validation" / "learning_across_scales"


def plan(module, *words: str):
    options = options_of("", [str(FOLDER / f"{module.__name__}.toml"), "-o", "out", *words])
    return read_plan(options, module.Settings)


@pytest.mark.parametrize(
    "module", [coarse_to_fine, shallow_to_deep, stability], ids=lambda module: module.__name__
)
def test_the_full_run_has_more_images_and_the_same_network(module):
    short, full = plan(module), plan(module, "--full")
    assert short.configuration.data.train < full.configuration.data.train
    assert short.configuration.network == full.configuration.network
    assert short.settings == full.settings


def test_they_ask_for_what_the_paper_ran():
    coarse, deep = plan(coarse_to_fine, "--full"), plan(shallow_to_deep, "--full")
    assert (coarse.configuration.data.train, coarse.configuration.data.validation) == (50_000, 10_000)
    assert coarse.settings.sizes == (7, 14, 28)
    assert len(coarse.settings.seeds) == 5
    assert deep.settings.depths == (2, 4, 8, 16, 32, 64)
    assert deep.configuration.optimization.iterations == 20
    assert deep.configuration.data.train == 5_000
    assert plan(example_1).configuration.data.dataset == "mnist"
