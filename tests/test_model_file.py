"""Models as files: what is stored comes back bit for bit, and what does not fit is a sentence."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from dataclasses import replace

import h5py
import numpy as np
import pytest
from small_nets import locked, trained, untrained

from refms.data.preprocessing import Preprocessing
from refms.errors import FileError
from refms.grid import Grid
from refms.io import Artifact, read_artifact, write_artifact
from refms.maps.architectures.residual import Residual
from refms.model import Model, initial_model
from refms.model_file import load_model, model_artifact, model_of, save_model
from refms.multiscale.depth import to_depth
from refms.multiscale.resolution import transfer
from refms.objective.reading import Classes
from refms.optimize.history import History


def assert_same(a: Model, b: Model) -> None:
    assert a.architecture == b.architecture
    assert a.preprocessing == b.preprocessing
    assert a.record == b.record
    assert a.history == b.history
    assert a.reading == b.reading
    for name, array in a.arrays.items():
        assert array.dtype == b.arrays[name].dtype
        assert array.tobytes() == b.arrays[name].tobytes()


def unusual() -> Model:
    """Return a model in which nothing has its default."""
    network = Residual(
        Grid((4, 2, 6)),
        3,
        image_channels=2,
        layers=5,
        final_time=0.3,
        stencil_shape=(1, 3, 5),
        opening="learned",
        opening_shape=(3, 1, 3),
        activation="leaky_relu",
        boundary="zero",
        orientation="convolution",
    )
    steps = Preprocessing(scale=2.0, shift=1.0, smoothing=0.25, pair="nearest", levels=2)
    record = {"seed": 3, "nested": {"list": [1, 2.5, None, True], "text": "Ω → µ"}}
    classifier = {"loss": "smooth-hinge", "pooling": 2}
    return locked(initial_model(network, Classes(4, **classifier), 1, "float32", steps, record))


def noted() -> Model:
    """Return a trained model whose history has numbers beside those of every row."""
    model = trained(4)
    rows = [row.with_extra({"accuracy": k / 7} if k % 3 == 0 else {}) for k, row in enumerate(model.history)]
    return replace(model, history=History(tuple(rows)))


@pytest.mark.parametrize(
    "model",
    [
        pytest.param(noted, id="trained, with its history"),
        pytest.param(unusual, id="nothing at its default"),
        pytest.param(lambda: trained(4, dtype="float32"), id="single precision"),
        pytest.param(lambda: transfer(trained(4), Grid((8, 8)), "averaging-bilinear"), id="transferred"),
        pytest.param(lambda: to_depth(trained(4), 4), id="deepened"),
        pytest.param(lambda: untrained(4), id="without history"),
    ],
)
def test_a_model_comes_back_as_it_was(tmp_path, model):
    before = model()
    save_model(tmp_path / "model.h5", before)
    assert_same(load_model(tmp_path / "model.h5"), before)


@pytest.mark.parametrize(
    "options",
    [
        {"integrator": "verlet"},
        {"integrator": "rk4"},
        {"integrator": "midpoint", "layer": "antisymmetric", "layer_damping": 0.25},
    ],
)
def test_models_with_other_steps_and_layers_come_back_as_they_were(tmp_path, options):
    before = untrained(4, channels=2, **options)
    save_model(tmp_path / "model.h5", before)
    after = load_model(tmp_path / "model.h5")
    assert_same(after, before)


def test_models_from_before_there_was_a_choice_of_steps_are_read():
    artifact = model_artifact(noted())
    network = dict(artifact.attributes["network"])
    for name in ("integrator", "layer", "layer_damping"):
        del network[name]
    old = Artifact("model", {**artifact.attributes, "network": network}, artifact.arrays)
    assert_same(model_of(old), noted())
    assert model_of(old).architecture.integrator == "forward-euler"


def test_what_is_loaded_and_saved_again_is_the_same_file(tmp_path):
    save_model(tmp_path / "a.h5", noted())
    save_model(tmp_path / "b.h5", load_model(tmp_path / "a.h5"))
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def test_files_that_say_nothing_of_the_classifier_hold_softmax_without_pooling(tmp_path):
    model = trained(4)
    stored = model_artifact(model)
    assert stored.attributes["classifier"] == {"loss": "softmax", "pooling": 1}
    before = {name: value for name, value in stored.attributes.items() if name != "classifier"}
    write_artifact(tmp_path / "old.h5", Artifact("model", before, stored.arrays))
    assert_same(load_model(tmp_path / "old.h5"), model)


@pytest.mark.parametrize(
    "classifier",
    [
        {"loss": "hinge"},
        {"loss": ["softmax"]},
        {"pooling": 3},
        {"pooling": 2},  # W does not fit
        {"pooling": -1},
        {"pooling": 1.0},
        {"pooling": True},
        {"pooling": 10**30},
        {"pool": 1},
        {"record": {}},
        [1],
        "softmax",
        None,
    ],
    ids=repr,
)
def test_a_classifier_that_cannot_be_is_a_sentence(classifier):
    stored = model_artifact(untrained(4))
    with pytest.raises(FileError):
        model_of(Artifact("model", {**stored.attributes, "classifier": classifier}, stored.arrays))


def test_every_language_reads_the_arrays_under_their_names(tmp_path):
    """Plain HDF5: floats and integers of fixed size, texts as positions in a list of words."""
    model = noted()
    save_model(tmp_path / "model.h5", model)
    with h5py.File(tmp_path / "model.h5", "r") as file:
        for name, array in model.arrays.items():
            np.testing.assert_array_equal(file[name][()], array)
        assert set(file) == {*model.arrays, "history"}
        assert {
            dataset.dtype.kind for dataset in file["history"].values() if hasattr(dataset, "dtype")
        } <= set("fi")
        blocks = file["history/block"][()]
    words = read_artifact(tmp_path / "model.h5").attributes["history_words"]
    assert [words["block"][place] for place in blocks] == [row.block for row in model.history]
    for name, known in words.items():  # sorted, so that the order does not depend on the process
        assert known == sorted({getattr(row, name) for row in model.history})


# What is not a model


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-200]), "damaged or truncated"),
        (lambda path: path.unlink(), "cannot be read"),
    ],
)
def test_damaged_files_are_told_with_their_name(tmp_path, spoil, words):
    path = tmp_path / "model.h5"
    save_model(path, untrained(4))
    spoil(path)
    with pytest.raises(FileError) as caught:
        load_model(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def test_an_artefact_of_another_kind_is_told(tmp_path):
    path = tmp_path / "golden.h5"
    write_artifact(path, Artifact("golden", {}, {"W": np.zeros(3)}))
    with pytest.raises(
        FileError, match=r"golden\.h5': .* of kind 'golden'; expected a 'model' as refms train"
    ):
        load_model(path)


def with_attribute(*keys, value):
    """Return a change of one attribute; the last key is removed where the value is Ellipsis."""

    def change(attributes, arrays):
        inner = attributes
        for key in keys[:-1]:
            inner = inner[key]
        if value is ...:
            del inner[keys[-1]]
        else:
            inner[keys[-1]] = value

    return change


def with_array(name, value):
    def change(attributes, arrays):
        if value is None:
            del arrays[name]
        else:
            arrays[name] = value(arrays[name]) if callable(value) else value

    return change


def nan_in(array):
    return np.where(np.arange(array.size).reshape(array.shape) == 1, np.nan, array)


@pytest.mark.parametrize(
    "change",
    [
        *[with_attribute(key, value=...) for key in ("network", "preprocessing", "record", "history_words")],
        *[with_attribute("network", value=value) for value in (3, "x", [], {}, None)],
        with_attribute("network", "grid", value=5),
        with_attribute("network", "grid", value=[]),
        with_attribute("network", "grid", value=[8, 8]),
        with_attribute("network", "grid", value=["4", "4"]),
        with_attribute("network", "depth", value=3),
        with_attribute("network", "layers", value="2"),
        with_attribute("network", "layers", value=2.0),
        with_attribute("network", "layers", value=3),
        with_attribute("network", "channels", value=-3),
        with_attribute("network", "final_time", value="1"),
        with_attribute("network", "final_time", value=-1.0),
        with_attribute("network", "stencil_shape", value=[3]),
        with_attribute("network", "stencil_shape", value=[5, 5]),
        with_attribute("network", "stencil_shape", value=3),
        with_attribute("network", "activation", value="tahn"),
        with_attribute("network", "activation", value=["tanh"]),
        with_attribute("network", "opening", value=1),
        with_attribute("preprocessing", value=[1]),
        with_attribute("preprocessing", "scale", value="1"),
        with_attribute("preprocessing", "pair", value="nearst"),
        with_attribute("preprocessing", "blur", value=1.0),
        *[with_attribute("record", value=value) for value in (3, "x", [1], None)],
        *[with_attribute("record", "transfers", value=value) for value in (3, "x", {}, None)],
        *[with_attribute("history_words", value=value) for value in (3, "x", [], {}, None)],
        with_attribute("history_words", "block", value=3),
        with_attribute("history_words", "status", value=[]),
        *[with_array(name, None) for name in ("opening", "stencils", "biases", "W", "mu", "history/block")],
        *[with_array(name, lambda a: a[..., :1]) for name in ("stencils", "biases", "W", "mu")],
        *[with_array(name, nan_in) for name in ("stencils", "biases", "W", "mu")],
        with_array("W", lambda a: a.astype("float32")),
        with_array("W", lambda a: a.astype("int64")),
        with_array("history/objective", lambda a: a[:-1]),
        with_array("history/objective", lambda a: a.reshape(-1, 1)[:, [0, 0]]),
        with_array("history/objective", np.float64(1.0)),
        with_array("history/iteration", lambda a: np.full(a.shape, np.nan)),
        with_array("history/iteration", lambda a: np.full(a.shape, np.inf)),
        with_array("history/block", lambda a: a + 100),
        with_array("history/block", lambda a: a.astype("float64")),
        with_array("history/mood", np.zeros(1)),
    ],
)
def test_parts_that_do_not_fit_together_are_a_sentence(change):
    stored = model_artifact(trained(4))
    attributes, arrays = {**stored.attributes}, dict(stored.arrays)
    for key in ("network", "preprocessing", "record", "history_words"):
        attributes[key] = dict(attributes[key])
    change(attributes, arrays)
    with pytest.raises(FileError) as caught:
        model_of(Artifact("model", attributes, arrays))
    assert str(caught.value).endswith((".", "?"))


JUNK = [None, True, -1, 0, 2.5, 10**30, 1e308, "", "x", [], [1], [[1, 2]], {}, {"a": 1}]


@pytest.mark.parametrize("key", ["network", "preprocessing", "history_words", "record"])
def test_whatever_stands_in_an_attribute_gives_a_model_or_a_sentence(key):
    stored = model_artifact(trained(4))
    inner = {**stored.attributes[key]}
    for name in [*inner, "transfers", "unknown"]:
        for value in JUNK:
            attributes = {**stored.attributes, key: {**inner, name: value}}
            with contextlib.suppress(FileError):
                model_of(Artifact("model", attributes, stored.arrays))


def test_a_process_that_knows_no_architecture_yet_reads_a_model(tmp_path):
    path = tmp_path / "model.h5"
    save_model(path, initial_model(Residual(Grid((4, 4)), channels=2), Classes(3)))
    code = "import sys; from refms.model_file import load_model; print(load_model(sys.argv[1]).grid.shape)"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == "(4, 4)\n"
