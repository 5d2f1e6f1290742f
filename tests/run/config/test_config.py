"""A training run's configuration: every key, told when it is unknown, of another type or out of range."""

from __future__ import annotations

import dataclasses
import os

import numpy as np
import pytest
from tiny_unet import TinyUNet

from refms.data.dataset import Dataset
from refms.errors import FileError, InputError
from refms.grid import Grid
from refms.io.strict_toml import LONGEST_FILE
from refms.maps.architectures.architecture import register_architecture
from refms.run.config import Configuration
from refms.run.config.data import fitted

SECTIONS = {
    section.name: dataclasses.fields(section.default_factory) for section in dataclasses.fields(Configuration)
}
KEYS = [(name, field.name) for name, fields in SECTIONS.items() for field in fields]
DEFAULTS = Configuration().to_dict()
register_architecture("tiny-unet", TinyUNet)

OUT_OF_RANGE = {
    "dataset": ["mnits", "", "idx", "idx:", "idx:a\0b"],
    "train": [-1],
    "validation": [-1],
    "split_seed": [-1],
    "size": [-4],
    "scale": [0.0, float("nan"), float("inf")],
    "shift": [float("nan"), float("-inf")],
    "smoothing": [-0.5, float("nan"), 10**400],
    "pair": ["averaging-bilinaer"],
    "interpolate": [],
    "pad": [],
    "crop": [],
    "channels": [0, -1],
    "layers": [0],
    "final_time": [-1.0, float("nan"), float("inf")],
    "stencil": [0, 4, -3],
    "opening_stencil": [0, 2],
    "opening": ["learnt"],
    "opening_scale": [float("nan"), float("inf"), -1.0],
    "activation": ["tahn"],
    "loss": ["softmx", "hinge", ""],
    "pooling": [-1],
    "seed": [-1],
    "integrator": ["rk3", "euler", ""],
    "layer": ["antisymetric"],
    "architecture": ["residul"],
    "options": [{"width": 3}],  # the residual net has none
    "layer_damping": [-1.0, 0.5, float("nan"), float("inf")],  # 0.5: not without the antisymmetric layer
    "stencil_scale": [float("nan"), float("inf"), -1.0],
    "W_smoothness": [-1e-6, float("nan"), float("inf")],
    "W_tikhonov": [-1.0, float("nan")],
    "theta_smoothness": [-1.0, float("nan"), -(10**400)],
    "theta_tikhonov": [-1.0, float("inf")],
    "theta_transfer": [-1.0, float("nan"), float("inf")],
    "transfer_pair": ["averaging-bilinaer", ""],
    "transfer_penalty": ["norms", ""],
    "transfer_to": ["fine", ""],
    "iterations": [0, -1],
    "hessian_fraction": [0.0, 1.1, -0.5, float("nan")],
    "hessian_seed": [-1],
    "propagation_cg_iterations": [0],
    "classifier_cg_iterations": [0],
    "cg_tolerance": [-0.1, 1.0, float("nan")],
    "classifier_steps": [0],
    "damping": [-1.0, 1e-13, 1e13, float("nan")],
    "dtype": ["float16", "float46"],
    "propagation_preconditioner": ["smoothness", ""],
    "classifier_preconditioner": ["smooth", "time"],
    "memory": [0, -1],
    "method": ["bcd", ""],
    "learning_rate": [0.0, -1.0, float("nan"), float("inf")],
    "schedule": ["linear"],
    "batch": [-1],
    "draw_seed": [-1],
    "patience": [-1],
    "flip": [],
    "shift_cells": [-1],
}

