"""Maps with hand-derived Jacobians: layers, combinators, steps in time, architectures."""
