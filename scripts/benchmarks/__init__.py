"""Measurements of speed and memory: refms and its peers on the same numbers, one table a module."""
