"""Linear algebra by products alone: conjugate gradients, Lanczos, spectra."""
