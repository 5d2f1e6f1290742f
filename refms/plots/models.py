"""All figures of trained models: what they learned, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from refms.errors import Array
from refms.model import Model
from refms.objective.reading import Classes
from refms.optimize.history import History
from refms.plots.activations import activations_figure, coarse_against_fine_figure
from refms.plots.histories import history_figure
from refms.plots.restoration import Restored, restoration_figure, restored_figure
from refms.plots.stencils import stencils_figure
from refms.plots.weights import weights_figure
from refms.run.experiment import restores_images


def model_figures(
    models: Mapping[str, Model],
    images: Mapping[str, Array] | None = None,
    channels: Sequence[int] = (),
    restored: Mapping[str, Restored] | None = None,
) -> dict[str, Figure]:
    """Return the figures of some models, such as one network on several meshes.

    Parameters
    ----------
    models : mapping of str to Model
        Name to model, at least one.
    images : mapping of str to numpy.ndarray, optional
        Name of a model to one prepared image, shape (image channels · n, 1), for the activations.
    channels : sequence of int
        Channels of the classification weights; by default their mean.
    restored : mapping of str to Restored, optional
        Name of a model that restores images to some of them.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``history`` where there is one, ``restoration-history`` for models that restore images, ``stencils``,
        ``weights`` of models that read classes; ``restored`` (for several models ``restored-NAME``); with
        images ``activations`` (for several
        models ``activations-NAME``) and, for several models, ``coarse-against-fine``.

    Raises
    ------
    InputError
        If a model has no such channel.

    Examples
    --------
    >>> from refms import Grid, Residual, initial_model
    >>> from refms.objective import Classes
    >>> model = initial_model(Residual(Grid((4, 4)), channels=2), Classes(10))
    >>> sorted(model_figures({"start": model}))
    ['stencils', 'weights']
    """
    images, restored = images or {}, restored or {}
    figures: dict[str, Figure] = {}
    for label, draw, wanted in (
        ("history", history_figure, False),
        ("restoration-history", restoration_figure, True),
    ):
        chosen = {
            key: model.history
            for key, model in models.items()
            if len(model.history) and restores_images(model) == wanted
        }
        if chosen:
            figures[label] = draw(_trainings(chosen))
    for key, pictures in restored.items():
        alone = len(restored) == 1
        figures["restored" if alone else f"restored-{key}"] = restored_figure(pictures, "" if alone else key)
    figures["stencils"] = stencils_figure(models)
    readers = {key: model for key, model in models.items() if isinstance(model.reading, Classes)}
    if readers:
        figures["weights"] = weights_figure(readers, channels)
    pictured = {key: model for key, model in models.items() if key in images}
    for key, model in pictured.items():
        label = "activations" if len(models) == 1 else f"activations-{key}"
        figures[label] = activations_figure(model, images[key])
    if len(pictured) > 1:
        figures["coarse-against-fine"] = coarse_against_fine_figure(pictured, images)
    return figures


def _trainings(histories: Mapping[str, History]) -> dict[str, History]:
    """Return histories, one for all models of one training, such as those that it was transferred to."""
    models: dict[tuple[object, ...], list[str]] = {}
    for key, history in histories.items():
        steps = tuple((row.iteration, row.block, row.objective, row.seconds) for row in history)
        models.setdefault(steps, []).append(key)
    return {" = ".join(keys): histories[keys[0]] for keys in models.values()}
