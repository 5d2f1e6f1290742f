"""How one call goes wrong: what the adapter gets and gives, against the oracle that a script carries."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from refms.conformance.adapters.layouts import handed_over
from refms.conformance.adapters.misbehaviour import in_words
from refms.conformance.adapters.profile import Profile
from refms.conformance.measures.outcome import EPS
from refms.conformance.measures.precision import LIMITS, storage
from refms.conformance.operations import OPERATIONS
from refms.conformance.reproduction.source import source
from refms.definition.arrays import as_double
from refms.errors import Array

Named = Mapping[str, Array]
"""Results by name: of the operation itself, or of the parameters."""


@dataclass(frozen=True)
class Wrong:
    """What is wrong with a call.

    ``kind``: "values", "shape", "dtype", "modified" (an argument), "raises …" with the name of the exception,
    or "accepted" (it should have raised). ``size``: of an error in values, in eps of the largest number
    involved; else infinite. ``sentence``: with the first differing index where there is one.
    """

    kind: str
    size: float
    sentence: str


@dataclass(frozen=True)
class AdapterCall:
    """One call of an adapter: the arguments in its layout, and what is right, by an oracle of its own."""

    profile: Profile
    operation: str
    arguments: Mapping[str, Any]

    @classmethod
    def through_gate(cls, profile: Profile, operation: str, given: Mapping[str, Any]) -> AdapterCall:
        """Return the call that the gate makes when a property calls it."""
        row = OPERATIONS[operation]
        names = [one.name for one in row.arguments]
        values = handed_over(
            row, profile.layout, row.bind(**{one.name: given[one.name] for one in row.given})
        )
        return cls(profile, operation, dict(zip(names, values, strict=True)))

    @property
    def oracle(self) -> str:
        """Source of the function ``oracle``."""
        return source(self.profile, self.operation, self.arguments)

    def expect(self) -> Named | None:
        """Return what the oracle says, in double precision.

        None where there is nothing finite, or where an activation has its kink at a value that occurs, for
        then it is a matter of taste.
        """
        results, text = [], self.oracle
        for variant in dict.fromkeys((text, text.replace(" > 0", " >= 0"))):
            try:
                with np.errstate(all="ignore"):
                    results.append(
                        self.name_results(_compile(variant)(*map(_widen, self.arguments.values())))
                    )
            except Exception:  # for these arguments there is no right result
                return None
        first, last = results[0], results[-1]
        good = all(np.isfinite(first[key]).all() and np.array_equal(first[key], last[key]) for key in first)
        return first if good else None

    def tolerance(self, right: Named) -> float:
        """Return two digits of the error that is none: the ρ that passes, for the largest number involved."""
        arrays = [array for one in self.arguments.values() for array in _arrays(one)]
        scale = max((_largest(array) for array in [*arrays, *right.values()]), default=0.0)
        return float(f"{LIMITS[self.profile.dtype] * EPS[self.profile.dtype] * scale:.1e}")

    def judge(self, adapter: Any) -> Wrong | None:
        """Return what is wrong; None where nothing is, or where the oracle cannot tell."""
        right = self.expect()
        if right is None:
            return None
        copies = copy.deepcopy(list(self.arguments.values()))
        try:
            with np.errstate(all="ignore"):
                got = self.name_results(getattr(adapter, self.operation)(*copies))
                difference = self.compare(got, right)
        except NotImplementedError:
            return None
        except (Exception, SystemExit) as error:
            kind = f"raises {type(error).__name__}"
            return Wrong(kind, np.inf, f"{self.operation} raises {in_words(error)}")
        return self._modified(copies) or difference

    def judge_refusal(self, adapter: Any) -> Wrong | None:
        """Return what is wrong where a call that must be refused is not."""
        try:
            with np.errstate(all="ignore"):
                getattr(adapter, self.operation)(*copy.deepcopy(list(self.arguments.values())))
        except (Exception, SystemExit):
            return None
        return Wrong("accepted", np.inf, f"{self.operation} returns a result where it should raise")

    def compare(self, got: Named, right: Named) -> Wrong | None:
        """Return the first difference of results."""
        if set(got) != set(right):
            return Wrong("shape", np.inf, f"{self.operation} returns {sorted(got)}, expected {sorted(right)}")
        dtype, most = storage(self.profile.dtype), self.tolerance(right)
        for key, exact in right.items():
            given = got[key].astype(dtype) if got[key].dtype.name == "bfloat16" else got[key]
            found, wanted = _fit(OPERATIONS[self.operation].kind, given, exact)
            text = self.operation if key == self.operation else f"{self.operation}[{key!r}]"
            if found.shape != wanted.shape:
                return Wrong("shape", np.inf, f"{text} has shape {found.shape}, expected {wanted.shape}")
            if str(found.dtype) != dtype and (found.ndim or found.dtype.kind not in "fiu"):
                return Wrong("dtype", np.inf, f"{text} has dtype {found.dtype}, expected {dtype}")
            with np.errstate(all="ignore"):
                error = np.abs(np.asarray(found, dtype="float64") - wanted)
            if not (error <= most).all():
                worst = float(np.nan_to_num(error, nan=np.inf).max())
                size = worst / (most / LIMITS[self.profile.dtype]) if most > 0 else np.inf
                return Wrong("values", size, f"{text}, {_sentence(~(error <= most), found, wanted)}")
        return None

    def name_results(self, result: Any) -> Named:
        """Return results by name, as host arrays."""
        if isinstance(result, Mapping):
            return {key: np.asarray(array) for key, array in result.items()}
        dense = OPERATIONS[self.operation].kind == "matrix" and hasattr(result, "toarray")
        return {self.operation: np.asarray(result.toarray() if dense else result)}

    def _modified(self, copies: list[Any]) -> Wrong | None:
        for before, after in zip(self.arguments.values(), copies, strict=True):
            for one, other in zip(_arrays(before), _arrays(after), strict=True):
                if not np.array_equal(one, other, equal_nan=True):
                    marked = ~((one == other) | ((one != one) & (other != other)))
                    sentence = f"{self.operation} modifies an argument, {_sentence(marked, other, one)}"
                    return Wrong("modified", np.inf, sentence)
        return None


def _fit(kind: str, got: Array, right: Array) -> tuple[Array, Array]:
    """Return results in one shape where that does not matter: bare numbers, zeros around a coarse stencil."""
    if right.ndim == 0 and got.size == 1:
        return got.reshape(()), right
    if kind != "stencils" or got.ndim != right.ndim:
        return got, right
    wide = np.maximum(got.shape, right.shape)
    margins = ([((n - m) // 2,) * 2 for m, n in zip(s.shape, wide, strict=True)] for s in (got, right))
    return np.pad(got, next(margins)), np.pad(right, next(margins))


def _sentence(marked: Array, got: Array, wanted: Array) -> str:
    """Return where a mask is first true, and what stands there."""
    at = tuple(int(i) for i in np.argwhere(marked)[0])
    return f"first differing index {at}: got {got[at]:.9g}, expected {wanted[at]:.9g}"


@lru_cache(maxsize=64)
def _compile(text: str) -> Callable[..., Any]:
    """Return the function of a source."""
    namespace: dict[str, Any] = {"np": np}
    exec(f"from __future__ import annotations\n{text}", namespace)  # the definition's own
    oracle: Callable[..., Any] = namespace["oracle"]
    return oracle


def _widen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: as_double(array) for key, array in value.items()}
    return as_double(value) if isinstance(value, np.ndarray) else value


def _arrays(value: Any) -> list[Array]:
    if isinstance(value, Mapping):
        return [value[key] for key in sorted(value)]
    return [value] if isinstance(value, np.ndarray) else []


def _largest(array: Array) -> float:
    return float(np.abs(array[np.isfinite(array)]).max(initial=0.0))
