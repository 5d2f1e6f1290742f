"""Layers of other networks and other steps in time, written from ``help(Adapter)`` alone."""

import itertools

import numpy as np
from from_help_formulas import activated, along, convolve, correlate, transposed


def selections(n, stride, shifts, boundary):
    """Return for each shift the matrix of i -> cell s i + shift of an axis; rows beyond the border are 0."""
    places = (np.arange(0, n, stride) + shift for shift in shifts)
    wrapped = (where % n if boundary == "periodic" else where for where in places)
    return [1.0 * (where[:, None] == np.arange(n)) for where in wrapped]


def applied(Y, matrices):
    """Return one matrix applied along every axis of the grid."""
    for axis, A in enumerate(matrices, start=2):
        Y = along(Y, axis, A)
    return Y


def windows(grid, pool, stride):
    """Return the selections of each axis for the cells of a window."""
    return [
        selections(n, s, range(-((w - 1) // 2), w // 2 + 1), "zero")
        for n, w, s in zip(grid, pool, stride, strict=True)
    ]


def averages(grid, pool, stride):
    """Return the matrix of the mean over windows along each axis."""
    sums = [sum(each) for each in windows(grid, pool, stride)]
    return [A / A.sum(axis=1, keepdims=True) for A in sums]


def as_bias(b, Y):
    """Return one number a channel in the shape of images."""
    return b.astype(float).reshape(1, -1, *(1,) * (Y.ndim - 2))


class Steps:
    """A record of sums and layers F(θ(t), y), to go through it backwards."""

    def __init__(self, S, b, activation, boundary):
        self.S, self.b = S.astype(float), b.astype(float)
        self.activation, self.boundary = activation, boundary
        self.values, self.origins = [], []

    def keep(self, value, origin=None):
        """Return the number of a new state."""
        self.values.append(value)
        self.origins.append(origin)
        return len(self.values) - 1

    def sum(self, *terms):
        """Return Σ w y of pairs (w, y)."""
        return self.keep(sum(w * self.values[y] for w, y in terms), ("sum", terms))

    def at(self, time):
        """Return the shares of the layers at a time in units of δt."""
        k = min(int(time), len(self.S) - 1)
        share = time - k if k < len(self.S) - 1 else 0.0
        return [(k, 1 - share), (k + 1, share)] if share else [(k, 1.0)]

    def F(self, time, y, apply=convolve):
        """Return σ(K y + b), or σ(Kᵀy + b), with the parameters of a time."""
        shares = self.at(time)
        s, b = (sum(w * one[k] for k, w in shares) for one in (self.S, self.b))
        z = apply(s, self.values[y], self.boundary) + as_bias(b, self.values[y])
        value, slope, _ = activated(z, self.activation)
        return self.keep(value, ("layer", y, shares, s, slope, apply))

    def back(self, seeds):
        """Return ∂/∂S of Σ ⟨Z, y⟩ over pairs (y, Z)."""
        found, stencil = np.zeros(self.S.shape), self.S.shape[3:]
        pulls = [0 * one for one in self.values]
        for y, Z in seeds:
            pulls[y] = pulls[y] + Z
        for pull, origin in zip(reversed(pulls), reversed(self.origins), strict=True):
            match origin:
                case ("sum", terms):
                    for w, y in terms:
                        pulls[y] += w * pull
                case ("layer", y, shares, s, slope, apply):
                    G, Y = slope * pull, self.values[y]
                    turned = apply is transposed
                    g = (
                        correlate(Y, G, stencil, self.boundary)
                        if turned
                        else correlate(G, Y, stencil, self.boundary)
                    )
                    pulls[y] += (convolve if turned else transposed)(s, G, self.boundary)
                    for k, w in shares:
                        found[k] += w * g
        return found


def midpoint(steps, y, count, dt):
    """Return the state after N steps of the midpoint rule."""
    for k in range(count):
        half = steps.sum((1, y), (dt / 2, steps.F(k, y)))
        y = steps.sum((1, y), (dt, steps.F(k + 0.5, half)))
    return y


def rk4(steps, y, count, dt):
    """Return the state after N steps of the classical method of order 4."""
    for k in range(count):
        first = steps.F(k, y)
        second = steps.F(k + 0.5, steps.sum((1, y), (dt / 2, first)))
        third = steps.F(k + 0.5, steps.sum((1, y), (dt / 2, second)))
        last = steps.F(k + 1, steps.sum((1, y), (dt, third)))
        y = steps.sum((1, y), (dt / 6, first), (dt / 3, second), (dt / 3, third), (dt / 6, last))
    return y


def leapfrog(steps, y, count, dt):
    """Return the state after N leaps of y″ = F from rest."""
    before, now = y, steps.sum((1, y), (dt**2 / 2, steps.F(0, y)))
    for k in range(1, count):
        before, now = now, steps.sum((2, now), (-1, before), (dt**2, steps.F(k, now)))
    return now


def verlet(steps, y, z, count, dt):
    """Return both halves of the state after N steps."""
    for k in range(count):
        half = steps.sum((1, z), (-dt / 2, steps.F(k, y, transposed)))
        y = steps.sum((1, y), (dt, steps.F(k + 0.5, half)))
        z = steps.sum((1, half), (-dt / 2, steps.F(k + 1, y, transposed)))
    return y, z


class Layers:
    """Operations of the levels "layers" and "integrators"."""

    # -- stride, dilation, groups

    def _shifted(self, grid, stencil, stride, dilation, boundary):
        """Yield (index q, the matrices of i -> s i + κ_q along the axes)."""
        axes = [
            selections(n, s, [d * q - d * (k - 1) // 2 for q in range(k)], boundary)
            for n, k, s, d in zip(grid, stencil, stride, dilation, strict=True)
        ]
        for q in np.ndindex(*stencil):
            yield q, [each[a] for each, a in zip(axes, q, strict=True)]

    def _blocks(self, c_out, c_in, groups):
        """Return the output and the input channels of every group."""
        return [
            (slice(g * c_out // groups, (g + 1) * c_out // groups), slice(g * c_in, (g + 1) * c_in))
            for g in range(groups)
        ]

    def strided_convolution(self, S, Y, grid, stride, dilation, groups, boundary):
        if Y.shape[1] != groups * S.shape[1] or len(S) % groups:
            raise ValueError(f"{Y.shape[1]} channels do not fit stencils {S.shape} in {groups} groups")
        S, Y, found = S.astype(float), Y.astype(float), 0.0
        for q, matrices in self._shifted(grid, S.shape[2:], stride, dilation, boundary):
            near = applied(Y, matrices)
            found = found + np.concatenate(
                [
                    np.einsum("oc,mc...->mo...", S[(out, slice(None), *q)], near[:, into])
                    for out, into in self._blocks(*S.shape[:2], groups)
                ],
                axis=1,
            )
        return self._out(found)

    def strided_convolution_adjoint(self, S, Z, grid, stride, dilation, groups, boundary):
        S, Z, found = S.astype(float), Z.astype(float), 0.0
        for q, matrices in self._shifted(grid, S.shape[2:], stride, dilation, boundary):
            back = [
                np.einsum("oc,mo...->mc...", S[(out, slice(None), *q)], Z[:, out])
                for out, _ in self._blocks(*S.shape[:2], groups)
            ]
            found = found + applied(np.concatenate(back, axis=1), [E.T for E in matrices])
        return self._out(found)

    def strided_stencil_gradient(self, Z, Y, grid, stencil, stride, dilation, groups, boundary):
        Z, Y = Z.astype(float), Y.astype(float)
        found = np.zeros((Z.shape[1], Y.shape[1] // groups, *stencil))
        for q, matrices in self._shifted(grid, stencil, stride, dilation, boundary):
            near = applied(Y, matrices).reshape(*Y.shape[:2], -1)
            flat = Z.reshape(*Z.shape[:2], -1)
            for out, into in self._blocks(*found.shape[:2], groups):
                found[(out, slice(None), *q)] = np.einsum("moi,mci->oc", flat[:, out], near[:, into])
        return self._out(found)

    # -- pooling

    def average_pool(self, Y, grid, pool, stride):
        return self._out(applied(Y.astype(float), averages(grid, pool, stride)))

    def average_pool_adjoint(self, Z, grid, pool, stride):
        return self._out(applied(Z.astype(float), [A.T for A in averages(grid, pool, stride)]))

    def _cells(self, Y, grid, pool, stride):
        """Yield (the cells of all windows at one place, -inf beyond the border; their matrices)."""
        for matrices in itertools.product(*windows(grid, pool, stride)):
            inside = applied(np.ones((1, 1, *grid)), matrices) > 0
            yield np.where(inside, applied(Y, matrices), -np.inf), matrices

    def max_pool(self, Y, grid, pool, stride):
        return self._out(np.max([one for one, _ in self._cells(Y.astype(float), grid, pool, stride)], axis=0))

    def max_pool_gradient(self, Z, Y, grid, pool, stride):
        largest, found, left = self.max_pool(Y, grid, pool, stride), 0.0, Z.astype(float)
        for cells, matrices in self._cells(Y.astype(float), grid, pool, stride):
            hit = cells == largest
            found = found + applied(np.where(hit, left, 0.0), [E.T for E in matrices])
            left = np.where(hit, 0.0, left)
        return self._out(found)

    # -- biases in cells, tied stencils

    def cell_bias_layer(self, S, b, Y, grid, activation, boundary):
        return self._out(activated(convolve(S.astype(float), Y.astype(float), boundary) + b, activation)[0])

    def cell_bias_gradient(self, S, b, Y, Z, grid, activation, boundary):
        z = convolve(S.astype(float), Y.astype(float), boundary) + b
        return self._out((activated(z, activation)[1] * Z).sum(axis=0))

    def _antisymmetric(self, S, b, Y, damping, boundary):
        S, Y = S.astype(float), Y.astype(float)
        return convolve(S, Y, boundary) - transposed(S, Y, boundary) - damping * Y + as_bias(b, Y)

    def antisymmetric_layer(self, S, b, Y, grid, activation, damping, boundary):
        return self._out(activated(self._antisymmetric(S, b, Y, damping, boundary), activation)[0])

    def antisymmetric_layer_gradient(self, S, b, Y, Z, grid, activation, damping, boundary):
        G = activated(self._antisymmetric(S, b, Y, damping, boundary), activation)[1] * Z
        stencil, Y = S.shape[2:], Y.astype(float)
        return self._out(correlate(G, Y, stencil, boundary) - correlate(Y, G, stencil, boundary))

    def symmetric_layer(self, S, b, Y, grid, activation, boundary):
        S, Y = S.astype(float), Y.astype(float)
        value = activated(convolve(S, Y, boundary) + as_bias(b, Y), activation)[0]
        return self._out(-transposed(S, value, boundary))

    def symmetric_layer_gradient(self, S, b, Y, Z, grid, activation, boundary):
        S, Y, Z = S.astype(float), Y.astype(float), Z.astype(float)
        value, slope, _ = activated(convolve(S, Y, boundary) + as_bias(b, Y), activation)
        G, stencil = slope * convolve(S, Z, boundary), S.shape[2:]
        return self._out(-correlate(value, Z, stencil, boundary) - correlate(G, Y, stencil, boundary))

    # -- steps in time

    def _stepped(self, method, S, b, Y, activation, final_time, boundary):
        """Return the record and the number of y_N."""
        steps = Steps(S, b, activation, boundary)
        return steps, method(steps, steps.keep(Y.astype(float)), len(S), final_time / len(S))

    def _end(self, method, *given):
        steps, y = self._stepped(method, *given)
        return self._out(steps.values[y])

    def _end_gradient(self, method, Z, *given):
        steps, y = self._stepped(method, *given)
        return self._out(steps.back([(y, Z.astype(float))]))

    def midpoint(self, S, b, Y, grid, activation, final_time, boundary):
        return self._end(midpoint, S, b, Y, activation, final_time, boundary)

    def midpoint_gradient(self, S, b, Y, Z, grid, activation, final_time, boundary):
        return self._end_gradient(midpoint, Z, S, b, Y, activation, final_time, boundary)

    def rk4(self, S, b, Y, grid, activation, final_time, boundary):
        return self._end(rk4, S, b, Y, activation, final_time, boundary)

    def rk4_gradient(self, S, b, Y, Z, grid, activation, final_time, boundary):
        return self._end_gradient(rk4, Z, S, b, Y, activation, final_time, boundary)

    def leapfrog(self, S, b, Y, grid, activation, final_time, boundary):
        return self._end(leapfrog, S, b, Y, activation, final_time, boundary)

    def leapfrog_gradient(self, S, b, Y, Z, grid, activation, final_time, boundary):
        return self._end_gradient(leapfrog, Z, S, b, Y, activation, final_time, boundary)

    def _verlet(self, S, b, Y, activation, final_time, boundary):
        steps = Steps(S, b, activation, boundary)
        halves = (steps.keep(half) for half in np.split(Y.astype(float), 2, axis=1))
        return steps, *verlet(steps, *halves, len(S), final_time / len(S))

    def verlet(self, S, b, Y, grid, activation, final_time, boundary):
        steps, y, z = self._verlet(S, b, Y, activation, final_time, boundary)
        return self._out(np.concatenate([steps.values[y], steps.values[z]], axis=1))

    def verlet_gradient(self, S, b, Y, Z, grid, activation, final_time, boundary):
        steps, y, z = self._verlet(S, b, Y, activation, final_time, boundary)
        return self._out(steps.back(list(zip((y, z), np.split(Z.astype(float), 2, axis=1), strict=True))))
