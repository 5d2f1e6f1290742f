"""The statements of [MST] as computations that can fail: explicit matrices, small grids, float64."""
