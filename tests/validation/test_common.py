"""What the experiments share: plans are checked, trainings not made twice, results not overwritten."""

import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from common.plan import options_of, read_plan, require_seeds, seeded, words_of
from common.publishing import Publisher, ended
from common.summary import first_reaching, last_within, spread
from common.trainings import CURVE, Bench
from small_nets import images

from refms.errors import FileError, InputError
from refms.io import read_artifact
from refms.model_file import load_model
from refms.run.checkpoint_files import CheckpointFiles
from refms.run.config import Configuration
from refms.run.training import train


@dataclass(frozen=True)
class Settings:
    """A table [experiment]."""

    sizes: tuple[int, ...] = (4, 8)
    pair: str = "nearest"
    shown: int = 0


TOML = """
[data]
dataset = "digits"
train = 50
[experiment]
sizes = [2, 4, 8]
[full.data]
train = 500
[full.experiment]
shown = 3
"""

CONFIGURATION = Configuration.from_dict(
    {
        "data": {"train": 60, "validation": 40, "size": 4},
        "network": {"channels": 2},
        "optimization": {"iterations": 2},
    }
)


def plan(tmp_path: Path, text: str, *words: str):
    file = tmp_path / "plan.toml"
    file.write_text(text)
    return read_plan(options_of("", [str(file), "-o", str(tmp_path), *words]), Settings)


def test_a_plan_is_the_file_with_the_options_put_over_it(tmp_path):
    short = plan(tmp_path, TOML)
    assert short.settings == Settings(sizes=(2, 4, 8))
    assert short.configuration.data.train == 50
    full = plan(tmp_path, TOML, "--full")
    assert full.settings == Settings(sizes=(2, 4, 8), shown=3)
    assert full.configuration == replace(
        short.configuration, data=replace(short.configuration.data, train=500)
    )
    assert plan(tmp_path, TOML, "--dataset", "mnist").configuration.data.dataset == "mnist"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[experiment]\nsize = 3", "unknown key in section [experiment]"),
        ("[experiment]\nsizes = 3", "[experiment] sizes is 3; expected a list of int"),
        ("[experiment]\nsizes = [2.0]", "[experiment] sizes is [2.0]; expected a list of int"),
        ("[experiment]\nsizes = []", "[experiment] sizes is []; expected a list with at least one entry"),
        ("[experiment]\npair = 3", "[experiment] pair is 3; expected a value of type str"),
        ("[experiment]\nshown = true", "[experiment] shown is True; expected a value of type int"),
        ("experiment = 3", "[experiment] is 3; expected a table"),
        ("full = 3", "[full] is 3; expected a table"),
        ("[data]\nsize = -1", "[data] size is -1; expected 0 or more"),
        ("[dta]", "Did you mean data?"),
        ("[data", "is not valid TOML"),
    ],
)
def test_what_a_plan_cannot_mean_is_refused(tmp_path, text, told):
    with pytest.raises(InputError) as caught:
        plan(tmp_path, text)
    assert told in str(caught.value).replace("'", "")
    assert str(tmp_path / "plan.toml") in str(caught.value)


def test_the_full_run_must_exist(tmp_path):
    with pytest.raises(InputError, match=r"no tables \[full"):
        plan(tmp_path, "[data]", "--full")


def test_seeds_go_everywhere_and_are_different():
    configuration = seeded(CONFIGURATION, 7)
    assert configuration.data.split_seed == configuration.network.seed == 7
    assert configuration.optimization.hessian_seed == 7
    for bad in ((-1,), (2, 2)):
        with pytest.raises(InputError, match="expected different numbers of 0 or more"):
            require_seeds(bad)


def test_the_options_that_decide_are_recorded_without_folders(tmp_path):
    words = "c.toml --dataset digits --data-dir secret --full --seeds 1 2 -o x"
    assert words_of(options_of("", words.split())) == ["--dataset digits", "--full", "--seeds 1 2"]
    assert words_of(options_of("", ["c.toml", "-o", "x"], trains=False)) == []


def test_numbers_over_seeds():
    assert spread([1.0, 3.0]) == {"mean": 2.0, "sd": pytest.approx(2**0.5), "values": [1.0, 3.0]}
    assert spread([1.0, None]) == {"mean": 1.0, "sd": None, "values": [1.0, None]}
    assert spread([None])["mean"] is None
    assert (first_reaching([1, 3, 2, 3], 3), first_reaching([1], 2)) == (1, None)
    assert (last_within([1, 3, 4], 3), last_within([1], 0.5)) == (1, None)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path, images(count=100))


