"""Random arguments of every operation of the kit, by name, as its gate takes them."""

from __future__ import annotations

import numpy as np

from refms.conformance.adapters.gate import Gate
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.conformance.measures.trials import trials
from refms.conformance.operations import OPERATIONS


def drawn_arguments(operation, profile, x, *, soft_labels=False):
    """Return arguments drawn from an instance; None where a profile excludes all."""
    found = trials(Gate(ReferenceAdapter(profile=profile)), x, "a", x.examples, (operation,))
    if not found:
        return None
    given = OPERATIONS[operation].bind(*found[0].arguments)
    if soft_labels and "C" in given and "Z" in given:
        given["C"] = np.tanh(np.abs(x.draw("soft", *given["C"].shape)))
    return given
