"""A1-A4: work units, learning rates, and Adam."""

from __future__ import annotations

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Instance
from refms.conformance.property import Claims, family
from refms.definition.arrays import as_double
from refms.definition.norms import max_norm
from refms.definition.training import adam_step, cosine_rate, gradient_work
from refms.errors import Array

law = family("training")
ADAM = "Kingma and Ba (2015), Algorithm 1"
SIZE = 8


@law("A1", "work_units", "[MST] Algorithm 1")
def _work(a: Gate, x: Instance) -> Claims:
    """An estimate costs Σ N_l (c_l + c_{l+1}) + N_{L−1} c_{L−1} evaluations of a finest image.

    c_l = 2^{−dl}, l from the finest level of the stage; 37, 34, 28 for four, three, two levels, and 2, 7, 17
    for the coarser stages of Full-Multiscale in two dimensions
    Catches: the coarse twin not counted, 4^{−l} in every dimension, a last level that counts twice, stages
    that count as if they were on the finest mesh, gradients as three.
    """
    N = (16, 32, 64, 128)
    for batches, finest, wanted in (
        *(((16, 32, 64, 128)[:k], 0, W) for k, W in ((2, 28.0), (3, 34.0), (4, 37.0))),
        *((N[j:], j, W) for j, W in ((1, 17.0), (2, 7.0), (3, 2.0))),
    ):
        yield f"{len(batches)} levels from {finest}", a.work_units(batches, finest, 2), wanted, wanted
    rng = np.random.default_rng(x.seed)
    drawn = tuple(int(one) for one in rng.integers(1, 500, rng.integers(1, 6)))
    for d in (1, 2, 3):
        wanted = gradient_work(drawn, 1, d)
        yield f"{drawn}, d = {d}", a.work_units(drawn, 1, d), wanted, wanted


@law("A2", "learning_rate", "Loshchilov and Hutter (2017); [MST]")
def _cosine(a: Gate, x: Instance) -> Claims:
    """The learning rate is a cosine from η_0 towards a floor, over all iterations.

    η_k = η_min + ½(η_0 − η_min)(1 + cos(πk/K)), k = 0 … K − 1
    Catches: a cosine that ends at 0, one that begins with k = 1 or reaches the floor at k = K − 1.
    """
    rate, total = x.stencil_scale, 7 + x.seed % 5
    for floor in (0.0, 0.2 * rate):
        got = np.array([a.learning_rate(k, total, rate, floor) for k in range(total)])
        wanted = np.array([cosine_rate(k, total, rate, floor) for k in range(total)])
        yield f"floor {floor:.3g}", got, wanted, rate


@law("A3", "adam_step", ADAM)
def _adam(a: Gate, x: Instance) -> Claims:
    """A step of Adam is the one of the paper, from any moments, in any update.

    m, v, θ of updates 1, 2, 10 and 1000; gradients of usual size and as small as ε; scale ‖m‖_∞, ‖v‖_∞,
    ‖θ‖_∞ + η‖m/√v‖_∞
    Catches: ε inside of the root or before the correction, no correction of the bias or one that is off by
    one, β exchanged, a sign.
    """
    theta = x.draw("theta", SIZE)
    for size, count in ((1.0, 1), (1.0, 2), (0.1, 10), (1e-8, 3), (1.0, 1000)):
        g, m = (x.draw(name, SIZE, scale=size) for name in ("g", "m"))
        v = (as_double(x.draw("v", SIZE, scale=size)) ** 2 + 0.1 * size**2).astype(x.dtype)
        yield from _step(a, theta, g, m, v, 0.3, count)


@law("A4", "adam_step", ADAM)
def _first_steps(a: Gate, x: Instance) -> Claims:
    """From zero moments the first step is η in every entry, against the sign of the gradient.

    θ_1 = θ_0 − η g/(|g| + ε); five steps in a row give what the definition gives
    Catches: no correction of the bias, moments that are not handed on, the sum of squares for their mean.
    """
    theta, zero = x.draw("theta", SIZE), np.zeros(SIZE, x.dtype)
    g = x.draw("g", SIZE, scale=x.image_scale)
    first = a.adam_step(theta, g, zero, zero, 0.25, 1)[0]
    wanted = as_double(theta) - 0.25 * as_double(g) / (np.abs(as_double(g)) + 1e-8)
    yield "first step", first, wanted, max_norm(theta) + 0.25
    moved, m, v = theta, zero, zero
    for count in range(1, 6):
        g = x.draw(f"g{count}", SIZE)
        yield from _step(a, moved, g, m, v, 0.1, count)
        moved, m, v = (one.copy() for one in a.adam_step(moved, g, m, v, 0.1, count))


def _step(a: Gate, theta: Array, g: Array, m: Array, v: Array, rate: float, count: int) -> Claims:
    """Claim that a step is the right one."""
    got = a.adam_step(theta, g, m, v, rate, count)
    wanted = adam_step(theta, g, m, v, rate, count, 0.9, 0.999, 1e-8)
    size = max(max_norm(m), max_norm(g))
    scales = (max_norm(theta) + max_norm(wanted[0] - as_double(theta)), size, size**2)
    for name, one, right, scale in zip(("θ", "m", "v"), got, wanted, scales, strict=True):
        yield f"{name} after update {count}", one, right, scale
