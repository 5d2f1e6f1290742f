"""The tables. Each module says what to measure, measures it in a process of its own, and writes its section.

``NAME`` and ``TITLE``; ``specifications(quick)`` lists the processes; ``measure(**arguments)`` is what one of
them does; ``section(record)`` is the Markdown of the results.
"""

NAMES = (
    *("network", "bcd", "iteration", "preconditioners", "convolution", "assembly"),
    *("transfer", "scaling", "memory", "startup", "gpu"),
)
"""In the order of the report."""
