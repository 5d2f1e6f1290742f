"""Exit codes of the kit."""

TOO_LITTLE = 3
"""Too little is implemented to be judged."""

EXIT_CODES = {"PASS": 0, "FAIL": 1, "TOO LITTLE TESTED": TOO_LITTLE}
"""By the decision on a run."""

KIT_AT_FAULT = 4
"""The kit itself does not work in this installation, or misses a mistake."""
