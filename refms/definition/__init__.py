"""The formulas of the papers, each written once and plainly, for numbers of any kind.

Nothing here imports the rest of refms. Numbers are doubles, complex numbers (whose imaginary part may carry
a derivative), fractions or balls of Arb in object arrays: with balls every result is an enclosure, with
fractions the linear formulas are exact, and single precision is widened first. Images are (m, c, *grid).
"""
