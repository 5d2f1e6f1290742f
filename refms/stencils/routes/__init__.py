"""Fast ways to K(S): matrices from a pattern, patches and a matrix product, the FFT, a compiled kernel.

All compute the sums of the definition, ``convolution_matrix``, in another order, and are tested against it;
``table.py`` says which way is taken by default.
"""
