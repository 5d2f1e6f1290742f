"""What `refms inspect` tells of a model: spectra, conjugate gradients, quality of the quadratic model."""
