"""Spectra of the matrices of Gauss–Newton training: extreme eigenvalues, densities, quality of models."""
