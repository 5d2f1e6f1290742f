"""Tiny trainings on digits, 8×8 cells, for the tests of what restores images."""

from __future__ import annotations

from typing import Any

from refms.run.config.reconstruction import Reconstruction
from refms.run.image_experiment import ImageExperiment, image_experiment_of

TRAINING = """
[data]
dataset = "digits"
size = 8
train = 20
validation = 4
validation_part = "train"
[network.options]
width = 4
blocks = 1
[multiscale]
levels = 2
batch = 2
pilot = 8
"""
"""The sections of a study's file that say what is trained."""


def small(**sections: dict[str, Any]) -> Reconstruction:
    """Return the configuration of a net of a few hundred parameters, with other keys put over it."""
    own: dict[str, dict[str, Any]] = {
        "data": {"dataset": "digits", "train": 40, "validation": 6, "validation_part": "train"},
        "network": {"options": {"width": 4, "blocks": 1, "closing_scale": 1.0}},
        "multiscale": {"levels": 3, "batch": 2, "iterations": [3, 2, 2], "pilot": 8},
        "optimization": {"learning_rate": 0.02, "every": 2, "dtype": "float64"},
    }
    for name, keys in sections.items():
        own[name] = {**own.get(name, {}), **keys}
    return Reconstruction.from_dict(own)


def experiment(**sections: dict[str, Any]) -> ImageExperiment:
    """Return where such a training begins."""
    return image_experiment_of(small(**sections))
