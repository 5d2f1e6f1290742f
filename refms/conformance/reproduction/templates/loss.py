"""The softmax cross entropy, its gradient and its Hessian, as text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from refms.conformance.adapters.profile import Profile

SOFTMAX = """def softmax(Z):
    e = np.exp(Z - Z.real.max(axis=0))
    return e / e.sum(axis=0)"""


def cross_entropy(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of E(Z, C)."""
    return f"""# {profile.reduction} over the examples of (sum of c) log(sum of exp z) - c.z
def oracle(Z, C):
    z = Z - Z.max(axis=0)
    return (C.sum(axis=0) * np.log(np.exp(z).sum(axis=0)) - (C * z).sum(axis=0)).{profile.reduction}()"""


def cross_entropy_gradient(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of ∇E."""
    return f"""{SOFTMAX}


# (sum of c) p - c{_per_example(profile)}
def oracle(Z, C):
    return (C.sum(axis=0) * softmax(Z) - C){over_examples(profile, "Z.shape[1]")}"""


def cross_entropy_hessian(profile: Profile, given: Sequence[Any]) -> str:
    """Return the source of ∇²E V."""
    return f"""{SOFTMAX}


# (sum of c) (diag p - p p^T) v{_per_example(profile)}
def oracle(Z, C, V):
    p = softmax(Z)
    return C.sum(axis=0) * p * (V - (p * V).sum(axis=0)){over_examples(profile, "Z.shape[1]")}"""


def over_examples(profile: Profile, count: str) -> str:
    """Return the division by the number of examples where the mean is declared."""
    return f" / {count}" if profile.reduction == "mean" else ""


def _per_example(profile: Profile) -> str:
    return ", over the number of examples" if profile.reduction == "mean" else ""
