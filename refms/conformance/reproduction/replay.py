"""The text of a script that checks a property once more, on one instance: where no single call is wrong."""

from __future__ import annotations

from collections.abc import Sequence

from refms.conformance.instances.drawn import Instance
from refms.conformance.property import Property
from refms.conformance.reproduction.literals import statements
from refms.conformance.reproduction.script import PLACEHOLDER, headed


def replay_script(heading: Sequence[str], item: Property, x: Instance, *, known: bool) -> str:
    """Return the script that replays a property.

    Parameters
    ----------
    heading : sequence of str
        Sentences for the top; the formula should be among them.
    item : Property
        What fails.
    x : Instance
        On what.
    known : bool
        Whether the property is one of the catalogue, where the script can find it.

    Returns
    -------
    str
        Python that needs refms and the adapter; it ends with 1 as long as the property fails.
    """
    found = (
        f'item = next(one for one in PROPERTIES if one.id == "{item.id}")'
        if known
        else f"item = ...  # put the property {item.id!r} here"
    )
    lines = [
        *headed(heading),
        "import sys",
        "",
        "from refms.conformance.adapters.gate import Gate",
        f"from {Instance.__module__} import Instance",
        *(["from refms.conformance.properties import PROPERTIES"] if known else []),
        "from refms.conformance.runner import examined",
        "",
        PLACEHOLDER,
        found,
        *statements("instance", x),
        "",
        "found = examined(Gate(adapter), item, instance)",
        "print(found.verdict, found.sentence)",
        'sys.exit(found.verdict == "FAIL")',
    ]
    return "\n".join(lines) + "\n"
