# %% [markdown]
# # Crossing resolutions, step by step
#
# A network trained on coarse images is to work on fine ones, and the other way round ([LAS] Sec. 3): images
# are functions seen on a mesh, so are the classification weights, and the stencils follow from $K_H=RK_hP$,
# eqs. (7)–(9). This notebook goes through the steps, one claim at a time, and ends with a net of 4×4 digits
# that reads 8×8 ones without training. It runs in a few seconds.

# %%
import warnings
from dataclasses import replace

import numpy as np

from refms import (
    Grid,
    SingularTransferError,
    convolution_matrix,
    prolong_stencil,
    restrict_stencil,
    stencil_map,
    transfer_pair,
)
from refms.data.dataset import one_hot, split
from refms.data.digits import load_digits
from refms.data.preprocessing import Preprocessing
from refms.errors import InputWarning
from refms.maps.architectures.residual import Residual
from refms.model import Model, initial_model, score
from refms.multiscale.agreement import agreeing_smoothing
from refms.multiscale.matched_smoothing import matched_smoothing
from refms.multiscale.resolution import coarse_to_fine, transfer
from refms.objective.examples import Examples
from refms.objective.reading import Classes
from refms.plots import galerkin_figure, pair_figure, symbol_figure
from refms.run.config import OptimizationSection, RegularizationSection
from refms.run.training import train
from refms.stencils.galerkin import stencil_map_condition
from refms.stencils.symbol import eigenvalues

# %% [markdown]
# ## 1. Images: restriction and prolongation
#
# $y_H=Ry_h$ and $\tilde y_h=Py_H$, eq. (7). [LAS] calls $RP=\gamma I$ typical, and prints an Example 1. No
# pair gives both: here are two, each a named object that says which of them it has.

# %%
fine, coarse = Grid((8, 8)), Grid((4, 4))
bilinear, constant = transfer_pair("averaging-bilinear"), transfer_pair("averaging-constant")
for pair in (bilinear, constant):
    RP = pair.restriction_matrix(fine) @ pair.prolongation_matrix(fine)
    is_identity = abs(RP.toarray() - np.eye(coarse.cells)).max() < 1e-15
    print(f"{pair.name}: RP = I is {is_identity}, Example 1 is {pair.reproduces_example_1}")
    assert is_identity == (pair.identity_factor is not None)
    assert is_identity != pair.reproduces_example_1
pair_figure(bilinear)

# %% [markdown]
# ## 2. Down: the coarse stencil of Example 1
#
# $RK(s_h)P$ is a convolution again, eq. (8), so nine numbers say it all. They depend linearly on those of
# $s_h$, by the same small matrix $A$ along each axis: $s_H=A\,s_h\,A^\top$.

# %%
s_h = np.array([[-0.89, -2.03, 4.30], [-2.07, 0.00, -2.07], [4.39, -2.03, 1.28]])
R, P = bilinear.restriction_matrix(fine), bilinear.prolongation_matrix(fine)
product = R @ convolution_matrix(s_h, fine) @ P
s_H = restrict_stencil(s_h, bilinear, d=2)
np.testing.assert_allclose(product.toarray(), convolution_matrix(s_H, coarse).toarray(), atol=1e-14)
A = stencil_map(bilinear, 3)
np.testing.assert_allclose(A @ s_h @ A.T, s_H, atol=1e-15)
printed = np.array([[-0.48, -0.17, 0.82], [-0.15, -0.80, 0.37], [0.84, 0.40, 0.07]])
print(s_H, "\nlargest deviation from the printed digits:", round(abs(s_H - printed).max(), 4))
assert abs(s_H - printed).max() < 0.0063
galerkin_figure(s_h[None, None], coarse, bilinear)

# %% [markdown]
# ## 3. Up: a 9×9 system, where it has one solution
#
# The way back solves $(A\otimes A)\,\mathrm{vec}(s_h)=\mathrm{vec}(s_H)$, eq. (9). Whether it can depends
# on pair and stencil size: 5×5 stencils and `averaging-constant` have no unique solution, and this is
# refused.

