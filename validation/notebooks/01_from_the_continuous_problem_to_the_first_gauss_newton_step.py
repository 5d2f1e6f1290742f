# %% [markdown]
# # From the continuous problem to the first Gauss–Newton step
#
# [LAS], *Learning Across Scales* (Haber, Ruthotto, Holtham, Jun), reads training as optimal control: find
# functions $s(t), b(t), w_j$ and numbers $\mu$ such that
#
# $$\min_{w,\mu,s,b}\ \frac1m\sum_{j=1}^m S\bigl(g((w,y^{(j)}(T))_{L_2}+\mu),c^{(j)}\bigr)+R(w,\mu,s,b)
# \quad\text{s.t.}\quad \dot y=\sigma(s(t)*y+b(t)),\ y(0)=Lx \tag{4, 6}$$
#
# This notebook goes from there to one Gauss–Newton step, and checks every claim on the way. It runs in a
# few seconds on the 8×8 digits.

# %%
from dataclasses import replace

import numpy as np
from matplotlib.figure import Figure

from refms import Grid, adjoint_test, convolution_matrix, gauss_newton_test, taylor_test
from refms.data.dataset import one_hot, split
from refms.data.digits import load_digits
from refms.linear.cg import conjugate_gradients
from refms.maps.architectures.residual import Residual
from refms.model import initial_model
from refms.objective.examples import Examples
from refms.objective.reading import Classes
from refms.optimize.line_search import armijo
from refms.plots import caption, matrix_figure
from refms.run.config import OptimizationSection, RegularizationSection
from refms.run.training import problem_of

# %% [markdown]
# ## 1. Space: a stencil is a matrix
#
# On $n$ cells of size $h=1/n$ the convolution $s*y$ becomes $K(s)y$ with $(K(s)y)_i=\sum_\kappa
# s_\kappa\,y_{i+\kappa}$, eq. (2). With periodic boundary $K(s)$ is block-circulant: the Fourier modes are
# its eigenvectors, and $\lambda(\omega)=\sum_\kappa s_\kappa e^{i\omega\cdot\kappa}$ its eigenvalues.

# %%
grid = Grid((8, 8))
rng = np.random.default_rng(0)
s = rng.standard_normal((3, 3))
K = convolution_matrix(s, grid)
y = rng.standard_normal((8, 8))
by_hand = sum(s[a + 1, b + 1] * np.roll(y, (-a, -b), (0, 1)) for a in (-1, 0, 1) for b in (-1, 0, 1))
np.testing.assert_allclose((K @ y.ravel()).reshape(8, 8), by_hand, atol=1e-14)

omega = 2 * np.pi * np.array([1, 3]) / 8
mode = np.exp(1j * (omega @ np.indices((8, 8)).reshape(2, -1)))
offsets = np.indices((3, 3)).reshape(2, -1) - 1
eigenvalue = s.ravel() @ np.exp(1j * (omega @ offsets))
np.testing.assert_allclose(K @ mode, eigenvalue * mode, atol=1e-13)
print("K(s) is", K.shape, "with", K.nnz, "entries; the transpose is K of the flipped stencil:")
np.testing.assert_array_equal(K.T.toarray(), convolution_matrix(s[::-1, ::-1].copy(), grid).toarray())
matrix_figure(K, "K(s)")

# %% [markdown]
# ## 2. Time: a layer is a step of forward Euler
#
# $y_{k+1}=y_k+\delta t\,\sigma(K(s_k)y_k+b_k)$ with $T=N\,\delta t$, eq. (3). So depth is resolution in
# time: with $T$ and $s(t)$ fixed, twice the layers halve the error. Here $s$ and $b$ do not depend on $t$.

# %%
data = load_digits()
training, validation = split(data, 200, 100, seed=0)
network = Residual(grid, channels=4, layers=2, final_time=2.0)
start = initial_model(network, Classes(10), stencil_scale=0.5)
X, C = start.prepare(training), one_hot(training.labels, 10)


def y_of_T(layers: int) -> np.ndarray:
    """Return y(T) of eight images with the same s(t), in so many steps."""
    deep = initial_model(replace(network, layers=layers), Classes(10), stencil_scale=0.5)
    return deep.map.apply(deep.blocks["propagation"], X[:, :8])


