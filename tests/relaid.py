"""Adapters of columns as adapters in the layout that a profile declares, as other people's code is."""

from __future__ import annotations

import inspect
from functools import partial

import numpy as np

from refms.conformance import Adapter, Profile
from refms.conformance.adapter import OPERATIONS, provides
from refms.conformance.calls import right_under

FIELDS = {
    "convolution": ("Y",),
    "convolution_adjoint": ("Z",),
    "stencil_gradient": ("Z", "Y"),
    "restrict": ("Y",),
    "prolong": ("Y",),
    "forward": ("X",),
    "logits": ("Y",),
    "jacobian_product": ("X",),
    "jacobian_transpose": ("X",),
    "loss": ("X",),
    "gradient": ("X",),
    "gauss_newton": ("X",),
    "block_step": ("X",),
}
"""Arguments that are fields, by operation."""

GIVE_FIELDS = ("convolution", "convolution_adjoint", "restrict", "prolong", "forward")


class Relaid:
    """An adapter in the layout of its profile around one in columns."""

    def __init__(self, columns, profile: Profile):
        self.columns, self.profile = columns, profile

    def __getattr__(self, name):
        if name not in OPERATIONS or not provides(self.columns, name):
            raise AttributeError(name)
        return partial(self._called, name)

    def _called(self, name, *arguments):
        names = list(inspect.signature(getattr(Adapter, name)).parameters)[1:]
        moved = [
            self._columns(one) if key in FIELDS.get(name, ()) else one
            for key, one in zip(names, arguments, strict=True)
        ]
        found = getattr(self.columns, name)(*moved)
        if name not in GIVE_FIELDS:
            return found
        grid = dict(zip(names, arguments, strict=True)).get("grid") or arguments[-1].grid
        if name == "restrict":
            grid = tuple(n // 2 for n in grid)
        images = np.ascontiguousarray(found.T).reshape(found.shape[1], -1, *grid)
        if self.profile.layout == "columns":
            return found
        return images if self.profile.layout == "NCHW" else np.ascontiguousarray(np.moveaxis(images, 1, -1))

    def _columns(self, field):
        if self.profile.layout == "columns":
            return field
        images = field if self.profile.layout == "NCHW" else np.moveaxis(field, -1, 1)
        return np.ascontiguousarray(images.reshape(len(images), -1).T)


def right(profile: Profile, mutant=None) -> Relaid:
    """Return refms as a profile declares it, with a mistake if one is given.

    The mistake sees the conventions of refms itself.
    """
    columns = right_under(profile)
    return Relaid(mutant.around(columns) if mutant else columns, profile)
