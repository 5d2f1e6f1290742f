"""The formulas of the conventions, written out as loops over indices for numbers of any kind.

Nothing here imports the rest of refms, and nothing here rounds: the numbers are balls
(``refms.certify.balls``) or fractions, and a sum is a sum. With balls every result is an enclosure; with
fractions the linear formulas are exact. Features are tensors (channels, *grid, examples), which in C order
are the columns (c·n, m).
"""
