"""Captions in sentences: below a figure, and on the page of a run."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from matplotlib.figure import Figure

from refms.plots.saving import figure_bytes


@dataclass(frozen=True, eq=False)
class Captioned:
    """A figure, and the sentences below it; notebooks show both.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure, with the caption on it.
    caption : str
        Sentences that say what there is to see.

    Examples
    --------
    >>> caption(Figure(), "Nothing is drawn here.")
    Captioned('Nothing is drawn here.')
    """

    figure: Figure
    caption: str

    def __repr__(self) -> str:
        return f"Captioned({self.caption!r})"

    def _repr_png_(self) -> bytes:
        return figure_bytes(self.figure, "png")


CAPTIONS = {
    "history": "Objective, gradient and accuracy after each iteration, and what each step took.",
    "restoration-history": "Loss, PSNR and SSIM after each iteration, and what each step took.",
    "restored": "What the net was given, what it made of that, and what was to come out, side by side.",
    "stencils": "The stencils of each layer, a block for each pair of channels; white is 0.",
    "weights": "The classifier's weights, an image for each class and channel; white is 0.",
    "activations": "One image on its way through the layers, channel by channel.",
    "coarse-against-fine": "One image in the nets of both meshes, layer by layer, and how far they differ.",
    "objective": "The objective of each method over iterations, over work and over time.",
    "accuracy": "The validation accuracy of each method over iterations, over work and over time.",
    "gradient": "The norm of the gradient of each method over iterations, over work and over time.",
    "loss": "The validation loss of each method over iterations, over work and over time.",
    "final": "Where the runs end, over the values of the key that was varied.",
    "curves": "The runs of each value of the key that was varied, over iterations and over work.",
    "spectra": "Densities of the eigenvalues of the Gauss–Newton matrix, the Hessian and their difference.",
    "cg": "How the residual falls in conjugate gradients, with each preconditioner.",
    "model_quality": "How well the quadratic models predict what a step of each length does.",
    "levels": "What the terms of a multiscale estimate vary by, on each level, and the batches that follow.",
    "efficiency": "The efficiency of multiscale estimates at equal work; above 1 they beat single scale.",
}
"""What there is to see on a figure of a run, by its name, or by the beginning of it."""


def sentence_of(name: str) -> str:
    """Return the caption of a figure of a run, with what its name says beyond those in :data:`CAPTIONS`.

    >>> sentence_of("activations-coarse")
    'coarse: One image on its way through the layers, channel by channel.'
    """
    known = [key for key in CAPTIONS if name == key or name.startswith(f"{key}-")]
    if not known:
        return name.replace("_", " ").replace("-", " ")
    key = max(known, key=len)
    rest = name[len(key) + 1 :]
    return f"{rest}: {CAPTIONS[key]}" if rest else CAPTIONS[key]


def caption(figure: Figure, text: str) -> Captioned:
    """Put a caption below a figure, in lines as wide as it is.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    text : str
        The caption.

    Returns
    -------
    Captioned
        The figure with its caption.

    Examples
    --------
    >>> caption(Figure(), "Nothing is drawn here.").figure.get_supxlabel()
    'Nothing is drawn here.'
    """
    width = int(16 * figure.get_figwidth())
    figure.supxlabel(textwrap.fill(text, width), fontsize=8, x=0.02, ha="left")
    return Captioned(figure, text)
