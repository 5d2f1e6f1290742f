"""Models as files: what is stored comes back bit for bit, and what does not fit is a sentence."""

from __future__ import annotations

import contextlib
import copy
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
    for part in ("architecture", "preprocessing", "record", "history", "reading"):
        assert getattr(a, part) == getattr(b, part)
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
        pytest.param(lambda: untrained(4, channels=2, integrator="verlet"), id="Verlet"),
        pytest.param(lambda: untrained(4, integrator="rk4"), id="Runge-Kutta"),
        pytest.param(
            lambda: untrained(4, integrator="midpoint", layer="antisymmetric", layer_damping=0.25),
            id="antisymmetric",
        ),
    ],
)
def test_a_model_comes_back_as_it_was(tmp_path, model):
    before = model()
    save_model(tmp_path / "model.h5", before)
    assert_same(load_model(tmp_path / "model.h5"), before)


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


def golden(path):
    """Put an artefact of another kind in the place of the model."""
    path.unlink()
    write_artifact(path, Artifact("golden", {}, {"W": np.zeros(3)}))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:-200]), "damaged or truncated"),
        (lambda path: path.unlink(), "cannot be read"),
        (golden, "of kind 'golden'; expected a 'model' as refms train"),
    ],
)
def test_files_that_hold_no_model_are_told_with_their_name(tmp_path, spoil, words):
    path = tmp_path / "model.h5"
    save_model(path, untrained(4))
    spoil(path)
    with pytest.raises(FileError) as caught:
        load_model(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


def nan_in(array):
    return np.where(np.arange(array.size).reshape(array.shape) == 1, np.nan, array)


ATTRIBUTES = {  # values that cannot stand there; ... takes the attribute away
    ("network",): [..., 3, "x", [], {}, None],
    ("network", "grid"): [5, [], [8, 8], ["4", "4"]],
    ("network", "depth"): [3],
    ("network", "layers"): ["2", 2.5, 3],
    ("network", "channels"): [-3],
    ("network", "final_time"): ["1", -1.0],
    ("network", "stencil_shape"): [[3], [5, 5], 3],
    ("network", "activation"): ["tahn", ["tanh"]],
    ("network", "opening"): [1],
    ("classifier",): [[1], "softmax", None],
    ("classifier", "loss"): ["hinge", ["softmax"]],
    ("classifier", "pooling"): [3, 2, -1, 1.5, True, 10**30],  # with 2 blocks an axis W does not fit
    ("classifier", "pool"): [1],
    ("classifier", "record"): [{}],
    ("preprocessing",): [..., [1]],
    ("preprocessing", "scale"): ["1"],
    ("preprocessing", "pair"): ["nearst"],
    ("preprocessing", "blur"): [1.0],
    ("record",): [..., 3, "x", [1], None],
    ("record", "transfers"): [3, "x", {}, None],
    ("history_words",): [..., 3, "x", [], {}, None],
    ("history_words", "block"): [3],
    ("history_words", "status"): [[]],
}

ARRAYS = [
    *[(name, None) for name in ("opening", "stencils", "biases", "W", "mu", "history/block")],
    *[(name, lambda a: a[..., :1]) for name in ("stencils", "biases", "W", "mu")],
    *[(name, nan_in) for name in ("stencils", "biases", "W", "mu")],
    ("W", lambda a: a.astype("float32")),
    ("W", lambda a: a.astype("int64")),
    ("history/objective", lambda a: a[:-1]),
    ("history/objective", lambda a: a.reshape(-1, 1)[:, [0, 0]]),
    ("history/objective", lambda a: np.float64(1.0)),
    ("history/iteration", lambda a: np.full(a.shape, np.nan)),
    ("history/iteration", lambda a: np.full(a.shape, np.inf)),
    ("history/block", lambda a: a + 100),
    ("history/block", lambda a: a.astype("float64")),
    ("history/mood", lambda a: np.zeros(1)),
]


def assert_is_told(attributes, arrays):
    with pytest.raises(FileError) as caught:
        model_of(Artifact("model", attributes, arrays))
    assert str(caught.value).endswith((".", "?"))


@pytest.mark.parametrize(("keys", "value"), [(keys, v) for keys, bad in ATTRIBUTES.items() for v in bad])
def test_attributes_that_do_not_fit_are_a_sentence(keys, value):
    stored = model_artifact(trained(4))
    attributes = copy.deepcopy(dict(stored.attributes))
    *outer, last = keys
    inner = attributes[outer[0]] if outer else attributes
    if value is ...:
        del inner[last]
    else:
        inner[last] = value
    assert_is_told(attributes, stored.arrays)


@pytest.mark.parametrize(("name", "change"), ARRAYS)
def test_arrays_that_do_not_fit_are_a_sentence(name, change):
    stored = model_artifact(trained(4))
    arrays = {key: array for key, array in stored.arrays.items() if key != name}
    if change is not None:
        arrays[name] = change(stored.arrays.get(name))
    assert_is_told(stored.attributes, arrays)


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