def test_a_training_leaves_its_model_and_its_curve(bench, tmp_path):
    start = bench.start(CONFIGURATION, 4)
    model, unit = bench.trained("one", CONFIGURATION, start)
    examples, validation = bench.examples(CONFIGURATION, start)
    alone = train(start, examples, CONFIGURATION.regularization, CONFIGURATION.optimization).model
    np.testing.assert_array_equal(model.arrays["W"], alone.arrays["W"])
    np.testing.assert_array_equal(load_model(tmp_path / "one.h5").arrays["W"], model.arrays["W"])
    curve = unit["curve"]
    assert [*curve] == [*CURVE]
    assert curve["iteration"] == [0, 1, 2]
    # the start guesses: W is zero, and R of the stencils comes on top
    assert curve["validation_loss"][0] == pytest.approx(np.log(10), rel=1e-6)
    assert np.log(10) < curve["objective"][0] < np.log(10) + 0.01
    objectives = [row.objective for row in alone.history]
    assert curve["objective"][-1] == objectives[-1]
    assert curve["work_units"][-1] == alone.history.rows[-1].work_units
    for name in ("work_units", "cpu_seconds", "seconds"):
        assert curve[name][0] == 0.0
        assert curve[name] == sorted(curve[name])
    assert unit["examples"] == {"train": 60, "validation": validation.count}


def test_the_curve_begins_with_what_it_is_given(bench):
    first, _ = bench.trained("one", CONFIGURATION, bench.start(CONFIGURATION, 4))
    _, unit = bench.trained("two", CONFIGURATION, first, after=(4,))
    _, before = bench.trained("one", CONFIGURATION, first)  # not trained again
    for name in ("objective", "validation_accuracy", "validation_loss"):
        assert unit["curve"][name][0] == pytest.approx(before["curve"][name][-1], rel=1e-6)
    assert unit["curve"]["iteration"] == [0, 1, 2]


def test_the_same_training_is_not_made_twice(bench, monkeypatch):
    start = bench.start(CONFIGURATION, 4)
    model, unit = replace(bench, threads=2).trained("one", CONFIGURATION, start)
    monkeypatch.setattr("common.trainings.train", None)
    again, found = bench.trained("one", CONFIGURATION, start)
    np.testing.assert_array_equal(again.arrays["stencils"], model.arrays["stencils"])
    assert found["curve"] == unit["curve"]


def test_a_training_that_stopped_half_way_is_made_again(bench, tmp_path):
    start = bench.start(CONFIGURATION, 4)
    model, _ = bench.trained("one", CONFIGURATION, start)
    (tmp_path / "one.json").unlink()
    again, _ = bench.trained("one", CONFIGURATION, start)
    np.testing.assert_array_equal(again.arrays["W"], model.arrays["W"])


LONG = replace(CONFIGURATION, optimization=replace(CONFIGURATION.optimization, iterations=4))


def interrupted(bench, name: str, after: int, monkeypatch):
    """Train, and be killed when so many iterations are done and their checkpoint is written."""

    class Killed(BaseException):
        """Nobody catches it."""

    write = CheckpointFiles.write

    def killed(files, checkpoint):
        write(files, checkpoint)
        if checkpoint.iteration == after:
            raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(CheckpointFiles, "write", killed)
        with pytest.raises(Killed):
            bench.trained(name, LONG, bench.start(LONG, 4))


@pytest.mark.parametrize("after", [1, 3])
def test_a_training_that_is_killed_goes_on_bit_for_bit(bench, tmp_path, monkeypatch, capsys, after):
    whole, unit = bench.trained("whole", LONG, bench.start(LONG, 4))
    interrupted(bench, "one", after, monkeypatch)
    capsys.readouterr()
    model, found = bench.trained("one", LONG, bench.start(LONG, 4))
    told = capsys.readouterr().out
    assert [k for k in range(1, 5) if f"iteration={k}/4" in told] == [*range(after + 1, 5)]
    for name, array in whole.arrays.items():
        np.testing.assert_array_equal(model.arrays[name], array)
    for name in ("iteration", "objective", "validation_accuracy", "validation_loss", "work_units"):
        assert found["curve"][name] == unit["curve"][name]
    for name in ("cpu_seconds", "seconds"):  # those of the part before count as well
        assert found["curve"][name] == sorted(found["curve"][name])
        assert min(np.diff(found["curve"][name])) > 0
    assert [path.name for path in tmp_path.glob("*checkpoint*")] == []


