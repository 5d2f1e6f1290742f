"""The operations of [MST] on images and meshes, written from ``help(Adapter)`` alone."""

import math

import numpy as np
from from_help_formulas import PAIRS, along, convolve, correlate, gathered

TINY = 1e-30  # of complex steps: derivatives without cancellation


def kernel_value(t, kernel):
    """Return k(t)."""
    if kernel == "box":
        return 1.0 * ((t > -0.5) & (t <= 0.5))
    t = np.abs(t)
    if kernel == "linear":
        return np.maximum(1 - t, 0)
    near, far = 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    return np.where(t <= 1, near, np.where(t < 2, far, 0.0))


def resizing(n, to, kernel, antialias, border):
    """Return the matrix along one axis."""
    A = np.zeros((to, n))
    for row in range(to):
        if kernel == "nearest":
            A[row, row * n // to] = 1.0
            continue
        wide = max(n, to) if antialias else to  # a times the new extent
        first = (2 * row + 1) * n - to  # x times twice the new extent: whole numbers, or boxes would not meet
        j = np.arange((first - 4 * wide) // (2 * to) - 1, (first + 4 * wide) // (2 * to) + 2)
        weights = kernel_value((first - 2 * to * j) / (2 * wide), kernel)
        where = np.clip(j, 0, n - 1) if border == "clamp" else j % n
        np.add.at(A[row], where, weights / weights.sum())
    return A


def window(Y):
    """Return W y: the Gaussian of 11 cells along every axis, zeros beyond the border."""
    g = np.exp(-(np.arange(-5, 6) ** 2) / (2 * 1.5**2))
    for axis in range(2, Y.ndim):
        cells = np.arange(Y.shape[axis])
        apart = cells[:, None] - cells
        Y = along(Y, axis, np.where(np.abs(apart) <= 5, g[np.clip(apart + 5, 0, 10)], 0.0) / g.sum())
    return Y


def similarity(X, Y):
    """Return A₁, A₂, B₁ and B₂ of SSIM = A₁A₂/(B₁B₂) in every cell."""
    mx, my, first, second = window(X), window(Y), 0.01**2, 0.03**2
    covariance, variances = window(X * Y) - mx * my, window(X * X + Y * Y) - mx * mx - my * my
    return 2 * mx * my + first, 2 * covariance + second, mx * mx + my * my + first, variances + second


def similarity_gradient(X, Y):
    """Return the gradient of the mean in X, which may be complex."""
    (A, B, C, D), mx, my = similarity(X, Y), window(X), window(Y)
    by_mean = 2 * my * (B - A) / (C * D) - 2 * mx * A * B / (C * D) * (1 / C - 1 / D)
    by_square, by_product = -A * B / (C * D * D), 2 * A / (C * D)
    found = window(by_mean) + 2 * X * window(by_square) + Y * window(by_product)
    return found / math.prod(X.shape[1:])


def symbol(xi, grid):
    """Return m(k) of every channel; kx belongs to the last axis."""
    ny, nx = grid
    ky, kx = np.meshgrid(np.fft.fftfreq(ny, 1 / ny), np.fft.fftfreq(nx, 1 / nx), indexing="ij")
    ty, tx = (np.where(2 * np.abs(k) == n, 0.0, k) for k, n in ((ky, ny), (kx, nx)))
    a1, a2, theta, g0, gx, gy, log_tau = xi.reshape(len(xi), 7, 1, 1).swapaxes(0, 1)
    first, second = (np.where(a.real > 0, a, 0.0) + 1e-3 for a in (a1, a2))
    c, s = np.cos(theta), np.sin(theta)
    turned = 2 * c * s * tx * ty
    one, other = c**2 * kx**2 + s**2 * ky**2 - turned, s**2 * kx**2 + c**2 * ky**2 + turned
    return g0, gx * tx + gy * ty, np.exp(-np.exp(log_tau) * (first * one + second * other))


class Images:
    """Operations of the level "multiscale"."""

    def resize(self, Y, grid, to, kernel, antialias, border):
        found = Y.astype(float)
        for axis, (n, m) in enumerate(zip(grid, to, strict=True), start=2):
            found = along(found, axis, resizing(n, m, kernel, antialias, border))
        return self._out(found)

    def _normalized(self, Y, groups, epsilon):
        """Return x̂ and 1/√(variance + ε), groups along their own axis."""
        X = Y.astype(float).reshape(len(Y), groups, -1)
        X = X - X.mean(axis=2, keepdims=True)
        scale = 1 / np.sqrt((X**2).mean(axis=2, keepdims=True) + epsilon)
        return X * scale, scale

    def normalize(self, Y, grid, groups, epsilon, gamma, beta):
        found = self._normalized(Y, groups, epsilon)[0].reshape(Y.shape)
        gamma, beta = (one.astype(float).reshape(1, -1, *(1,) * len(grid)) for one in (gamma, beta))
        return self._out(gamma * found + beta)

    def normalize_product(self, Y, V, grid, groups, epsilon):
        X, scale = self._normalized(Y, groups, epsilon)
        v = V.astype(float).reshape(X.shape)
        v = v - v.mean(axis=2, keepdims=True)
        return self._out((scale * (v - X * (X * v).mean(axis=2, keepdims=True))).reshape(Y.shape))

    def ssim(self, X, Y, grid):
        A, B, C, D = similarity(X.astype(float), Y.astype(float))
        return self._out((A * B / (C * D)).reshape(len(X), -1).mean(axis=1))

    def ssim_gradient(self, X, Y, grid):
        return self._out(similarity_gradient(X.astype(float), Y.astype(float)))

    def ssim_hessian(self, X, Y, V, grid):
        moved = X.astype(float) + 1j * TINY * V.astype(float)
        return self._out(similarity_gradient(moved, Y.astype(float)).imag / TINY)

    def ssim_gauss_newton(self, X, Y, V, grid):
        _, _, C, D = similarity(X.astype(float), Y.astype(float))
        v = V.astype(float)
        mean = window(v)
        found = window(mean / C) + v * window(1 / D) - window(mean / D)
        return self._out(2 * found / math.prod(X.shape[1:]))

    def _mesh_free(self, xi, Y, grid):
        g0, slope, decay = symbol(xi, grid)
        spectrum = np.fft.fft2(Y.astype(float))
        even, odd = np.fft.ifft2(decay.real * spectrum), np.fft.ifft2(1j * slope.real * decay.real * spectrum)
        return (g0.real * even + odd).real

    def mesh_free(self, xi, Y, grid):
        return self._out(self._mesh_free(xi.astype(float), Y, grid))

    def mesh_free_gradient(self, xi, Y, Z, grid):
        found, xi = np.zeros(xi.shape), xi.astype(float)
        spectrum, cells = np.fft.fft2(Y.astype(float)), math.prod(grid)
        pairing = (np.fft.fft2(Z.astype(float)).conj() * spectrum).sum(axis=0) / cells
        for k in range(7):
            moved = xi.astype(complex)
            moved[:, k] += 1j * TINY
            g0, slope, decay = symbol(moved, grid)
            real, imaginary = (g0 * decay).imag / TINY, (slope * decay).imag / TINY
            found[:, k] = (real * pairing.real - imaginary * pairing.imag).sum(axis=(1, 2))
        return self._out(found)

    # -- meshes, windows and estimates of the gradient

    def _coarsened(self, Y, pair, level):
        for _ in range(level):
            Y = gathered(Y, PAIRS[pair][0])
        return Y

    def coarsen_images(self, Y, grid, pair, level):
        return self._out(self._coarsened(Y.astype(float), pair, level))

    def crop_images(self, Y, grid, windows, level):
        cut = [
            image[(slice(None), *(slice(a, a + (n >> level)) for a, n in zip(first, grid, strict=True)))]
            for image, first in zip(Y, windows, strict=True)
        ]
        return self._out(np.stack(cut))

    def draw_windows(self, grid, levels, examples, seed):
        rng, first = np.random.default_rng(seed), np.zeros((examples, len(grid)), int)
        found = [first]
        for level in range(1, levels):
            room = np.array([(n >> (level - 1)) - (n >> level) for n in grid])
            first = first + rng.integers(0, room + 1, first.shape)
            found.append(first)
        return np.stack(found)

    def _level_gradient(self, S, Y, Z, times, pair, level):
        t = times.astype(float).reshape(-1, *(1,) * (Y.ndim - 1))
        target = self._coarsened(Y.astype(float), pair, level)
        X = self._coarsened(t * Y + (1 - t) * Z, pair, level)
        error = convolve(S.astype(float), X, "periodic") - target
        return 2 / error.size * correlate(error, X, S.shape[2:], "periodic")

    def gradient_difference(self, S, Y, Z, times, grid, pair, level):
        fine, coarse = (self._level_gradient(S, Y, Z, times, pair, level + k) for k in (0, 1))
        return self._out(fine - coarse)

    def mge(self, S, Y, Z, times, grid, pair, batches, coefficients):
        found, weight, begin = np.zeros(S.shape), 1.0, 0
        for level, size in enumerate(batches):
            part = slice(begin, begin + size)
            draw, begin = (S, Y[part], Z[part], times[part], pair), begin + size
            term = self._level_gradient(*draw, level)
            if level < len(batches) - 1:
                term = term - coefficients[level] * self._level_gradient(*draw, level + 1)
            found += weight * term
            weight *= coefficients[level] if level < len(coefficients) else 1.0
        return self._out(found)

    def work_units(self, batches, finest, dimension):
        costs = [2.0 ** (-dimension * (finest + k)) for k in range(len(batches))]
        return sum(n * (c + below) for n, c, below in zip(batches, costs, [*costs[1:], 0.0], strict=True))

    def learning_rate(self, k, total, rate, floor):
        return floor + (rate - floor) * (1 + math.cos(math.pi * k / total)) / 2

    def full_multiscale(self, S, gradients, iterations, pair, rule, rate, floor):
        m, v, count = 0 * S, 0 * S, 0
        for stage, steps in enumerate(iterations):
            if stage and rule == "galerkin":
                S = self.stencil_up(S, pair)
            for _ in range(steps):
                now = self.learning_rate(count, sum(iterations), rate, floor)
                S, m, v = self.adam_step(S, gradients[count], m, v, now, count + 1)
                count += 1
        return self._out(S)

    # -- data

    def bytes_to_floats(self, B, grid, low, high):
        return self._out(low + (high - low) * (B.astype(float) / 255))

    def one_hot(self, labels, classes):
        if len(labels) and not (labels.min() >= 0 and labels.max() < classes):
            raise ValueError(f"labels must be from 0 to {classes - 1}")
        return self._out(np.arange(classes)[:, None] == labels)

    def accuracy(self, Z, C):
        right = (Z.argmax(axis=0) == C.argmax(axis=0)) & ~np.isnan(Z).any(axis=0)
        return float(right.mean())
