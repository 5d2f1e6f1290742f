"""Expected values of the kit: the definition in double precision, under the conventions of a profile.

Nothing here imports the operators, networks or losses of refms, so that no expectation is what refms printed.
"""
