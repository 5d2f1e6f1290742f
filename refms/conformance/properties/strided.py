"""K1-K7: convolutions with stride, dilation, groups and even stencils, their adjoint and their derivative."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.instances.domain import Instance
from refms.conformance.properties.arrays import dot
from refms.conformance.property import Claims, family, refused
from refms.definition.arrays import norm
from refms.definition.convolution import convolve, shift, transpose
from refms.definition.norms import max_norm, row_sum_norm
from refms.definition.strided import (
    strided_adjoint,
    strided_convolve,
    strided_gradient,
    strided_offsets,
    thin_out,
)
from refms.errors import Array

law = family("strided")
FRAMEWORKS = "Conv layers of frameworks"


@dataclass(frozen=True)
class _Layer:
    """A layer on an instance: stencil, stride, dilation and groups, and random arrays for it."""

    x: Instance
    stencil: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    groups: int

    @property
    def options(self) -> tuple[tuple[int, ...], tuple[int, ...], int, str]:
        """What the operations take last."""
        return self.stride, self.dilation, self.groups, self.x.boundary

    @property
    def coarse(self) -> tuple[int, ...]:
        """The ⌈n/s⌉ cells of the output."""
        return tuple(-(-n // s) for n, s in zip(self.x.grid, self.stride, strict=True))

    def stencils(self, name: str = "S") -> Array:
        """Return random stencils (groups·c_out, c_in, *stencil)."""
        x = self.x
        return x.draw(name, self.groups * x.c_out, x.c_in, *self.stencil, scale=x.stencil_scale)

    def image(self, name: str = "Y") -> Array:
        """Return random images with groups·c_in channels."""
        return self.x.image(name, self.groups * self.x.c_in)

    def output(self, name: str = "Z") -> Array:
        """Return random images on the grid of the output."""
        return self.x.image(name, self.groups * self.x.c_out, self.coarse)

    def convolve(self, S: Array, Y: Array) -> Array:
        """Return what is right."""
        return strided_convolve(S, Y, *self.options, self.x.orientation)


def _layer(a: Gate, x: Instance, *varied: str) -> _Layer:
    """Return a layer with random options of these kinds; equal along all axes where the profile says so."""
    rng, d = x.rng("layer"), x.d

    def options(low: int, high: int) -> tuple[int, ...]:
        drawn = tuple(int(k) for k in rng.integers(low, high + 1, d))
        return drawn if a.profile.rectangular else drawn[:1] * d

    odd, even = (
        tuple(min(k, 3 if d > 1 else 5) for k in x.stencil),
        tuple(2 * k for k in options(1, 2 if d < 3 else 1)),
    )
    stride, dilation, groups = options(1, 3), options(2, 3), int(rng.integers(2, 4))
    ones = (1,) * d
    return _Layer(
        x,
        even if "even" in varied else odd,
        (stride if max(stride) > 1 else (2,) * d) if "stride" in varied else ones,
        dilation if "dilation" in varied else ones,
        groups if "groups" in varied else 1,
    )


def _judge(a: Gate, on: _Layer) -> Claims:
    """Claim that the layer is the one of the definition."""
    S, Y = on.stencils(), on.image()
    text = f"stencil {on.stencil}, stride {on.stride}, dilation {on.dilation}, groups {on.groups}"
    got = a.strided_convolution(S, Y, *on.options)
    yield text, got, on.convolve(S, Y), row_sum_norm(S) * max_norm(Y)


@law("K1", "strided_convolution", FRAMEWORKS, half=True)
def _stride(a: Gate, x: Instance) -> Claims:
    """With a stride the result is every s-th cell of K(s) y, from the first one on.

    z_i = (K(S) y)_{s i}, i = 0 … ⌈n/s⌉ − 1, also where n is no multiple of s; scale ‖S‖₁‖y‖_∞
    Catches: an offset of the cells that are kept, the stride of another axis, ⌊n/s⌋ cells, an image that is
    thinned out before the stencil sees it.
    """
    on = _layer(a, x, "stride")
    S, Y = on.stencils(), on.image()
    kept = thin_out(convolve(S, Y, x.boundary, x.orientation), on.stride)
    yield f"stride {on.stride}", a.strided_convolution(S, Y, *on.options), kept, row_sum_norm(S) * max_norm(Y)


@law("K2", "strided_convolution", FRAMEWORKS, half=True)
def _dilation(a: Gate, x: Instance) -> Claims:
    """A dilated stencil is one with δ − 1 zeros between its entries.

    K(S) of the stencil with gaps, δ (k − 1) + 1 entries, for odd k; scale ‖S‖₁‖y‖_∞
    Catches: dilation along one axis only, δ zeros in place of δ − 1, a reach that does not grow with δ, a
    stencil that is centred as without gaps.
    """
    on = _layer(a, x, "dilation")
    S, Y = on.stencils(), on.image()
    sizes = [d * (k - 1) + 1 for d, k in zip(on.dilation, on.stencil, strict=True)]
    gaps: Array = np.zeros((*S.shape[:2], *sizes))
    gaps[(..., *(slice(None, None, d) for d in on.dilation))] = S
    wanted = convolve(gaps, Y, x.boundary, x.orientation)
    got = a.strided_convolution(S, Y, *on.options)
    yield f"stencil {on.stencil}, dilation {on.dilation}", got, wanted, row_sum_norm(S) * max_norm(Y)


@law("K3", "strided_convolution", FRAMEWORKS, half=True)
def _groups(a: Gate, x: Instance) -> Claims:
    """Groups of channels are convolved each by itself, in order; what does not divide is refused.

    block-diagonal in the channels: output channels g c_out/G … of input channels g c_in/G … alone;
    criterion for c_in ≠ G · c_in/G and for c_out no multiple of G: raises; scale ‖S‖₁‖y‖_∞
    Catches: channels that go to the groups in turn, groups left out or exchanged, every group seeing all.
    """
    on = _layer(a, x, "groups")
    S, Y = on.stencils(), on.image()
    parts = zip(np.split(S, on.groups), np.split(Y, on.groups, axis=1), strict=True)
    wanted = np.concatenate([convolve(s, y, x.boundary, x.orientation) for s, y in parts], axis=1)
    got = a.strided_convolution(S, Y, *on.options)
    yield f"{on.groups} groups", got, wanted, row_sum_norm(S) * max_norm(Y)
    others = (on.stride, on.dilation, on.groups, x.boundary)
    few = Y[:, :-1] if Y.shape[1] > 1 else np.concatenate([Y, Y], axis=1)
    yield refused(
        "input channels that are not those of the groups", lambda: a.strided_convolution(S, few, *others)
    )
    yield refused(
        f"{len(S) - 1} output channels in {on.groups} groups",
        lambda: a.strided_convolution(S[1:], Y, *others),
    )


@law("K4", "strided_convolution", FRAMEWORKS, half=True)
def _even(a: Gate, x: Instance) -> Claims:
    """A stencil of even size reaches one cell further behind than before.

    unit stencils at entry q shift by κ_q = q − ⌊(k − 1)/2⌋, so two entries are y_i and y_{i+1}; scale
    ‖S‖₁‖y‖_∞
    Catches: an even stencil that is centred one cell too far before, half a cell rounded to the other side.
    """
    on = replace(_layer(a, x, "even"), groups=1)
    Y, sign = on.image()[:, :1], 1 if x.orientation == "correlation" else -1
    for index, kappa in strided_offsets(on.stencil, on.dilation):
        unit = np.zeros((1, 1, *on.stencil), x.dtype)
        unit[(0, 0, *index)] = 1
        moved = shift(Y, [sign * k for k in kappa], x.boundary)
        got = a.strided_convolution(unit, Y, *on.options)
        yield f"stencil {on.stencil}, entry {index}", got, moved, max_norm(Y)
    yield from _judge(a, on)


@law("K5", "strided_convolution", FRAMEWORKS, half=True)
def _together(a: Gate, x: Instance) -> Claims:
    """Stride, dilation, groups and even stencils together give what the definition says.

    z_{o,i} = Σ_c Σ_q S_{oc,q} y_{c, s i + κ_q}, κ_q = δ q − ⌊δ(k − 1)/2⌋; scale ‖S‖₁‖y‖_∞
    Catches: options that are right alone: an even stencil with dilation centred by k instead of δ(k − 1), a
    padding that is computed for stride 1, a stencil that is larger than a small grid.
    """
    yield from _judge(a, _layer(a, x, "stride", "dilation", "groups", "even"))
    yield from _judge(a, _layer(a, x, "stride", "dilation", "groups"))


@law("K6", "strided_convolution_adjoint", FRAMEWORKS, half=True)
def _adjoint(a: Gate, x: Instance) -> Claims:
    """The adjoint is the transpose: it puts the cells back where they came from.

    KᵀZ = Σ_q S_qᵀ (zeros between the cells, moved back by κ_q); scale ‖Sᵀ‖₁‖Z‖_∞
    Catches: no flip, channels not exchanged within groups, cells put at another offset, a grid of s ⌈n/s⌉
    cells in place of n.
    """
    square = replace(x, c_out=x.c_in)  # where channels of a group can be exchanged unseen
    for one, kinds in ((x, ("stride", "dilation", "groups", "even")), (square, ("stride", "groups"))):
        on = _layer(a, one, *kinds)
        S, Z = on.stencils(), on.output()
        got = a.strided_convolution_adjoint(S, Z, x.grid, *on.options)
        wanted = strided_adjoint(S, Z, x.grid, *on.options, x.orientation)
        text = f"stencil {on.stencil}, stride {on.stride}, dilation {on.dilation}, groups {on.groups}"
        yield text, got, wanted, row_sum_norm(transpose(S)) * max_norm(Z)


@law("K7", "strided_stencil_gradient strided_convolution", FRAMEWORKS)
def _derivative(a: Gate, x: Instance) -> Claims:
    """The derivative in the stencil is the correlation of Z with the cells that each entry meets.

    ∂⟨Z, K(S)Y⟩/∂S_{oc,q} = Σ_i ⟨Z_{o,i}, y_{c, s i + κ_q}⟩ within groups, summed over examples;
    Euler: ⟨gradient, S⟩ = ⟨Z, K(S)Y⟩; scale ‖Z‖‖Y‖
    Catches: the gradient of another group, dilation left out of the derivative, a mean over examples.
    """
    on = _layer(a, x, "stride", "dilation", "groups", "even")
    S, Y, Z = on.stencils(), on.image(), on.output()
    got = a.strided_stencil_gradient(Z, Y, on.stencil, *on.options)
    wanted = strided_gradient(Z, Y, on.stencil, *on.options, x.orientation)
    scale = norm(Z) * norm(Y)
    text = f"stencil {on.stencil}, stride {on.stride}, dilation {on.dilation}, groups {on.groups}"
    yield text, got, wanted, scale
    size = scale * norm(S) * math.sqrt(math.prod(on.stencil))
    yield "⟨gradient, S⟩ = ⟨Z, KY⟩", dot(got, S), dot(Z, a.strided_convolution(S, Y, *on.options)), size
