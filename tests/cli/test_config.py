"""Templates of configurations: each is read by its command, says every key, and has the defaults."""

import dataclasses
import json
import tomllib
from itertools import takewhile
from pathlib import Path

import pytest

from refms.cli.config import EXAMPLES
from refms.cli.main import main
from refms.cli.train import OVERRIDES
from refms.maps.activation import ACTIVATIONS
from refms.maps.architectures.residual import INTEGRATORS, LAYERS
from refms.multiscale.allocation import ALLOCATIONS
from refms.multiscale.subsampling import NOISE_RULES
from refms.names import LOSSES, OWN_PREFIXES
from refms.run.config import Configuration
from refms.run.config.reconstruction import Reconstruction
from refms.run.config.template import template
from refms.run.plan import Plan

ROOT = Path(__file__).resolve().parents[2]


def written(capsys, kind):
    assert main(["config", kind]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize(("kind", "sections"), [("train", Configuration), ("reconstruct", Reconstruction)])
def test_a_template_says_every_key_at_its_default(capsys, kind, sections):
    given = tomllib.loads(written(capsys, kind))
    assert sections.from_dict(given) == sections()
    assert {name: set(table) for name, table in given.items()} == {
        name: set(table) for name, table in sections().to_dict().items()
    }


def test_templates_of_comparisons_hold_the_options_of_every_method(capsys):
    compare = Plan.from_dict(tomllib.loads(written(capsys, "compare")))
    assert (compare.compare, compare.methods, compare.study) == (*_plain(), None)
    study = Plan.from_dict(tomllib.loads(written(capsys, "study")))
    assert (study.compare, study.methods) == _plain()
    assert study.study.parameters == {"optimization.hessian_fraction": (0.1, 1.0)}


def _plain():
    return Plan(Configuration()).compare, Plan(Configuration()).methods


@pytest.mark.parametrize("kind", ["train", "reconstruct"])
def test_keys_stand_below_their_explanation(capsys, kind):
    """But for those that share one with the key before."""
    lines = written(capsys, kind).splitlines()
    keys = [number for number, line in enumerate(lines) if " = " in line and not line.startswith("#")]
    assert sum(lines[number - 1].startswith("#") for number in keys) > len(keys) / 2


@pytest.mark.parametrize(
    ("kind", "key", "choices"),
    [
        ("train", "integrator", INTEGRATORS),
        ("train", "layer", LAYERS),
        ("train", "activation", [one.name for one in ACTIVATIONS]),
        ("train", "loss", LOSSES),
        ("train", "dataset", OWN_PREFIXES),
        ("reconstruct", "dataset", OWN_PREFIXES),
        ("reconstruct", "noise", NOISE_RULES),
        ("reconstruct", "allocation", ALLOCATIONS),
    ],
)
def test_all_that_a_key_takes_stands_above_it(capsys, kind, key, choices):
    lines = written(capsys, kind).splitlines()
    above = reversed(lines[: next(n for n, line in enumerate(lines) if line.startswith(f"{key} = "))])
    comment = " ".join(reversed(list(takewhile(lambda line: line.startswith("#"), above))))
    assert [one for one in choices if one not in comment] == []


@pytest.mark.parametrize("option", ["--integrator", "--layer", "--loss"])
def test_all_that_an_option_takes_stands_in_its_help(option):
    choices = {"--integrator": INTEGRATORS, "--layer": LAYERS, "--loss": LOSSES}[option]
    text = next(text for name, _, _, _, text in OVERRIDES if name == option)
    assert [one for one in choices if one not in text] == []


def test_a_file_is_written_once_and_reads_back(tmp_path, capsys):
    place, result = tmp_path / "mine.toml", tmp_path / "mine.json"
    assert main(["config", "train", "-o", str(place), "--json", str(result)]) == 0
    assert Configuration.from_toml(place) == Configuration()
    assert json.loads(result.read_text())["data"] == tomllib.loads(place.read_text())["data"]
    assert main(["config", "train", "-o", str(place)]) == 2
    assert "--force" in capsys.readouterr().err


def test_words_mappings_and_lists_come_back_as_they_were():
    @dataclasses.dataclass(frozen=True)
    class Odd:
        """[odd]: all kinds of values.

        Parameters
        ----------
        word, other : str
            ``"a"`` as in :class:`~refms.grid.Grid`.
        """

        word: str = 'say "ä"\n'
        other: str = ""
        flags: tuple[bool, ...] = (True, False)
        nested: tuple[tuple[int, ...], ...] = ((1,), ())
        options: dict = dataclasses.field(default_factory=lambda: {"an é": 1e-3, "plain": [1]})

    text = template({"odd": Odd()}, "Odd.")
    found = tomllib.loads(text)["odd"]
    assert found == json.loads(json.dumps(dataclasses.asdict(Odd())))
    assert text.count('# "a" as in Grid.') == 1  # once for both


@pytest.mark.parametrize(
    ("kind", "read"),
    [("train", Configuration), ("reconstruct", Reconstruction), ("compare", Plan), ("study", Plan)],
)
def test_an_example_is_a_file_of_validation_that_its_command_reads_and_the_wheel_has(capsys, kind, read):
    assert main(["config", kind, "--example"]) == 0
    text = capsys.readouterr().out
    path = f"validation/{EXAMPLES[kind]}"
    assert text == (ROOT / path).read_text("utf-8")
    read.from_dict(tomllib.loads(text))
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    assert build["targets"]["wheel"]["force-include"][path] == f"refms/examples/{Path(path).name}"
