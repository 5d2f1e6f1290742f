"""Single maps: one convolution with activation, and the openings that lead from images to features."""
