"""Implementations in a process of their own: one that hangs or crashes fails, and the run goes on."""

from refms.conformance.isolation.implementation import Elsewhere, Isolated

__all__ = ["Elsewhere", "Isolated"]