def test_a_checkpoint_of_another_training_needs_force(bench, tmp_path, monkeypatch):
    interrupted(bench, "one", 1, monkeypatch)
    other = seeded(LONG, 1)
    with pytest.raises(FileError, match="a checkpoint beside it was made with other settings"):
        bench.trained("one", other, bench.start(other, 4))
    model, _ = replace(bench, force=True).trained("one", other, bench.start(other, 4))
    expected, _ = bench.trained("two", other, bench.start(other, 4))
    np.testing.assert_array_equal(model.arrays["W"], expected.arrays["W"])
    assert not [*tmp_path.glob("*checkpoint*")]


def test_another_training_of_the_same_name_needs_force(bench):
    bench.trained("one", CONFIGURATION, bench.start(CONFIGURATION, 4))
    other = seeded(CONFIGURATION, 1)
    for configuration, after in ((other, ()), (CONFIGURATION, (2,))):
        with pytest.raises(FileError, match="made with other settings"):
            bench.trained("one", configuration, bench.start(configuration, 4), after)
    darker = replace(bench, dataset=replace(bench.dataset, images=bench.dataset.images // 2))
    with pytest.raises(FileError, match="made with other settings"):
        darker.trained("one", CONFIGURATION, bench.start(CONFIGURATION, 4))
    (bench.out / "one.json").unlink()  # the net alone is no reason to overwrite it
    with pytest.raises(FileError, match="made with other settings"):
        bench.trained("one", other, bench.start(other, 4))
    forced = replace(bench, force=True)
    model, _ = forced.trained("one", other, bench.start(other, 4))
    found, _ = bench.trained("one", other, bench.start(other, 4))
    np.testing.assert_array_equal(found.arrays["W"], model.arrays["W"])


def published(tmp_path: Path, *words: str) -> Publisher:
    options = options_of("", ["c.toml", "-o", str(tmp_path / "out"), *words])
    publisher = Publisher("study", options)
    publisher.publish(
        {"configuration": {"a": 1}}, {"x": np.arange(3)}, lambda f: f.subplots().plot([0, 1]), (2, 2)
    )
    return publisher


def test_three_files_are_written_and_not_overwritten(tmp_path):
    published(tmp_path, "--result", str(tmp_path / "found.json"), "--figure", str(tmp_path / "p.svg"))
    result = json.loads((tmp_path / "found.json").read_text())
    assert result["experiment"] == "study"
    assert result["figure"] == "p.svg"
    assert result["config"] == "c.toml"
    assert {"date", "machine", "versions"} <= set(result)
    artifact = read_artifact(tmp_path / "out" / "study.h5")
    np.testing.assert_array_equal(artifact.arrays["x"], np.arange(3))
    with pytest.raises(FileError, match="--force to replace it"):
        published(tmp_path)
    first = (tmp_path / "p.svg").read_bytes()
    published(tmp_path, "--force", "--figure", str(tmp_path / "p.svg"))
    assert (tmp_path / "p.svg").read_bytes() == first


def test_pictures_need_a_known_ending_and_matplotlib(tmp_path, monkeypatch, capsys):
    with pytest.raises(InputError, match=r"expected a name that ends in \.png or \.svg"):
        published(tmp_path, "--figure", "p.bmp")
    monkeypatch.setattr("common.publishing.importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'refms\[plot\]'"):
        published(tmp_path, "--figure", "p.png")
    published(tmp_path)
    assert "no picture: matplotlib is missing" in capsys.readouterr().err
    assert json.loads((tmp_path / "out" / "study.json").read_text())["figure"] is None


def test_bad_usage_is_one_sentence_and_exit_code_2(capsys):
    def refuses():
        raise InputError("sizes is 3; expected a list.")

    def interrupted():
        raise KeyboardInterrupt

    assert ended("study", refuses) == 2
    assert capsys.readouterr().err == "study: sizes is 3; expected a list.\n"
    assert ended("study", interrupted) == 130
    assert "goes on where it stopped" in capsys.readouterr().err


def test_a_terminal_shows_the_time_left_and_a_pipe_does_not(bench, monkeypatch, capsys):
    bench.trained("piped", CONFIGURATION, bench.start(CONFIGURATION, 4))
    assert "is running" not in capsys.readouterr().err
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    bench.trained("shown", CONFIGURATION, bench.start(CONFIGURATION, 4))
    told = capsys.readouterr().err
    assert "shown: iteration 1/2 is running " in told
    assert "shown: iteration 2/2 is running, about " in told
    assert told.endswith("\r")  # the line is cleared
