"""A run: configuration, training, comparison, study and inspection, for every way to start one."""
