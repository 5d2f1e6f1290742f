"""Implementations in a process of their own: one that hangs or crashes fails, and the run goes on."""
