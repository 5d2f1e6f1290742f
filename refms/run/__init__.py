"""A run: configuration, training, comparison, study and inspection, for every way to start one."""

from typing import TYPE_CHECKING

from refms.lazy import lazy_names

if TYPE_CHECKING:
    from refms.run.config.configuration import Configuration
    from refms.run.config.reconstruction import Reconstruction
    from refms.run.epochs import examples_by_epoch, train_by_epochs
    from refms.run.experiment import Experiment, experiment_of
    from refms.run.image_experiment import ImageExperiment, image_experiment_of
    from refms.run.inspection.inspection import inspect
    from refms.run.reconstruction import reconstruct
    from refms.run.training import Checkpoint, Training, fit_classifier, problem_of, train

__getattr__ = lazy_names(
    __name__,
    {
        "config.configuration": ("Configuration",),
        "config.reconstruction": ("Reconstruction",),
        "epochs": ("examples_by_epoch", "train_by_epochs"),
        "experiment": ("Experiment", "experiment_of"),
        "image_experiment": ("ImageExperiment", "image_experiment_of"),
        "inspection.inspection": ("inspect",),
        "reconstruction": ("reconstruct",),
        "training": ("Checkpoint", "Training", "fit_classifier", "problem_of", "train"),
    },
)

__all__ = [
    "Checkpoint",
    "Configuration",
    "Experiment",
    "ImageExperiment",
    "Reconstruction",
    "Training",
    "examples_by_epoch",
    "experiment_of",
    "fit_classifier",
    "image_experiment_of",
    "inspect",
    "problem_of",
    "reconstruct",
    "train",
    "train_by_epochs",
]
