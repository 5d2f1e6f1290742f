"""Expected values by routes of their own: plain loops, shifts, closed forms, in float64.

Nothing here imports the operators, networks or losses of refms, so that no expectation is what refms printed.
"""
