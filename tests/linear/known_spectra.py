"""Matrices whose eigenvalues are known in closed form, as products."""

from __future__ import annotations

import numpy as np


def laplacian(n: int) -> np.ndarray:
    """Return tridiag(-1, 2, -1), the discrete Laplacian with zero ends, as a dense matrix."""
    return 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)


def laplacian_eigenvalues(n: int) -> np.ndarray:
    """Return 4 sin²(πk / 2(n+1)), ascending."""
    return 4 * np.sin(np.pi * np.arange(1, n + 1) / (2 * (n + 1))) ** 2


def semicircle(n: int, seed: int) -> np.ndarray:
    """Return a symmetric Gaussian matrix whose spectrum fills [-2, 2] like a semicircle."""
    A = np.random.default_rng(seed).standard_normal((n, n))
    return (A + A.T) / np.sqrt(2 * n)


def counted(A: np.ndarray):
    """Return v -> A v, and a list to which every call adds its vector's dtype."""
    calls: list[str] = []

    def product(v):
        calls.append(str(v.dtype))
        return A.astype(v.dtype) @ v

    return product, calls