OTHER_VALUES = {
    "dataset": "mnist",
    "size": 4,
    "pair": "injection-linear",
    "interpolate": True,
    "pad": True,
    "crop": True,
    "stencil": 5,
    "opening_stencil": 3,
    "opening": "learned",
    "activation": "relu",
    "loss": "least-squares",
    "integrator": "rk4",
    "layer": "antisymmetric",
    "hessian_fraction": 0.5,
    "dtype": "float64",
    "transfer_pair": "averaging-constant",
    "transfer_penalty": "norm",
    "architecture": "tiny-unet",
    "options": {"width": 3},
    "transfer_to": "coarser",
    "propagation_preconditioner": "none",
    "classifier_preconditioner": "diagonal",
    "cg_tolerance": 0.5,
    "method": "adam",
    "schedule": "cosine",
    "flip": True,
}

NEEDED = {
    "layer_damping": {"layer": "antisymmetric"},
    "options": {"architecture": "tiny-unet"},
    "pad": {"size": 4},
    "crop": {"size": 4},
}
"""Keys of the same section that go with a value other than the default."""


def wrong_types(value: object) -> list[object]:
    """Return values that are not what this default is."""
    everything = [True, 3, 2.5, "three", [1], {"a": 1}, None]
    kinds = {type(value), int} if isinstance(value, float) else {type(value)}
    return [other for other in everything if type(other) not in kinds]


def test_the_tables_below_cover_every_key():
    assert set(OUT_OF_RANGE) == {key for _, key in KEYS}
    assert len(KEYS) == len(OUT_OF_RANGE)


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_a_misspelt_key_is_refused_and_the_right_one_offered(section, key):
    for misspelt in {key[:-1], key + "s", key.replace("_", "-") + "e"} - set(DEFAULTS[section]):
        with pytest.raises(InputError) as caught:
            Configuration.from_dict({section: {misspelt: DEFAULTS[section][key]}})
        assert f"unknown key in section [{section}] {misspelt!r}" in str(caught.value)
        assert f"Did you mean {key!r}?" in str(caught.value)


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_a_value_of_another_type_is_refused_with_the_type_expected(section, key):
    default = DEFAULTS[section][key]
    for value in wrong_types(default):
        if key == "size" and isinstance(value, list):
            continue
        with pytest.raises(InputError) as caught:
            Configuration.from_dict({section: {key: value}})
        expected = f"[{section}] {key} is {value!r}; expected a value of type {type(default).__name__}."
        assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("section", "key", "value"), [(s, key, value) for s, key in KEYS for value in OUT_OF_RANGE[key]]
)
def test_a_value_out_of_range_is_refused_with_its_section(section, key, value):
    with pytest.raises(InputError) as caught:
        Configuration.from_dict({section: {key: value}})
    assert str(caught.value).startswith(f"[{section}] ")
    assert key in str(caught.value)
    assert "expected" in str(caught.value)


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_every_key_arrives_and_the_others_keep_their_defaults(section, key):
    default = DEFAULTS[section][key]
    value = OTHER_VALUES.get(key, default + 1 if isinstance(default, int) else default)
    if isinstance(default, float) and key not in OTHER_VALUES:
        value = default + 0.25
    assert value != default
    given = {key: value, **NEEDED.get(key, {})}
    found = Configuration.from_dict({section: given}).to_dict()
    assert found == {**DEFAULTS, section: {**DEFAULTS[section], **given}}


@pytest.mark.parametrize(("section", "key"), [(s, k) for s, k in KEYS if isinstance(DEFAULTS[s][k], float)])
def test_a_whole_number_may_stand_for_a_float(section, key):
    value = 0 if key == "cg_tolerance" else 1
    found = Configuration.from_dict({section: {key: value, **NEEDED.get(key, {})}}).to_dict()[section][key]
    assert isinstance(found, float)
    assert found == value


def test_sections_are_checked_too():
    with pytest.raises(InputError, match=r"unknown configuration section 'netwrok'.* Did you mean 'network'"):
        Configuration.from_dict({"netwrok": {}})
    for values in (3, "x", [{"channels": 3}], None):
        with pytest.raises(InputError, match=r"section \[network\] is .*; expected keys and values"):
            Configuration.from_dict({"network": values})
    for given in (3, "x", [], None):
        with pytest.raises(InputError, match="expected sections of keys and values"):
            Configuration.from_dict(given)


