"""Ways to apply K(S): the explicit matrix, patches and a matrix product, the FFT, a compiled kernel.

All compute the same sums, in another order. The explicit matrix is the definition; ``table.py`` says which
way is taken when nobody asks for one.
"""
