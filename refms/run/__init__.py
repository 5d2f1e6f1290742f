"""A run: configuration, training, comparison, study and inspection, for every way to start one."""

from typing import TYPE_CHECKING

from refms.lazy import lazy_names

if TYPE_CHECKING:
    from refms.run.config.configuration import Configuration
    from refms.run.experiment import Experiment, experiment_of
    from refms.run.inspection.inspection import inspect
    from refms.run.training import Checkpoint, Training, fit_classifier, train

__getattr__ = lazy_names(
    __name__,
    {
        "config.configuration": ("Configuration",),
        "experiment": ("Experiment", "experiment_of"),
        "inspection.inspection": ("inspect",),
        "training": ("Checkpoint", "Training", "fit_classifier", "train"),
    },
)

__all__ = [
    "Checkpoint",
    "Configuration",
    "Experiment",
    "Training",
    "experiment_of",
    "fit_classifier",
    "inspect",
    "train",
]
