"""R, P and the stencil map of a transfer pair from its rows of numbers, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from refms.conformance.adapters.profile import Profile
from refms.conformance.reproduction.templates.layout import field, images
from refms.definition.transfer import PAIRS


def restrict(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of R Y."""
    return f"""# along every axis (R y)_I = sum of r_a y_2I+a, periodic
def oracle(Y, grid, pair):
    y = {images(profile, "Y")}
    for axis in range(2, y.ndim):
        y = sum(r * np.roll(y, -a, axis) for a, r in {PAIRS[given[2]].r}.items())
        y = y.take(range(0, y.shape[axis], 2), axis)
    return {field(profile, "y")}"""


def prolong(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of P Y."""
    coarse = images(profile, "Y", "(n // 2 for n in grid)")
    return f"""# along every axis p_b y_J is added to (P y)_2J+b, periodic
def oracle(Y, grid, pair):
    y = {coarse}
    for axis in range(2, y.ndim):
        y = np.insert(y, range(1, y.shape[axis] + 1), 0, axis)  # a zero behind every value
        y = sum(p * np.roll(y, b, axis) for b, p in {PAIRS[given[2]].p}.items())
    return {field(profile, "y")}"""


def stencil_down(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of s_H = (A ⊗ … ⊗ A) s_h."""
    c = PAIRS[given[1]].correlation
    return f"""# along every axis s_H = A s_h with A_Qq = {_entry(profile)}, c_k = sum of r_a p_a+k
def oracle(S, pair):
    c = {c}
    for axis in range(2, S.ndim):
        n = S.shape[axis] // 2
        N = max(abs(q - k) // 2 for q in range(-n, n + 1) for k in c if (q - k) % 2 == 0)
        A = [[c.get({_index(profile)}, 0) for q in range(-n, n + 1)] for Q in range(-N, N + 1)]
        S = np.moveaxis(np.tensordot(A, S, (1, axis)), 0, axis)
    return S"""


def stencil_up(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of s_h = (A⁻¹ ⊗ … ⊗ A⁻¹) s_H."""
    c = PAIRS[given[1]].correlation
    return f"""# along every axis s_H = A s_h with A_Qq = {_entry(profile)}, c_k = sum of r_a p_a+k
def oracle(S, pair):
    c = {c}
    for axis in range(2, S.ndim):
        r = range(-(S.shape[axis] // 2), S.shape[axis] // 2 + 1)
        A = [[c.get({_index(profile)}, 0) for q in r] for Q in r]
        S = np.moveaxis(np.tensordot(np.linalg.inv(A), S, (1, axis)), 0, axis)
    return S"""


def _entry(profile: Profile) -> str:
    return "c_q-2Q" if profile.orientation == "correlation" else "c_2Q-q"


def _index(profile: Profile) -> str:
    return "q - 2 * Q" if profile.orientation == "correlation" else "2 * Q - q"