def test_to_dict_and_from_dict_are_inverse():
    given = {section: dict(values) for section, values in DEFAULTS.items()}
    for section, key in KEYS:
        given[section][key] = OTHER_VALUES.get(key, given[section][key])
    given["data"] |= {"pad": False, "crop": False}  # which do not go with interpolate
    configuration = Configuration.from_dict(given)
    assert configuration.to_dict() == given
    assert Configuration.from_dict(configuration.to_dict()) == configuration
    assert Configuration.from_dict({}) == Configuration()


# What the sections make of it


def test_the_mesh_is_that_of_the_images_or_the_size_asked_for():
    def grid(size, native):
        return Configuration.from_dict({"data": {"size": size}}).data.grid(native)

    assert grid(0, Grid((28, 14))) == Grid((28, 14))
    assert grid(7, Grid((28, 28))) == Grid((7, 7))
    with pytest.raises(InputError, match=r"size is 16, larger than the images \(8, 8\)"):
        grid(16, Grid((8, 8)))
    finer = Configuration.from_dict({"data": {"size": 16, "interpolate": True}})
    assert finer.data.grid(Grid((8, 8))) == Grid((16, 16))
    with pytest.raises(InputError, match="not related by doubling"):
        grid(5, Grid((8, 8)))


def test_a_size_that_halving_does_not_reach_says_what_would_do():
    with pytest.raises(InputError) as caught:
        Configuration.from_dict({"data": {"size": 8}}).data.grid(Grid((28, 20)))
    said = str(caught.value)
    assert "28x20, 14x10, 7x5." in said
    assert "--pad (in [data]: pad = true), to 32x32 or --crop (in [data]: crop = true), to 16x16" in said


@pytest.mark.parametrize(
    ("given", "native", "shape"),
    [
        ({"size": 8, "pad": True}, (28, 20), (32, 32)),
        ({"size": 8, "crop": True}, (28, 20), (16, 16)),
        ({"size": 8, "pad": True}, (16, 16), (16, 16)),
        ({"size": 8, "crop": True}, (16, 16), (16, 16)),
        ({"size": 7}, (28, 20), (28, 20)),
    ],
)
@pytest.mark.filterwarnings("ignore::refms.errors.InputWarning")
def test_images_are_fitted_where_that_is_asked_for(given, native, shape):
    data = Dataset(np.ones((1, 1, *native)), None, 0, "own", max_value=1.0)
    assert fitted(data, Configuration.from_dict({"data": given}).data, 2**20).grid.shape == shape


def test_images_that_are_too_small_are_not_cropped():
    data = Dataset(np.ones((1, 1, 9, 7)), None, 0, "own", max_value=1.0)
    with pytest.raises(InputError, match="to 16x16"):
        fitted(data, Configuration.from_dict({"data": {"size": 8, "crop": True}}).data, 2**20)


@pytest.mark.parametrize(
    "given", [{"pad": True, "crop": True}, {"pad": True, "interpolate": True}, {"size": 0, "crop": True}]
)
def test_one_way_to_a_size_that_is_stated(given):
    with pytest.raises(InputError, match=r"crop|pad"):
        Configuration.from_dict({"data": {"size": 4, **given}})


def test_the_network_has_what_the_section_says():
    given = {"channels": 5, "layers": 3, "final_time": 1.5, "stencil": 5, "opening_stencil": 3}
    given |= {"opening": "learned", "activation": "relu"}
    network = Configuration.from_dict({"network": given}).network.network(Grid((8, 4)))
    assert network.grid == Grid((8, 4))
    assert (network.channels, network.layers, network.final_time) == (5, 3, 1.5)
    assert (network.stencil_shape, network.opening_shape) == ((5, 5), (3, 3))
    assert (network.opening, network.activation, network.boundary) == ("learned", "relu", "periodic")


