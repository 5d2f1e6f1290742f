"""The one table of the kit's operations: arguments and result with their axes, promise, scale of errors.

The base class of adapters, gate, layouts, trials, cases and reproductions follow from it.
"""

from refms.conformance.operations import images, networks
from refms.conformance.operations.operation import PARAMETER_AXES as PARAMETER_AXES
from refms.conformance.operations.operation import PARAMETERS as PARAMETERS
from refms.conformance.operations.operation import SYMBOLS as SYMBOLS
from refms.conformance.operations.operation import Argument as Argument
from refms.conformance.operations.operation import Operation as Operation
from refms.conformance.operations.operation import Parameters as Parameters
from refms.conformance.operations.operation import parameter_shapes as parameter_shapes

OPERATIONS = {row.name: row for row in (*networks.ROWS, *images.ROWS)}
"""All operations that an adapter may provide."""

MULTISCALE = frozenset(row.name for row in images.ROWS)
"""The operations of [MST]: an adapter that has none of them is not asked for any."""

TRIED = tuple(name for name, row in OPERATIONS.items() if row.scale is not None)
"""Those that are tried on random arguments: all that have a scale."""

SPLIT = tuple(name for name in TRIED if OPERATIONS[name].examples)
"""Those of them that have independent examples."""
