"""Multiscale training: along resolution, along depth, and in the estimate of the gradient."""
