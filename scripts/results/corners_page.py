"""The page validation/conformance/CORNERS.md from the catalogue: the corner of every property."""

from writing import table, words

from refms.conformance.corners import EVERYWHERE
from refms.conformance.instances.axes import LEVELS
from refms.conformance.properties import PROPERTIES


def text() -> str:
    """Return the page."""
    axes = table(["axis", "levels"], [[name, ", ".join(levels)] for name, levels in LEVELS.items()])
    rows = [[item.id, item.title, item.corner] for item in PROPERTIES]
    corners = table(["", "property", "what it does not see"], rows)
    return words(__file__, everywhere=EVERYWHERE, axes=axes, corners=corners)
