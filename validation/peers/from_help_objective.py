"""Other losses, the regularised objective and its training, written from ``help(Adapter)`` alone."""

import math
from types import SimpleNamespace

import numpy as np
from from_help_formulas import bent, laplacian, roughness, softmax_parts
from from_help_methods import armijo, cg, columns, damped_newton

LAYERS = ("stencils", "biases")
PROPAGATION = ("opening", *LAYERS)


def logistic_parts(Z):
    """Return 1/(1 + e^{−z}), 1/(1 + e^z), log(1 + e^{−z}) and log(1 + e^z), none of which cancels."""
    e = np.exp(-np.abs(Z))
    large, small, tail = 1 / (1 + e), e / (1 + e), np.log1p(e)
    right, left = np.where(Z > 0, large, small), np.where(Z > 0, small, large)
    return right, left, np.maximum(-Z, 0) + tail, np.maximum(Z, 0) + tail


def hinge(u, width):
    """Return φ(u), φ′(u) and φ″(u)."""
    low, middle = u < 1 - width, (u >= 1 - width) & (u <= 1)
    value = np.where(low, 1 - u - width / 2, 0.0) + np.where(middle, 1 - u, 0.0) ** 2 / (2 * width)
    return value, -1.0 * low - np.where(middle, 1 - u, 0.0) / width, middle / width


