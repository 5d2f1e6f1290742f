"""Maps with hand-derived Jacobians: activations, layers, time stepping and whole networks."""
