"""Single maps: convolutions, maps that are linear in their input, layers with tied parameters."""
