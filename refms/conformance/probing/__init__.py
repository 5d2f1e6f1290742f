"""Which conventions an implementation follows, inferred from its responses to delta images."""
