"""The one table of the kit's operations: arguments and result with their axes, promise, scale of errors.

The base class of adapters, gate, layouts, trials, cases and reproductions follow from it.
"""

from refms.conformance.operations import (
    data,
    images,
    layers,
    networks,
    objective,
    optimization,
    resolution,
    steps,
)
from refms.conformance.operations.operation import MEASURES as MEASURES
from refms.conformance.operations.operation import PARAMETER_AXES as PARAMETER_AXES
from refms.conformance.operations.operation import PARAMETERS as PARAMETERS
from refms.conformance.operations.operation import SYMBOLS as SYMBOLS
from refms.conformance.operations.operation import Argument as Argument
from refms.conformance.operations.operation import Operation as Operation
from refms.conformance.operations.operation import Parameters as Parameters
from refms.conformance.operations.operation import parameter_shapes as parameter_shapes

_OPTIONAL = {
    "multiscale": images,
    "layers": layers,
    "integrators": steps,
    "transfer": resolution,
    "data": data,
    "objective": objective,
    "optimization": optimization,
}

OPERATIONS: dict[str, Operation] = {
    row.name: row for file in (networks, *_OPTIONAL.values()) for row in file.ROWS
}
"""All operations that an adapter may provide."""

OPTIONAL = {level: frozenset(row.name for row in file.ROWS) for level, file in _OPTIONAL.items()}
"""Operations beyond those of [LAS]: who has none of a level, and does not claim it, is not asked for it."""

TRIED = tuple(name for name, row in OPERATIONS.items() if row.scale is not None)
"""Those that are tried on random arguments: all that have a scale."""

SPLIT = tuple(name for name in TRIED if OPERATIONS[name].examples)
"""Those of them that have independent examples."""
