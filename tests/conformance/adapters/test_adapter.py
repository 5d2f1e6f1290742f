"""The table of arrays in help(Adapter) is what the kit hands over."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from refms.conformance import Adapter
from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.profile import LAYOUTS, reference_profile
from refms.conformance.instances.instance import Instance
from refms.conformance.operations import PARAMETERS

X = Instance((4, 6), (3, 5), 2, 3, 7, 5, 8, "periodic", "nearest", "tanh", 1.0, "float64", 0)
EXTENTS = {"c": 3, "c_image": 2, "N": 8, "c·n": 72, "ℓ": 5, "m": 7, "*stencil": (3, 5), "*grid": (4, 6)}
TABLE = dict(re.findall(r"^ +(\w[\w, ]*?) +\((.+)\)$", Adapter.__doc__, re.MULTILINE))


def shape(name, **others):
    """Return the shape of a row of the table."""
    found = [(EXTENTS | others)[axis] for axis in TABLE[name].split(", ")]
    return tuple(n for one in found for n in (one if isinstance(one, tuple) else (one,)))


class Recording(Adapter):
    def forward(self, parameters, X, problem):
        self.found = {key: array.shape for key, array in parameters.items()} | {"X": X.shape}
        raise NotImplementedError


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_arrays_of_a_network_have_the_shapes_in_the_help(layout):
    adapter = Recording(replace(reference_profile(), layout=layout))
    with pytest.raises(NotImplementedError):
        Gate(adapter).forward(X.parameters(), X.image(), X.problem)
    images = shape(f"X, {layout}", **{"c": 2, "c·n": 48})
    assert adapter.found == {**{key: shape(key) for key in PARAMETERS}, "X": images}