limit = y_of_T(512)
errors = [float(np.linalg.norm(y_of_T(N) - limit)) for N in (4, 8, 16, 32)]
orders = np.log2(np.array(errors[:-1]) / errors[1:])
print("errors of 4, 8, 16, 32 layers:", np.round(errors, 4), "orders:", np.round(orders, 2))
assert np.all(abs(orders - 1) < 0.15)

# %% [markdown]
# ## 3. The classifier is an inner product of functions
#
# $c_\text{pred}=g(h^dW^\top y_N+\mu)$, eq. (5): $h^d\langle w_j,y\rangle$ is the midpoint rule for
# $\int_\Omega w_j\,y$. So the same functions $w$ and $y$ give the same logits on every mesh, up to $O(h^2)$
# if they are smooth (and much less for periodic functions, for which this rule is exceptionally good). With
# $\int_0^1 e^{2x}dx$:

# %%
exact = (np.e**2 - 1) / 2


def midpoint(n: int) -> float:
    """Return h⟨w, y⟩ of w = y = eˣ on n cells."""
    x = Grid((n,)).centres()
    return float(np.exp(x) @ np.exp(x)) / n


ratios = [(midpoint(n) - exact) / (midpoint(2 * n) - exact) for n in (8, 16, 32)]
print("halving h divides the error by", np.round(ratios, 3))
assert np.allclose(ratios, 4, atol=0.05)

# %% [markdown]
# ## 4. Problem (6) as one function of $\theta=(s_k,b_k)$ and $(W,\mu)$
#
# With $W=0$ every class is as likely as any other, and the loss is $\log 10$. Then no signal goes back to
# $\theta$ either, so a training begins with the classifier: here with three Newton steps. A step solves
# $Hp=-\nabla f$ inexactly by conjugate gradients (from zero, every iterate is a descent direction), then
# halves the step until Armijo's rule $f(x+\alpha p)\le f(x)+c_1\alpha\nabla f^\top p$ holds.

# %%
weights = RegularizationSection(W_tikhonov=1e-4, theta_tikhonov=1e-3)
options = OptimizationSection(hessian_fraction=1.0, dtype="float64", classifier_preconditioner="none")
problem = problem_of(start, Examples(X, C), weights, options)
blocks = dict(start.blocks)
at_zero = problem.block("classifier", blocks).value(blocks["classifier"])
stencils_cost = problem.blocks["propagation"].regularizer.value(blocks["propagation"])
np.testing.assert_allclose(at_zero - stencils_cost, np.log(10), rtol=1e-12)


def step(objective, x):
    """Return where one inexact Newton or Gauss–Newton step leads, with what conjugate gradients did."""
    f, gradient = objective.value_and_gradient(x)
    cg = conjugate_gradients(objective.curvature(x), -gradient, tolerance=1e-2, max_iterations=20)
    slope = float(gradient @ cg.x)
    assert slope < 0
    return armijo(objective.value, x, f, slope, cg.x), cg


for _ in range(3):
    found, _ = step(problem.block("classifier", blocks), blocks["classifier"])
    print(f"classifier: objective {found.value:.4f}")
    blocks["classifier"] = found.x
assert found.value < 1.2

objective = problem.block("propagation", blocks)
theta = blocks["propagation"]
f, gradient = objective.value_and_gradient(theta)
print(f"objective {f:.4f}, gradient of {gradient.size} numbers with norm {np.linalg.norm(gradient):.4f}")

# %% [markdown]
# ## 5. The Jacobian, by hand
#
# Differentiate (3): with $z_k=K(s_k)y_k+b_k$
#
# $$\dot y_{k+1}=\dot y_k+\delta t\,\sigma'(z_k)\odot\bigl(K(s_k)\dot y_k+K(\dot s_k)y_k+\dot b_k\bigr),\qquad
# \dot y_0=0 .$$
#
# The same lines with explicit matrices, against the library's `jvp`; then its transpose by the dot test.