def test_the_preprocessing_has_what_the_section_says():
    given = {"scale": 2.0, "shift": 1.0, "smoothing": 0.5, "pair": "nearest"}
    assert Configuration.from_dict({"data": given}).data.preprocessing.to_dict() == {**given, "levels": 0}


# TOML


def test_a_toml_file_is_read(tmp_path):
    path = tmp_path / "run.toml"
    path.write_text(
        '[data]\nsize = 4  # cells\nscale = 2\n[network]\nactivation = "relu"\n', encoding="utf-8"
    )
    expected = {"data": {"size": 4, "scale": 2.0}, "network": {"activation": "relu"}}
    assert Configuration.from_toml(path) == Configuration.from_dict(expected)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[data\n", "is not valid TOML"),
        ("data.size = \n", "is not valid TOML"),
        ("data.size = 4\ndata.size = 8\n", "is not valid TOML"),
        ("size = 4\n", "unknown configuration section 'size'"),
        ("[data]\nsiez = 4\n", "Did you mean 'size'?"),
        ("[[data]]\nsize = 4\n", "section [data] is"),
        ("data.scale = nan\n", "[data] scale is nan"),
        ("data.size = 1979-05-27\n", "expected a value of type int"),
        ("data.size = " + "9" * 5000, "is not valid TOML"),
        ("a = " + "[" * 20_000, "nested too deeply"),
        ("#" * (LONGEST_FILE + 1), f"longer than {LONGEST_FILE}"),
    ],
)
def test_a_bad_toml_file_is_told_with_its_name(tmp_path, text, words):
    path = tmp_path / "run.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        Configuration.from_toml(path)
    assert words in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("section", "key"),
    [("data", "train"), ("network", "layers"), ("optimization", "iterations"), ("data", "size")],
)
@pytest.mark.parametrize("count", [True, 1.5, float("nan"), "2", None, -1], ids=repr)
def test_counts_are_whole_numbers_at_the_door(section, key, count):
    kind = type(getattr(Configuration(), section))
    with pytest.raises(InputError, match=f"{key} is"):
        kind(**{key: count})
    taken = getattr(kind(**{key: np.int64(2)}), key)
    assert (taken, type(taken)) == (2, int)


@pytest.mark.parametrize(("size", "shape"), [(4, (4, 4)), ((2, 4), (2, 4)), ([4, 4], (4, 4)), (0, (8, 8))])
def test_the_size_is_one_number_or_one_for_each_axis(size, shape):
    section = Configuration.from_dict({"data": {"size": size, "interpolate": True}}).data
    native = Grid((8, 8)) if shape == (8, 8) else Grid(tuple(2 * n for n in shape))
    assert section.grid(native).shape == shape
    assert Configuration.from_dict(Configuration(data=section).to_dict()).data == section


@pytest.mark.parametrize("size", [(2,), (2, 2, 2), (2, 0), (2, 2.5), (2, True), "2"])
def test_other_sizes_are_refused(size):
    with pytest.raises(InputError, match="size"):
        Configuration.from_dict({"data": {"size": size}}).data.grid(Grid((4, 4)))


def test_bytes_that_are_no_text_are_told(tmp_path):
    path = tmp_path / "run.toml"
    path.write_bytes(b"\x89HDF\r\n\xff")
    with pytest.raises(FileError, match="is not valid TOML"):
        Configuration.from_toml(path)


def test_what_is_no_file_is_told_without_waiting_for_it(tmp_path):
    with pytest.raises(FileError, match="cannot be read"):
        Configuration.from_toml(tmp_path / "missing.toml")
    with pytest.raises(FileError, match="is a folder"):
        Configuration.from_toml(tmp_path)
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(FileError, match="not a regular file"):
        Configuration.from_toml(tmp_path / "pipe.toml")
