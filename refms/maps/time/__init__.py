"""Steps in time, eq. (3) of [LAS] and of higher order, each with its hand-derived adjoint."""
