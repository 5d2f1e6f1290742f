"""Multilevel Gauss–Newton: curvature on coarser meshes against explicit matrices, and its work."""

import json
from dataclasses import replace
from pathlib import Path

import coarse_curvature
import numpy as np
import pytest
from coarse_curvature import AtLogits, Kind
from common.plan import options_of, read_plan
from results import joined_page

from refms.maps.chain import chain
from refms.objective.losses import SoftmaxCrossEntropy
from refms.run.config import Configuration
from refms.stencils import convolution_matrix, transfer_pair

ROOT = Path(__file__).parents[2]

TINY = """[data]
dataset = "digits"
train = 40
validation = 20
[network]
channels = 2
layers = 1
opening = "learned"
stencil_scale = 1.0
[optimization]
propagation_preconditioner = "none"
classifier_preconditioner = "none"
dtype = "float64"
[experiment]
stages = [0, 1]
iterations = 2
seeds = [0, 1]
directions = 2
"""


@pytest.fixture(scope="module")
def meshes(tmp_path_factory):
    config = tmp_path_factory.mktemp("tiny") / "tiny.toml"
    config.write_text(TINY)
    plan = read_plan(options_of("", [str(config), "-o", "x"]), coarse_curvature.Settings, Configuration)
    return coarse_curvature.meshes_of(plan.configuration, None)


def dense(risk, x):
    product = risk.curvature(x)
    return np.stack([product(e) for e in np.eye(x.size)], axis=1)


def test_a_loss_at_its_own_logits_is_the_loss():
    rng = np.random.default_rng(0)
    Z, C, V = rng.standard_normal((3, 4)), np.eye(3)[:, [0, 1, 2, 0]], rng.standard_normal((3, 4))
    plain = SoftmaxCrossEntropy().evaluate(Z, C)
    given = AtLogits(SoftmaxCrossEntropy()).evaluate(rng.standard_normal((3, 4)), np.concatenate([C, Z]))
    assert given.value == plain.value
    assert np.array_equal(given.hessian_product(V), plain.hessian_product(V))


@pytest.mark.parametrize("rule", ["keep", "galerkin"])
def test_the_coarse_matrix_is_its_formula(meshes, rule):
    """G_1 = 1/m Σ Tᵀ Jᵀ ∇²E(z_0) J T + Q, J by differences of the coarse network whose kernels are R K P."""
    model = meshes.experiment.model
    x, kind = model.blocks["propagation"], Kind(1, rule)
    fine = replace(meshes.problem().block("propagation", model.blocks), preconditioning=None)
    found = dense(meshes.curved(fine, model, kind), x)

    pair, grid, layout = transfer_pair("averaging-constant"), model.grid, model.map.layout
    R, P = pair.restriction_matrix(grid), pair.prolongation_matrix(grid)
    coarse = coarse_curvature.transfer(model, grid.coarsen(), pair, rule)
    whole = chain(*[(name, part) for name, part in coarse.maps.items()])

    def moved(theta):
        """Return θ with every kernel K exchanged for the one whose matrix is R K P, read off one column."""
        arrays = layout.unpack(theta.copy())
        for S in arrays.values():
            if rule == "galerkin" and S.ndim > 2 and S.shape[-1] > 1:
                for i, j in np.ndindex(S.shape[:2]):
                    K = R @ convolution_matrix(S[i, j][None, None], grid) @ P
                    column = K[:, [0]].toarray().reshape(grid.coarsen().shape)
                    S[i, j] = np.roll(column, (1, 1), (0, 1))[:3, :3][::-1, ::-1]
        return layout.pack(arrays)

    def logits(theta):
        parameters = np.concatenate([moved(theta), coarse.blocks["classifier"]])
        return whole.evaluate(parameters, meshes.examples[1].inputs)

    step = 1e-6
    J = np.stack([(logits(x + step * e) - logits(x - step * e)) / (2 * step) for e in np.eye(x.size)])
    z_0 = model.outputs(meshes.experiment.examples.inputs)
    loss = SoftmaxCrossEntropy().evaluate(z_0, meshes.experiment.examples.targets)
    expected = np.array([[np.vdot(a, loss.hessian_product(b)) for b in J] for a in J])
    expected += fine.regularizer.Q.toarray()
    assert np.abs(found - expected).max() < 1e-7 * np.abs(expected).max()


def test_a_product_costs_its_share_of_the_images_and_cells(meshes):
    model = meshes.experiment.model
    x = model.blocks["propagation"]

    def spent(kind):
        problem = meshes.problem(kind.share)
        risk = meshes.curved(problem.block("propagation", model.blocks), model, kind)
        product, before = risk.curvature(x), problem.work.units
        product(x)
        return problem.work.units - before

    for kind in coarse_curvature.KINDS[:8]:
        if kind.share * 40 >= 1:
            images = max(1, round(40 * kind.share)) / 40
            assert spent(kind) == pytest.approx(spent(Kind()) * images / 4**kind.level)


def test_a_seed_is_done_once_and_the_page_has_the_means(tmp_path):
    (tmp_path / "tiny.toml").write_text(TINY)
    words = [str(tmp_path / "tiny.toml"), "-o", str(tmp_path / "out")]
    assert coarse_curvature.main(words) == 0
    path = tmp_path / "out" / "coarse_curvature.json"
    result = json.loads(path.read_text())
    assert coarse_curvature.main([*words, "--force"]) == 0
    assert json.loads(path.read_text()) == result
    section = joined_page.curvature({**result, "name": "tiny"})
    gains = [row["stages"][1]["kinds"][2]["gain"] for row in result["rows"]]
    (line,) = (one for one in section.splitlines() if one.startswith("| 0.2500 | mesh 1, R K P | all"))
    assert f"{np.mean(gains):.2f} ± {np.std(gains, ddof=1):.2f} |" in line


def test_what_the_guide_says_was_measured():
    rows = joined_page.read("coarse_curvature")["rows"]
    guide = (ROOT / "scripts" / "site" / "multiscale_training.md").read_text(encoding="utf-8")

    def error(kind):
        (place,) = (k for k, one in enumerate(coarse_curvature.KINDS) if one == kind)
        return f"{np.mean([row['stages'][1]['kinds'][place]['error'] for row in rows]):.2f}"

    def reached(kind, name="objective"):
        place = coarse_curvature.TRAINED.index(kind)
        return np.array([row["trainings"][place][name] for row in rows])

    fine, coarse, few = Kind(share=1 / 16), Kind(1, "galerkin", 1 / 4), Kind(share=1 / 64)
    better = [(reached(fine, name) > reached(coarse, name)).sum() for name in ("objective", "loss")]
    work = reached(Kind(), "work").mean() / reached(coarse, "work").mean()
    for said in (
        f"off by {error(Kind(1, 'galerkin'))} on random directions (kernels kept: {error(Kind(1, 'keep'))})",
        f"a fourth of the images on the finest mesh, the same work, by {error(Kind(share=1 / 4))}",
        f"with a fourth of the images by {error(coarse)}, against {error(fine)}",
        f"at an objective of {reached(coarse).mean():.4f} instead of {reached(fine).mean():.4f}",
        f"better in {better[0]} of {len(rows)} seeds, and in {better[1]} on validation images",
        f"{reached(Kind(1, 'galerkin', 1 / 16)).mean():.4f} and {reached(few).mean():.4f}",
        f"{reached(Kind()).mean():.4f} for {work:.1f} times the work",
    ):
        assert said in guide
