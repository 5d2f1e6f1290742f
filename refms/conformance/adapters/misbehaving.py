"""Adapters that misbehave, each in one way: what the kit must never pass, and tests itself with."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from refms.conformance.adapters.around import Around, Change
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.errors import Array


def returning(function: Callable[[Array], Any]) -> Change:
    """Return the change that applies a function to every array that comes back; a number has no axes."""

    def change(name: str, operation: Callable[..., Any], *arguments: Any) -> Any:
        found = operation(*arguments)
        if isinstance(found, Mapping):
            return {key: function(array) for key, array in found.items()}
        if isinstance(found, float):
            return float(function(np.asarray(found)))
        return function(found.toarray() if hasattr(found, "toarray") else found)

    return change


def nothing(*given: Any) -> None:
    """Return None, as a function without a return statement does."""


def modifying(name: str, operation: Callable[..., Any], *arguments: Any) -> Any:
    """Return the right result, and leave other arguments behind than were given."""
    found = operation(*arguments)
    for argument in arguments:
        for array in argument.values() if isinstance(argument, Mapping) else (argument,):
            if isinstance(array, np.ndarray):
                array += 1
    return found


def raising(error: BaseException) -> Change:
    """Return the change that raises instead."""

    def change(*given: Any) -> Any:
        raise error.with_traceback(None)  # one that is raised again and again would trace all earlier times

    return change


def hanging(dtype: str) -> Around:
    """Return an adapter that never comes back, whatever is caught or asked of it politely."""

    def change(*given: Any) -> Any:
        if hasattr(signal, "SIGTERM"):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(1.0)

    return Around(ReferenceAdapter(dtype=dtype), change)


def dying(dtype: str) -> Around:
    """Return an adapter in which the process is killed, as the system does when memory runs out."""
    kill = getattr(signal, "SIGKILL", signal.SIGTERM)
    return Around(ReferenceAdapter(dtype=dtype), lambda *given: os.kill(os.getpid(), kill))


def leaving(dtype: str) -> Around:
    """Return an adapter that ends the process as if all were well."""
    return Around(ReferenceAdapter(dtype=dtype), lambda *given: os._exit(0))