# %%
np.testing.assert_allclose(prolong_stencil(s_H, bilinear, d=2), s_h, atol=1e-14)
for pair in (bilinear, constant):
    print(pair.name, "condition of the 9×9 system:", round(stencil_map_condition(pair, 3, d=2), 1))
assert np.linalg.matrix_rank(stencil_map(constant, 5)) < 5
try:
    prolong_stencil(np.ones((5, 5)), constant, d=2)
except SingularTransferError as error:
    print("refused:", error)
else:
    raise AssertionError("a singular system was solved")

# %% [markdown]
# ## 4. What prolongation does to frequencies
#
# The eigenvalues of $A$ are $1,\frac12,\frac14$: the sum of a stencil is kept, its first moment doubles on
# the way up, its second moment (a discrete Laplacian) quadruples along each axis. So up to 16 in two
# dimensions: the checkerboard stencil grows by that, and with it the largest eigenvalue of $K$. Nets whose
# stencils are large do not survive it; this is why training for transfer penalises them.

# %%
np.testing.assert_allclose(sorted(np.linalg.eigvals(A).real), [0.25, 0.5, 1.0], atol=1e-12)
second = np.array([1.0, -2.0, 1.0])
checkerboard = np.outer(second, second)
np.testing.assert_allclose(prolong_stencil(checkerboard, bilinear, d=2), 16 * checkerboard, atol=1e-12)
before, after = (
    abs(eigenvalues(s, grid)).max()
    for s, grid in ((checkerboard, coarse), (prolong_stencil(checkerboard, bilinear, d=2), fine))
)
print(f"largest eigenvalue {before:.0f} on the coarse mesh, {after:.0f} on the fine one")
assert np.isclose(after, 16 * before)
symbol_figure(s_h[None, None], bilinear)

# %% [markdown]
# ## 5. Classification weights are functions, too
#
# $W_h=PW_H$. If $R=2^{-d}P^\top$, then $h^d\langle Pw,y\rangle=H^d\langle w,Ry\rangle$ for all $w$ and $y$:
# the fine classifier sees of a fine image what the coarse one sees of its restriction. `averaging-constant`
# has it.

# %%
rng = np.random.default_rng(0)
w, y = rng.standard_normal(coarse.cells), rng.standard_normal(fine.cells)
for pair in (bilinear, constant):
    R, P = pair.restriction_matrix(fine), pair.prolongation_matrix(fine)
    gap = fine.cell_volume * (P @ w) @ y - coarse.cell_volume * w @ (R @ y)
    print(f"{pair.name}: h^d<Pw, y> - H^d<w, Ry> = {gap:.1e}")
    assert (abs(gap) < 1e-15) == pair.variational

# %% [markdown]
# ## 6. A whole net goes up
#
# Train on 4×4 digits, smoothed before the restriction so that both meshes see the same functions, with a
# penalty on the stencils. Then move it to 8×8. Two things hold exactly: $K_H=RK_hP$ in every layer; and in
# the limit $T\to0$, where only $L$, $W$ and $\mu$ are left, the logits of $y_h$ and $Ry_h$ agree.

# %%
data = load_digits()
training, validation = split(data, 1200, 400, seed=0)
weights = RegularizationSection(theta_tikhonov=0.1)
options = OptimizationSection(iterations=5, dtype="float64")


def examples(model: Model, part) -> Examples:
    """Return images on the model's mesh, with labels."""
    return Examples(model.prepare(part), one_hot(part.labels, 10))


def accuracy(model: Model) -> float:
    """Return the share of validation images that are read correctly."""
    found = examples(model, validation)
    return score(model, found.inputs, found.targets).accuracy


def start(grid: Grid) -> Model:
    """Return a random start."""
    network = Residual(grid, channels=8, layers=2, final_time=2.0)
    steps = Preprocessing(smoothing=0.75, pair=constant.name)
    return initial_model(network, Classes(10), preprocessing=steps, stencil_scale=0.5)


