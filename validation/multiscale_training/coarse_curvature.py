"""Multilevel Gauss–Newton: steps of [LAS] whose curvature is measured on a coarser mesh.

    python validation/multiscale_training/coarse_curvature.py CONFIG.toml --data-dir DIR -o OUT [--full]

In problem (6) of [LAS] the Gauss–Newton matrix of the propagation on mesh l, in the parameters θ of the
finest mesh, is

    G_l = 1/|I| Σ_{j ∈ I} T_lᵀ J_lᵀ ∇²E(z_0) J_l T_l + Q,

T_l the Galerkin kernels K_H = R K_h P (or the identity, kernels kept), J_l the Jacobian at T_l θ of the
images on mesh l, and z_0 the logits of the finest mesh, which the gradient has computed anyway. A
product with it costs |I|/m · 4^-l of one with G_0 on all m images. The step solves G_l p = −∇f with the
gradient of the finest mesh. Each seed leaves its numbers in OUT, and the same command goes on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parents[1] / "learning_across_scales"))  # the package common

from common.plan import Plan, require_seeds, seeded
from common.publishing import ended
from trainings import run_trainings, unit_of

from refms.cli.streams import end_with
from refms.errors import Array, InputError
from refms.linear.direction import newton_direction
from refms.linear.product import Operator
from refms.linear.vectors import norm
from refms.maps.chain import chain
from refms.maps.parameters import frozen
from refms.model import Model
from refms.multiscale.kernel_rule import on_level
from refms.multiscale.resolution import transfer
from refms.multiscale.work import level_cost
from refms.objective import EmpiricalRisk, Examples, TrainingProblem
from refms.objective.losses import Loss, LossEvaluation
from refms.optimize import StepOptions, StopRules, descend, propagation_then_classifier
from refms.optimize.step import Evaluation, StepResult, evaluate
from refms.run.config import Configuration
from refms.run.experiment import Experiment, dataset_of, examples_of, experiment_of, split_by
from refms.run.training import train

PAIR = "averaging-constant"
STEP = StepOptions(cg_tolerance=1e-6, cg_iterations=20)


@dataclass(frozen=True)
class Settings:
    """The table [experiment].

    Parameters
    ----------
    stages : tuple of int
        Iterations of block-coordinate descent after which products and steps are compared.
    iterations : int
        Iterations of the trainings that are compared, each with one of the curvatures.
    directions : int
        Random directions in which products are compared.
    seeds : tuple of int
        One run each: of the split, the start and the samples.
    """

    stages: tuple[int, ...] = (0, 2, 4)
    iterations: int = 6
    directions: int = 3
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)

    def __post_init__(self) -> None:
        require_seeds(self.seeds)
        if min(self.stages) < 0 or min(self.iterations, self.directions) < 1:
            raise InputError("stages must be 0 or more, iterations and directions 1 or more.")


@dataclass(frozen=True)
class Kind:
    """A curvature: the mesh, the rule for the kernels there, and the share of the images."""

    level: int = 0
    rule: str = "keep"
    share: float = 1.0

    @property
    def cost(self) -> float:
        """Work of a product, in products on the finest mesh with all images."""
        return self.share * level_cost(self.level)


KINDS = (
    Kind(share=1 / 4),
    Kind(1, "keep"),
    Kind(1, "galerkin"),
    Kind(share=1 / 16),
    Kind(1, "keep", 1 / 4),
    Kind(1, "galerkin", 1 / 4),
    Kind(2, "galerkin"),
    Kind(share=1 / 64),
    Kind(1, "galerkin", 1 / 16),
    Kind(2, "galerkin", 1 / 4),
)
"""Groups of equal work: a fourth, a sixteenth and a 64th of the finest mesh with all images."""

TRAINED = (
    Kind(),
    Kind(share=1 / 16),
    Kind(1, "galerkin", 1 / 4),
    Kind(share=1 / 64),
    Kind(1, "galerkin", 1 / 16),
)
"""The curvatures of the trainings that are compared."""


@dataclass(frozen=True)
class AtLogits:
    """A loss at given logits, which stand below the labels, whatever the network says."""

    loss: Loss

    def evaluate(self, Z: Array, C: Array, count: int | None = None) -> LossEvaluation:
        """Return E at the given logits."""
        labels, given = (np.ascontiguousarray(part) for part in np.split(C, 2))
        return self.loss.evaluate(given, labels, count)


@dataclass(frozen=True)
class Meshes:
    """Problem (6), with its images on all meshes."""

    experiment: Experiment
    examples: Mapping[int, Examples]

    def problem(self, share: float = 1.0) -> TrainingProblem:
        """Return problem (6) on the finest mesh, its curvature on a share of the images."""
        return replace(self.experiment.problem, hessian_fraction=share)

    def curved(self, fine: EmpiricalRisk, model: Model, kind: Kind) -> EmpiricalRisk:
        """Return a function of θ whose Gauss–Newton matrix is that of a kind."""
        if kind.level == 0:
            return fine
        moved = transfer(model, model.grid.coarsen(kind.level), PAIR, kind.rule)
        network = on_level(model.architecture, kind.level, kind.rule, PAIR)
        head = frozen(moved.maps["classifier"], moved.blocks["classifier"])
        images, labels = self.examples[kind.level].inputs, self.experiment.examples.targets
        logits = model.outputs(self.experiment.examples.inputs)
        return replace(
            fine,
            map=chain(("propagation", network), ("classifier", head)),
            examples=Examples.unchecked(images, np.concatenate([labels, logits])),
            loss=AtLogits(fine.loss),
            unit=level_cost(kind.level),
        )


def meshes_of(configuration: Configuration, folder: str | None) -> Meshes:
    """Return the experiment of a configuration, its classifier fitted, and its images on all meshes."""
    dataset = dataset_of(configuration, folder)
    experiment = experiment_of(configuration, dataset).fit_classifier()
    images, model = split_by(configuration.data, dataset)[0], experiment.model
    levels = {kind.level for kind in (*KINDS, *TRAINED)} - {0}
    coarse = {k: examples_of(transfer(model, model.grid.coarsen(k), PAIR), images) for k in levels}
    return Meshes(experiment, {0: experiment.examples, **coarse})


def step_with(at: Evaluation, fine: EmpiricalRisk, curvature: Operator) -> StepResult:
    """Return the step on the finest mesh whose direction a curvature gives."""
    direction = newton_direction(
        at.gradient, curvature, tolerance=STEP.cg_tolerance, max_iterations=STEP.cg_iterations
    )
    return at.search(fine.value, at.x, direction, STEP)


def compared(meshes: Meshes, model: Model, seed: int, directions: int) -> list[dict[str, Any]]:
    """Return how products and steps of each kind compare with those of the finest mesh and all images."""
    fine = replace(meshes.problem().block("propagation", model.blocks), preconditioning=None)
    x = model.blocks["propagation"]
    at, exact = evaluate(fine, x), fine.curvature(x)
    best = step_with(at, fine, exact)
    assert best.direction is not None  # the gradient is not zero
    tried = np.random.default_rng(seed).standard_normal((directions, x.size)).astype(x.dtype)
    expected, rows = [exact(v) for v in tried], []
    for kind in KINDS:
        sampled = meshes.problem(kind.share).block("propagation", model.blocks, seed)
        curvature = meshes.curved(replace(sampled, preconditioning=None), model, kind).curvature(x)
        step = step_with(at, fine, curvature)
        assert step.direction is not None
        p, p_0 = step.direction.p, best.direction.p
        apart = [norm(curvature(v) - Gv) / norm(Gv) for v, Gv in zip(tried, expected, strict=True)]
        rows.append(
            {
                **vars(kind),
                "error": float(np.mean(apart)),
                "cosine": float(p @ p_0) / (norm(p) * norm(p_0)),
                "gain": (step.value_before - step.value) / (best.value_before - best.value),
                "step_length": step.step_length,
            }
        )
    return rows


@dataclass(frozen=True)
class OtherCurvature:
    """A function with the curvature of another one."""

    function: EmpiricalRisk
    curved: EmpiricalRisk

    @property
    def work_units(self) -> float:
        """The work of both, which share a counter."""
        return self.function.work_units

    def value(self, x: Array) -> float:
        """Return f(x)."""
        return self.function.value(x)

    def value_and_gradient(self, x: Array) -> tuple[float, Array]:
        """Return f(x) and ∇f(x)."""
        return self.function.value_and_gradient(x)

    def curvature(self, x: Array) -> Operator:
        """Return the Gauss–Newton matrix of the other one."""
        return self.curved.curvature(x)


@dataclass(frozen=True)
class CoarseProblem:
    """Problem (6) in blocks, the curvature of the propagation of one kind."""

    meshes: Meshes
    problem: TrainingProblem
    kind: Kind

    def block(self, name: str, blocks: Mapping[str, Array], iteration: int = 0) -> Any:
        """Return the function of one block."""
        function = self.problem.block(name, blocks, iteration)
        if name != "propagation":
            return function
        model = self.meshes.experiment.model.with_blocks(blocks)
        return OtherCurvature(function, self.meshes.curved(function, model, self.kind))


def trained(meshes: Meshes, kind: Kind, iterations: int) -> dict[str, Any]:
    """Return the objective, the work and the score of a training with one curvature."""
    start = meshes.experiment.model
    problem = CoarseProblem(meshes, meshes.problem(kind.share), kind)
    schedule = propagation_then_classifier(classifier=StepOptions(cg_iterations=20))
    run = descend(problem, start.blocks, schedule, stop=StopRules(max_iterations=iterations))
    last, found = run.history.rows[-1], start.with_blocks(run.blocks)
    reached = meshes.experiment.score(found)
    return {
        **vars(kind),
        "objective": last.objective,
        "work": last.work_units,
        "loss": reached.loss,
        "accuracy": reached.accuracy,
    }


@dataclass(frozen=True)
class Seeded:
    """What one seed asks for."""

    configuration: Configuration
    settings: Settings

    def to_dict(self) -> dict[str, Any]:
        """Return all that decides the numbers."""
        asked = {key: value for key, value in vars(self.settings).items() if key != "seeds"}
        return {**self.configuration.to_dict(), "experiment": asked}


def measured(asked: Seeded, folder: str | None) -> dict[str, Any]:
    """Return the comparisons at all stages, and the trainings."""
    meshes, settings = meshes_of(asked.configuration, folder), asked.settings
    experiment, stages, done = meshes.experiment, [], 0
    model = experiment.model
    for stage in sorted(settings.stages):
        if stage > done:
            options = replace(asked.configuration.optimization, iterations=stage - done)
            model = train(model, experiment.examples, asked.configuration.regularization, options).model
            model, done = replace(model, history=experiment.model.history), stage
        stages.append(
            {
                "stage": stage,
                "kinds": compared(meshes, model, asked.configuration.data.split_seed, settings.directions),
            }
        )
    runs = [trained(meshes, kind, settings.iterations) for kind in TRAINED]
    return {"stages": stages, "trainings": runs}


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is missing, and write the result."""
    description = "Curvature on coarser meshes in the steps of [LAS]."
    return run_trainings("coarse_curvature", description, Settings, _rows, _line, argv, Configuration)


def _rows(plan: Plan, options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return what each seed gave."""

    def one(asked: Seeded) -> dict[str, Any]:
        return measured(asked, options.data_dir)

    rows = []
    for seed in plan.settings.seeds:
        asked = Seeded(seeded(plan.configuration, seed), plan.settings)
        rows.append({"seed": seed, **unit_of(options.out / f"seed_{seed}.json", asked, one)})
    return rows


def _line(row: dict[str, Any]) -> str:
    gains = [kind["gain"] for stage in row["stages"] for kind in stage["kinds"]]
    return f"seed {row['seed']}: gains {min(gains):.2f} to {max(gains):.2f} of the exact step's"


if __name__ == "__main__":
    end_with(lambda: ended("coarse_curvature", main))
