"""Q1-Q4: structural similarity of images, its derivatives, and its positive semidefinite form."""

from __future__ import annotations

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Domain, Instance
from refms.conformance.measures.outcome import holds
from refms.conformance.oracles.scales import sharpness
from refms.conformance.properties.arrays import dot
from refms.conformance.property import Claims, agree, family
from refms.definition.arrays import norm
from refms.definition.norms import max_norm
from refms.definition.similarity import ssim, ssim_gauss_newton, ssim_gradient, ssim_hessian
from refms.errors import Array

law = family("similarity")
SOURCE = "Wang, Bovik, Sheikh, Simoncelli (2004); [MST], super-resolution"
WINDOW = Domain(smallest=11, small=True)
"""Images that are not smaller than the window."""


@law("Q1", "ssim", SOURCE, WINDOW)
def _value(a: Gate, x: Instance) -> Claims:
    """SSIM is 1 for equal images, symmetric, at most 1, and what the definition says.

    S = ab/(cd), mean over channels and cells; scale max 1/c + 1/d
    Catches: another window, a window that is not normalised, a border that is reflected, other constants, the
    structure alone.
    """
    X, Y, size = _pictures(x)
    got = a.ssim(X, Y)
    yield "SSIM(x, y)", got, ssim(X, Y), size
    yield "a bright and a dark image", a.ssim(X, 0.1 * Y), ssim(X, 0.1 * Y), sharpness(X, 0.1 * Y)
    yield "SSIM(x, x) = 1", a.ssim(X, X), np.ones(len(X)), sharpness(X, X)
    yield from agree("SSIM(y, x) = SSIM(x, y)", a.ssim(Y, X), got, size)


@law("Q2", "ssim_gradient", SOURCE, WINDOW)
def _gradient(a: Gate, x: Instance) -> Claims:
    """The gradient is the one of the definition, and zero where the images are equal.

    ∇SSIM = (W p + 2x W q + y W r)/N; scale (max 1/c + 1/d)²/N
    Catches: a term that is missing, the mean over other numbers, the derivative in the target.
    """
    X, Y, size = _pictures(x)
    N = X[0].size
    yield "∇SSIM", a.ssim_gradient(X, Y), ssim_gradient(X, Y), size**2 / N
    yield "∇SSIM(x, x) = 0", a.ssim_gradient(X, X), 0 * X, sharpness(X, X) ** 2 / N


@law("Q3", "ssim_hessian", SOURCE, WINDOW)
def _hessian(a: Gate, x: Instance) -> Claims:
    """The Hessian is the one of the definition, symmetric and indefinite.

    scale (max 1/c + 1/d)³‖v‖_∞/N; ⟨Hu, v⟩ = ⟨u, Hv⟩
    Catches: windows that are held, the positive form in its place, a factor of 2.
    """
    X, Y, size = _pictures(x)
    u, v = (x.draw(name, *X.shape) for name in ("u", "v"))
    N, Hv = X[0].size, a.ssim_hessian(X, Y, v)
    yield "H v", Hv, ssim_hessian(X, Y, v), size**3 * max_norm(v) / N
    yield from agree(
        "⟨Hu, v⟩ = ⟨u, Hv⟩", dot(a.ssim_hessian(X, Y, u), v), dot(u, Hv), size**3 / N * norm(u) * norm(v)
    )


@law("Q4", "ssim_gauss_newton ssim_hessian", "Gauss-Newton form of 1 − SSIM, [MST]", WINDOW)
def _positive(a: Gate, x: Instance) -> Claims:
    """The Gauss-Newton form is positive semidefinite, and minus the Hessian where the images are equal.

    ⟨v, Gv⟩ >= 0 for random, constant and single-cell v; G = −∇²SSIM at x = y; scale (max 1/c + 1/d)²‖v‖_∞/N
    Catches: the Hessian in its place, a term that is missing, c and d exchanged, a sign.
    """
    X, Y, size = _pictures(x)
    v = x.draw("v", *X.shape)
    scale = size**2 * max_norm(v) / X[0].size
    yield "G v", a.ssim_gauss_newton(X, Y, v), ssim_gauss_newton(X, Y, v), scale
    at, minus = a.ssim_gauss_newton(X, X, v), -a.ssim_hessian(X, X, v)
    yield from agree("G = −∇²SSIM at x = y", at, minus, sharpness(X, X) ** 3 * max_norm(v) / X[0].size)
    delta = np.zeros_like(v)
    delta.reshape(len(v), -1)[:, 0] = 1
    for name, one in (("v", v), ("1", np.ones_like(v)), ("δ", delta)):
        form = dot(one, a.ssim_gauss_newton(X, Y, one))
        slack = 30 * x.eps * size**2 * norm(one) ** 2 / X[0].size
        yield holds(form >= -slack, f"⟨{name}, G {name}⟩ >= 0", f"it is {form:.3g}")


def _pictures(x: Instance) -> tuple[Array, Array, float]:
    """Return two images in [0, 1] for each example, and by how much SSIM answers to them."""
    X, Y = (x.picture(name, x.examples, x.c_in, *x.grid) for name in "XY")
    return X, Y, sharpness(X, Y)
