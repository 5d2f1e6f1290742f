"""Linear algebra by products alone: conjugate gradients, trust regions, Lanczos, spectra."""
