"""What is compared, row by row."""

from comparisons import convolution, curvature, galerkin, normalization, similarity, training

COMPARISONS = (
    *convolution.COMPARISONS,
    *similarity.COMPARISONS,
    *normalization.COMPARISONS,
    *curvature.COMPARISONS,
    *galerkin.COMPARISONS,
    *training.COMPARISONS,
)
