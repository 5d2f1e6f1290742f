"""Whole networks, one file each: their configuration, initial parameters and map."""