def solve(model: Model, iterations: int = 5) -> Model:
    """Train from where the model is."""
    return train(model, examples(model, training), weights, replace(options, iterations=iterations)).model


small = solve(start(coarse))
large = transfer(small, fine, constant)
R, P = (make(fine, channels=8) for make in (constant.restriction_matrix, constant.prolongation_matrix))
for k in range(2):
    K_h, K_H = (m.architecture.convolution.matrix(m.arrays["stencils"][k]) for m in (large, small))
    np.testing.assert_allclose((R @ K_h @ P - K_H).toarray(), 0, atol=1e-13)

still_small, still_large = (
    replace(model, architecture=replace(model.architecture, final_time=0.0)) for model in (small, large)
)
X_h = large.prepare(validation)
X_H = constant.restriction_matrix(fine) @ X_h
np.testing.assert_allclose(still_large.outputs(X_h), still_small.outputs(X_H), atol=1e-12)

kept = transfer(small, fine, constant, stencils="keep")
print(f"4×4: {accuracy(small):.3f}; on 8×8 without training: {accuracy(large):.3f}, ", end="")
print(f"with unchanged stencils {accuracy(kept):.3f}")
assert accuracy(small) > 0.85
assert accuracy(large) > accuracy(kept)
assert accuracy(large) > 0.8

# %% [markdown]
# ## 7. Which images does the moved net expect?
#
# $K_H=RK_hP$ speaks of $y_h=Py_H$: of images as smooth as prolongation makes them, with $\sigma^2$ + the
# variances of $R$ and $P$ (half a squared fine cell for this pair). But the increments of the fine net are
# not in the range of $P$, and the digits are coarse: which width is best depends on the net. It can be
# measured without a label: where are the logits closest to those of the net on its own mesh?

# %%
matched = matched_smoothing(0.75, constant, levels=1)
with warnings.catch_warnings():  # that the logits still differ by 20 %: what that costs is measured below
    warnings.simplefilter("ignore", InputWarning)
    agreed = agreeing_smoothing(small, large, training, widest=2.0)


def smoothed(width: float) -> float:
    """Return the accuracy on 8×8 with images smoothed by another width."""
    return accuracy(replace(large, preprocessing=replace(large.preprocessing, smoothing=width)))


print(f"matched: σ = {matched:.2f}, accuracy {smoothed(matched):.3f}; ", end="")
print(f"agreeing: σ = {agreed.smoothing:.2f}, accuracy {smoothed(agreed.smoothing):.3f}")
assert agreed.smoothing > 0.75
assert smoothed(agreed.smoothing) >= max(smoothed(matched), accuracy(large))

# %% [markdown]
# ## 8. Algorithm 1: and then train on
#
# Solve on the coarsest mesh, prolong stencils and weights, solve again. A coarse evaluation has a quarter
# of the multiply-adds, and what was learned with it is where the fine training begins: at a loss that a
# random start reaches only after it has stepped.

# %%
cost = [sum(part.multiply_adds for part in model.maps.values()) for model in (small, large)]
assert 4 * cost[0] == cost[1]

begun = []


def solve_and_tell(model: Model) -> Model:
    """Train for three iterations and note the loss at the start."""
    found = examples(model, validation)
    begun.append(score(model, found.inputs, found.targets).loss)
    return solve(model, 3)


solved = list(coarse_to_fine(start(coarse), solve_and_tell, 2, constant))
print("loss at the start on 4×4 and 8×8:", np.round(begun, 2), end="; ")
print("accuracy at the end:", [round(accuracy(model), 3) for model in solved])
np.testing.assert_allclose(begun[0], np.log(10), rtol=1e-12)  # a random start guesses
assert begun[1] < 0.5 * begun[0]
assert accuracy(solved[1]) > accuracy(solved[0])
