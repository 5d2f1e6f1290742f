"""Time integrators of higher order, and reversible ones, each with its hand-derived adjoint."""
