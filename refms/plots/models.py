"""All figures of trained models: what they learned, and how."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure

from refms.errors import Array
from refms.model import Model
from refms.plots.activations import activations_figure, coarse_against_fine_figure
from refms.plots.histories import history_figure
from refms.plots.stencils import stencils_figure
from refms.plots.weights import weights_figure


def model_figures(
    models: Mapping[str, Model], images: Mapping[str, Array] | None = None, channels: Sequence[int] = ()
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

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        ``history`` where there is one, ``stencils``, ``weights``; with images ``activations`` (for several
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
    images = images or {}
    histories = {key: model.history for key, model in models.items() if len(model.history)}
    figures = {"history": history_figure(histories)} if histories else {}
    figures["stencils"] = stencils_figure(models)
    figures["weights"] = weights_figure(models, channels)
    pictured = {key: model for key, model in models.items() if key in images}
    for key, model in pictured.items():
        label = "activations" if len(models) == 1 else f"activations-{key}"
        figures[label] = activations_figure(model, images[key])
    if len(pictured) > 1:
        figures["coarse-against-fine"] = coarse_against_fine_figure(pictured, images)
    return figures
