"""Exit codes of the kit, and how much must have been tested."""

TOO_LITTLE = 3
"""Too little is implemented to be judged."""

KIT_AT_FAULT = 4
"""The kit itself does not work in this installation, or misses a mistake."""

LEAST_TESTED = 0.5
"""Share of what was chosen that must have been tested, for a run to say anything."""