class Objective:
    """Operations of the level "objective", and the methods that train a network or its classifier."""

    # -- losses of the logits

    def _mean(self, terms):
        return float((terms / terms.shape[1]).sum())

    def least_squares(self, Z, C):
        return self._mean((Z.astype(float) - C) ** 2 / 2)

    def least_squares_gradient(self, Z, C):
        return self._out((Z.astype(float) - C) / Z.shape[1])

    def least_squares_hessian(self, Z, C, V):
        return self._out(V.astype(float) / Z.shape[1])

    def logistic(self, Z, C):
        _, _, down, up = logistic_parts(Z.astype(float))
        return self._mean(C * down + (1 - C.astype(float)) * up)

    def logistic_gradient(self, Z, C):
        right, left, _, _ = logistic_parts(Z.astype(float))
        return self._out(((1 - C.astype(float)) * right - C * left) / Z.shape[1])

    def logistic_hessian(self, Z, C, V):
        right, left, _, _ = logistic_parts(Z.astype(float))
        return self._out(right * left * V / Z.shape[1])

    def _hinges(self, Z, C, width, derivative):
        sign = (-1.0) ** derivative
        return (
            C * hinge(Z.astype(float), width)[derivative]
            + sign * (1 - C.astype(float)) * (hinge(-Z.astype(float), width)[derivative])
        )

    def smooth_hinge(self, Z, C, width):
        return self._mean(self._hinges(Z, C, width, 0))

    def smooth_hinge_gradient(self, Z, C, width):
        return self._out(self._hinges(Z, C, width, 1) / Z.shape[1])

    def smooth_hinge_hessian(self, Z, C, V, width):
        return self._out(self._hinges(Z, C, width, 2) * V / Z.shape[1])

    # -- regularisers

    def time_smoothness(self, Theta, final_time):
        dt = final_time / len(Theta)
        return float((np.diff(Theta.astype(float), axis=0) ** 2).sum()) / (2 * dt)

    def time_smoothness_gradient(self, Theta, final_time):
        return self._out(bent(Theta.astype(float), 0) * len(Theta) / final_time)

    def weight_smoothness(self, W, grid):
        return roughness(W, grid) / (2 * math.prod(grid))

    def weight_smoothness_gradient(self, W, grid):
        return self._out(laplacian(W, grid) / math.prod(grid))

    def _regularizer(self, p, problem, weights):
        """Return R."""
        alpha, tau, alpha_W, tau_W = weights
        dt, cells = problem.final_time / len(p["stencils"]), math.prod(problem.grid)
        steps = sum(float((np.diff(p[key], axis=0) ** 2).sum()) for key in LAYERS)
        sizes = {key: float((one**2).sum()) for key, one in p.items()}
        layers = alpha / dt * steps + dt * tau * sum(sizes[key] for key in LAYERS) + tau * sizes["opening"]
        return layers / 2 + (alpha_W * roughness(p["W"], problem.grid) + tau_W * sizes["W"]) / (2 * cells)

    def _stiff(self, v, problem, weights):
        """Return ∇²R v, which at v = θ is ∇R."""
        alpha, tau, alpha_W, tau_W = weights
        dt, cells = problem.final_time / len(v["stencils"]), math.prod(problem.grid)
        found = {key: alpha / dt * bent(v[key], 0) + dt * tau * v[key] for key in LAYERS}
        found |= {"opening": tau * v["opening"], "mu": 0 * v["mu"]}
        found["W"] = (alpha_W * laplacian(v["W"], problem.grid) + tau_W * v["W"]) / cells
        return {key: found[key] for key in v}

    def _sum(self, first, second):
        return {key: first[key] + second[key] for key in first}

    def _double(self, p):
        return {key: one.astype(float) for key, one in p.items()}

    def _regularized(self, p, X, C, problem, weights):
        return self.loss(p, X, C, problem) + self._regularizer(self._double(p), problem, weights)

    def regularized_loss(self, parameters, X, C, problem, weights):
        return self._regularized(parameters, X, C, problem, weights)

    def _regularized_gradient(self, p, X, C, problem, weights):
        return self._sum(self._gradient(p, X, C, problem), self._stiff(self._double(p), problem, weights))

    def regularized_gradient(self, parameters, X, C, problem, weights):
        return self._out(self._regularized_gradient(parameters, X, C, problem, weights))

    def _regularized_product(self, p, v, X, C, problem, weights):
        return self._sum(self._product(p, v, X, C, problem), self._stiff(self._double(v), problem, weights))

    def regularized_gauss_newton(self, parameters, direction, X, C, problem, weights):
        return self._out(self._regularized_product(parameters, direction, X, C, problem, weights))

    # -- the classifier on given features: V holds W and, in its last row, μ

    def _features(self, Y, grid):
        """Return ỹ = (h^d y, 1), one column for every example."""
        rows = Y.astype(float).reshape(len(Y), -1).T / math.prod(grid)
        return np.vstack([rows, np.ones(len(Y))])

    def _penalty(self, V, grid, alpha, tau):
        """Return Q V."""
        rows = (alpha * laplacian(V[:-1], grid) + tau * V[:-1]) / math.prod(grid)
        return np.vstack([rows, np.zeros(V.shape[1])])

    def _classifier(self, F, C, grid, alpha, tau, ends=0.0):
        """Return the objective in the entries of (W, μ), to which ``ends`` is added."""
        shape = len(F), len(C)

        def value(x):
            V = x.reshape(shape)
            fit = self.cross_entropy(V.T @ F, C)
            return fit + float((V * self._penalty(V, grid, alpha, tau)).sum()) / 2 + ends

        def value_and_gradient(x):
            V = x.reshape(shape)
            g = F @ self._residual(V.T @ F, C).T + self._penalty(V, grid, alpha, tau)
            return value(x), g.ravel()

        def curvature(x):
            Z = x.reshape(shape).T @ F

            def product(v):
                V = v.reshape(shape)
                return (F @ self._curved(Z, C, V.T @ F).T + self._penalty(V, grid, alpha, tau)).ravel()

            return product

        return SimpleNamespace(value=value, value_and_gradient=value_and_gradient, curvature=curvature)

    def _probabilities(self, W, mu, F, C):
        """Return p and 1 − p, and the sums of the labels over m."""
        _, p, rest = softmax_parts(np.vstack([W, mu]).astype(float).T @ F)
        return p, rest, C.astype(float).sum(axis=0) / C.shape[1]

    def classifier_diagonal(self, W, mu, Y, C, V, grid, alpha, tau):
        F = self._features(Y, grid)
        p, rest, shares = self._probabilities(W, mu, F, C)
        faces = np.diag(laplacian(np.eye(len(W)), grid))
        penalty = np.append((alpha * faces + tau) / math.prod(grid), 0.0)
        return self._out(V / (F**2 @ (shares * p * rest).T + penalty[:, None]))

    def classifier_kronecker(self, W, mu, Y, C, V, grid, alpha, tau):
        F = self._features(Y, grid)
        p, rest, shares = self._probabilities(W, mu, F, C)
        B = -np.einsum("im,jm,m->ij", p, p, shares)
        np.fill_diagonal(B, (p * rest) @ shares)
        A, Q = F @ F.T / len(Y), self._penalty(np.eye(len(F)), grid, alpha, tau)
        ones = np.ones((len(p), 1)) / math.sqrt(len(p))
        others = np.linalg.qr(np.hstack([ones, np.eye(len(p))[:, 1:]]))[0][:, 1:]
        sizes, turned = np.linalg.eigh(others.T @ B @ others)
        found, right = np.zeros(V.shape), V.astype(float)
        for b, u in zip(sizes, (others @ turned).T, strict=True):
            found += np.outer(np.linalg.solve(b * A + Q, right @ u), u)
        Q[-1, -1] = 1.0  # M is singular there: what belongs to equal changes of μ stays
        return self._out(found + np.linalg.solve(Q, right @ ones) @ ones.T)

    def train_classifier(self, W, mu, Y, C, grid, alpha, tau, steps, iterations):
        objective = self._classifier(self._features(Y, grid), C, grid, alpha, tau)
        x = np.vstack([W, mu]).astype(float).ravel()
        found = damped_newton(objective, x, 0.0, steps, iterations)
        ends = found.pop("x").reshape(steps, len(W) + 1, len(mu))
        del found["damping"]
        return self._out(found | {"W": ends[:, :-1], "mu": ends[:, -1]})

    # -- block-coordinate descent

    def _propagation_step(self, p, X, C, problem, weights, sample, iterations):
        """Return the parameters after the step in (opening, stencils, biases), and its row of the history."""
        sizes = np.cumsum([p[key].size for key in PROPAGATION])[:-1]

        def flat(arrays):
            return np.concatenate([arrays[key].ravel() for key in PROPAGATION])

        def put(x, into):
            parts = zip(PROPAGATION, np.split(x, sizes), strict=True)
            return {**into, **{key: part.reshape(into[key].shape) for key, part in parts}}

        def value(x):
            return self._regularized(put(x, p), X, C, problem, weights)

        def product(v):
            direction = put(v, {key: 0 * one for key, one in p.items()})
            few = X[sample], C[:, sample]
            return flat(self._regularized_product(p, direction, *few, problem, weights))

        x, g = flat(p), flat(self._regularized_gradient(p, X, C, problem, weights))
        step, _ = cg(product, -g, iterations)
        alpha, x, f = armijo(value, x, value(x), float(g @ step), step)
        return put(x, p), {"objective": f, "gradient_norm": np.linalg.norm(g), "step_length": alpha}

    def block_coordinate_descent(
        self, parameters, X, C, problem, weights, samples, inner, iterations, inner_iterations
    ):
        p, rows, ends = self._double(parameters), [], []
        for sample in samples:
            p, row = self._propagation_step(p, X, C, problem, weights, sample, iterations)
            F = self._features(self._states(p, X, problem)[1], problem.grid)
            rest = self._regularizer({**p, "W": 0 * p["W"]}, problem, weights)
            objective = self._classifier(F, C, problem.grid, *weights[2:], rest)
            x = np.vstack([p["W"], p["mu"]]).ravel()
            history = damped_newton(objective, x, 0.0, inner - 1, inner_iterations)
            V = history["x"][-1].reshape(len(F), len(C)) if inner > 1 else x.reshape(len(F), len(C))
            p = {**p, "W": V[:-1], "mu": V[-1]}
            rows += [row, *({key: history[key][k] for key in row} for k in range(inner - 1))]
            ends.append(p)
        steps = {key: one.reshape(len(samples), inner) for key, one in columns(rows).items()}
        return self._out(steps | columns(ends))
