"""A trained model under the lens: spectra of its blocks, conjugate gradients, quality of the models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from refms.errors import Array
from refms.linear.cg import conjugate_gradients
from refms.linear.direction import newton_direction
from refms.linear.product import Product
from refms.linear.spectrum import Effort, Spectrum, spectrum_of
from refms.linear.vectors import norm
from refms.model import Model
from refms.names import BLOCK_NAMES, CLASSIFIER_PRECONDITIONERS, PROPAGATION_PRECONDITIONERS
from refms.objective.examples import Examples
from refms.objective.risk import EmpiricalRisk, Preconditioning
from refms.run.config import Configuration
from refms.run.inspection.matrices import matrices_of
from refms.run.inspection.model_quality import ModelQuality, model_quality
from refms.run.training import problem_of
from refms.stencils.transfer import transfer_pair

CG_ITERATIONS = 60
"""Iterations of the residual curves, and of the directions."""

CG_TOLERANCE = 1e-6
"""Relative residual at which a residual curve ends."""

DIRECTION_TOLERANCE = 1e-3
"""Relative residual at which the directions of the model quality are taken."""


@dataclass(frozen=True, eq=False)
class BlockInspection:
    """What was seen of one block.

    Parameters
    ----------
    size : int
        Number of parameters.
    objective, gradient_norm : float
        f and ‖∇f‖₂ where the model stands.
    spectra : mapping of str to Spectrum
        ``gauss_newton``, ``hessian`` and ``difference``. The classifier block has no third: the logits are
        linear in (W, μ), so its Hessian is the Gauss–Newton matrix.
    residuals : mapping of str to tuple of float
        ‖r_k‖/‖r_0‖ of conjugate gradients for the Gauss–Newton direction, by preconditioner.
    quality : mapping of str to ModelQuality
        ``gauss_newton`` and ``newton``, each along its own direction.
    """

    size: int
    objective: float
    gradient_norm: float
    spectra: Mapping[str, Spectrum]
    residuals: Mapping[str, tuple[float, ...]]
    quality: Mapping[str, ModelQuality]


def in_double(model: Model) -> Model:
    """Return the model with its parameters in double precision, for spectra that rounding does not blur."""
    return model.with_arrays(**{name: array.astype("float64") for name, array in model.arrays.items()})


def inspect(
    model: Model,
    examples: Examples,
    configuration: Configuration,
    blocks: Sequence[str] = BLOCK_NAMES,
    effort: Effort | None = None,
) -> dict[str, BlockInspection]:
    """Look at problem (6) where a model stands.

    Parameters
    ----------
    model : Model
        The point, and the network.
    examples : Examples
        Prepared images and one-hot labels, in the model's precision. The Hessian sample is all of them.
    configuration : Configuration
        Of the training: weights of the regularisers, memory.
    blocks : sequence of str
        ``"propagation"``, ``"classifier"``, ``"joint"``.
    effort : Effort, optional
        How closely spectra are looked at.

    Returns
    -------
    dict of str to BlockInspection
        In the order of ``blocks``.

    Raises
    ------
    InputError
        If the examples do not fit, a block is unknown, or the network has no second derivatives.

    Examples
    --------
    >>> import numpy as np
    >>> from refms import Grid, Residual, initial_model
    >>> from refms.objective import Classes
    >>> model = initial_model(Residual(Grid((4, 4)), channels=2, layers=1), Classes(2))
    >>> examples = Examples(np.random.default_rng(0).standard_normal((16, 6)), np.eye(2)[:, [0, 1] * 3])
    >>> seen = inspect(model, examples, Configuration(), ["classifier"])["classifier"]
    >>> round(seen.objective, 4), list(seen.spectra)  # log 2 at W = 0
    (0.6931, ['gauss_newton', 'hessian'])
    """
    options = replace(configuration.optimization, hessian_fraction=1.0)
    problem = problem_of(model, examples, configuration.regularization, options)
    at = model.blocks
    found = {}
    for name in blocks:
        risk = problem.block(name, at)
        x = at[name] if name in at else problem.join(at)
        preconditionings = _preconditionings(name, model, examples, configuration)
        found[name] = _inspected(name, risk, x, preconditionings, effort or Effort())
    return found


def _inspected(
    name: str,
    risk: EmpiricalRisk,
    x: Array,
    preconditionings: Mapping[str, Preconditioning | None],
    effort: Effort,
) -> BlockInspection:
    value, g = risk.value_and_gradient(x)
    matrices = matrices_of(risk, x)
    if name == "classifier":
        spectra = dict.fromkeys(("gauss_newton", "hessian"), spectrum_of(matrices["gauss_newton"], x, effort))
    else:
        spectra = {kind: spectrum_of(product, x, effort) for kind, product in matrices.items()}
    residuals = {
        choice: residual_curve(replace(risk, preconditioning=preconditioning), x, g, matrices["gauss_newton"])
        for choice, preconditioning in preconditionings.items()
    }
    quality = {}
    for method, kind in (("gauss_newton", "gauss_newton"), ("newton", "hessian")):
        p = newton_direction(g, matrices[kind], tolerance=DIRECTION_TOLERANCE, max_iterations=CG_ITERATIONS)
        quality[method] = model_quality(risk, x, p, value)
    return BlockInspection(int(x.shape[0]), float(value), norm(g), spectra, residuals, quality)


def residual_curve(risk: EmpiricalRisk, x: Array, g: Array, product: Product) -> tuple[float, ...]:
    """Return the relative residuals of conjugate gradients for A p = −g, with the block's preconditioner."""
    size = norm(g)
    if size == 0.0:
        return ()
    solved = conjugate_gradients(
        product,
        -g,
        tolerance=CG_TOLERANCE,
        max_iterations=CG_ITERATIONS,
        preconditioner=risk.preconditioner(x, product),
    )
    return tuple(one / size for one in solved.residual_norms)


def _preconditionings(
    name: str, model: Model, examples: Examples, configuration: Configuration
) -> dict[str, Preconditioning | None]:
    """Return every choice that a configuration has for a block and this net."""
    choices = {"propagation": PROPAGATION_PRECONDITIONERS, "classifier": CLASSIFIER_PRECONDITIONERS}
    if name not in choices:
        return {"none": None}
    found = {}
    pair = transfer_pair(configuration.regularization.transfer_pair)
    moves = {*getattr(model.architecture, "stencil_shape", ())} <= {*pair.closed_sizes}
    for choice in choices[name]:
        if choice == "fine-coordinates" and not moves:
            continue
        if name == "propagation":
            options = replace(configuration.optimization, propagation_preconditioner=choice)
        else:
            options = replace(configuration.optimization, classifier_preconditioner=choice)
        chosen = problem_of(model, examples, configuration.regularization, options)
        found[choice] = chosen.blocks[name].preconditioning
    return found
