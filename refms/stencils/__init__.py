"""The operators of the papers: convolution, grid transfer, stencil transfer, differences, smoothing."""