# %%
layer = start.architecture.convolution
direction = rng.standard_normal(theta.size)
ds = start.with_blocks({**blocks, "propagation": direction}).arrays
opening = start.arrays["opening"].reshape(-1, 1)
Y = np.kron(opening, np.eye(64)) @ X  # a 1x1 opening mixes channels cell by cell
dY = np.zeros_like(Y)
dt = 2.0 / 2
for k in range(2):
    K_k, dK_k = layer.matrix(start.arrays["stencils"][k]), layer.matrix(ds["stencils"][k])
    b_k, db_k = (np.repeat(b, 64)[:, None] for b in (start.arrays["biases"][k], ds["biases"][k]))
    z = K_k @ Y + b_k
    dY = dY + dt * (1 - np.tanh(z) ** 2) * (K_k @ dY + dK_k @ Y + db_k)
    Y = Y + dt * np.tanh(z)

F = start.map.at(theta, X)
np.testing.assert_allclose(F.output, Y, atol=1e-12)
np.testing.assert_allclose(F.jvp(direction), dY, atol=1e-11)
report = adjoint_test(F.jvp, lambda G: F.vjp(G, wrt_input=False)[0], (theta.size,), Y.shape)
print(report)
assert report.passed

# %% [markdown]
# The gradient of (6) is $\frac1m\sum_jJ_j^\top\nabla E_j+\nabla R$. By Taylor, $f(\theta+tv)-f(\theta)$
# falls like $t$ and, with the gradient taken off, like $t^2$.

# %%
report = taylor_test(objective.value, theta, direction / np.linalg.norm(direction), gradient=gradient)
print(report)
assert report.passed

# %% [markdown]
# ## 6. The Gauss–Newton matrix
#
# $G=\frac1m\sum_jJ_j^\top\nabla^2E_j\,J_j+\nabla^2R$ leaves out the curvature of the network, keeps that of
# the loss, and is therefore positive semi-definite. Nobody forms it: a product is one `jvp` and one `vjp`.
# Here it is small enough to be formed once.

# %%
product = objective.curvature(theta)
G = np.column_stack([product(column) for column in np.eye(theta.size)])
smallest, largest = np.linalg.eigvalsh((G + G.T) / 2)[[0, -1]]
print(f"G is {G.shape}, eigenvalues from {smallest:.1e} to {largest:.1e}")
assert abs(G - G.T).max() < 1e-12 * largest
assert smallest > 0  # the Tikhonov term makes it definite

whole = objective.map.at(theta, X)
loss = objective.loss.evaluate(whole.output, C)
report = gauss_newton_test(
    lambda v: product(v) - objective.regularizer.gradient(v),
    whole.jvp,
    lambda g: whole.vjp(g, wrt_input=False)[0],
    loss.hessian_product,
    (theta.size,),
)
print(report)
assert report.passed

# %% [markdown]
# ## 7. The step
#
# The same step, now with $G$ on the propagation.

# %%
found, cg = step(objective, theta)
print(
    f"{cg.iterations} CG iterations, step length {found.step_length}, objective {f:.4f} -> {found.value:.4f}"
)
assert np.all(np.diff(cg.model_values) < 0)  # the quadratic model falls in every iteration
assert found.value < f

# %% [markdown]
# How good was the model? The gain ratio compares the decrease with what $q(p)=\nabla f^\top p+\frac12p^\top
# Gp$ promised for this step. And steepest descent, with the same line search, does less:

# %%
p = found.step_length * cg.x
promised = -(gradient @ p + 0.5 * p @ product(p))
print(f"gain ratio {(f - found.value) / promised:.2f}")
assert 0.25 < (f - found.value) / promised < 2
steepest = armijo(objective.value, theta, f, -float(gradient @ gradient), -gradient)
print(f"steepest descent from the same point: {f:.4f} -> {steepest.value:.4f}")
assert found.value < steepest.value

lengths = np.linspace(0, 1.5, 31)
down = -gradient * np.linalg.norm(p) / np.linalg.norm(gradient)
figure = Figure((6, 3.5), layout="constrained")
axes = figure.subplots()
axes.plot(lengths, [objective.value(theta + a * p) for a in lengths], label="f along the Gauss–Newton step")
axes.plot(lengths, f + lengths * (gradient @ p) + lengths**2 / 2 * (p @ product(p)), "--", label="its model")
axes.plot(lengths, [objective.value(theta + a * down) for a in lengths], label="f along steepest descent")
axes.set(xlabel="step length α", ylabel="objective of (6)")
axes.legend()
caption(
    figure, "The model is least at α = 1, where f is lower still; steepest descent of that length overshoots."
)
