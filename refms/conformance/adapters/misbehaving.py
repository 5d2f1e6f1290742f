"""Adapters that misbehave, each in one way: what the kit must never pass, and looks itself over with."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np

from refms.conformance.adapters.adapter import OPERATIONS, provides
from refms.conformance.adapters.reference import ReferenceAdapter
from refms.errors import Array

Change = Callable[..., Any]
"""(right operation, *its arguments) -> what the adapter returns instead."""


class Misbehaving:
    """An adapter of which every operation goes through a change.

    Parameters
    ----------
    right : Adapter
        A right one.
    change : callable
        The change.

    Examples
    --------
    >>> Misbehaving(ReferenceAdapter(), returning(np.zeros_like)).activation(np.ones(2), "tanh")
    array([0., 0.])
    """

    def __init__(self, right: Any, change: Change) -> None:
        self.right, self.change = right, change

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.right, name)
        return partial(self.change, found) if name in OPERATIONS and provides(self.right, name) else found


def returning(function: Callable[[Array], Any]) -> Change:
    """Return the change that applies a function to every array or number that comes back.

    Parameters
    ----------
    function : callable
        array -> array; a number counts as an array without axes, and stays a number.

    Returns
    -------
    callable
        The change.
    """

    def change(operation: Callable[..., Any], *arguments: Any) -> Any:
        found = operation(*arguments)
        if isinstance(found, Mapping):
            return {key: function(array) for key, array in found.items()}
        if isinstance(found, float):
            return float(function(np.asarray(found)))
        return function(found.toarray() if hasattr(found, "toarray") else found)

    return change


def nothing(operation: Callable[..., Any], *arguments: Any) -> None:
    """Return None, as a function without a return statement does."""


def modifying(operation: Callable[..., Any], *arguments: Any) -> Any:
    """Return the right result, and leave other arguments behind than were given."""
    found = operation(*arguments)
    for argument in arguments:
        for array in argument.values() if isinstance(argument, Mapping) else (argument,):
            if isinstance(array, np.ndarray):
                array += 1
    return found


def raising(error: BaseException) -> Change:
    """Return the change that raises instead."""

    def change(operation: Callable[..., Any], *arguments: Any) -> Any:
        raise error

    return change


def hanging(dtype: str) -> Misbehaving:
    """Return an adapter that never comes back, whatever is caught or asked of it politely."""

    def change(operation: Callable[..., Any], *arguments: Any) -> Any:
        if hasattr(signal, "SIGTERM"):
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(1.0)

    return Misbehaving(ReferenceAdapter(dtype=dtype), change)


def dying(dtype: str) -> Misbehaving:
    """Return an adapter in which the process is killed, as the system does when memory runs out."""

    def change(operation: Callable[..., Any], *arguments: Any) -> Any:
        os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))

    return Misbehaving(ReferenceAdapter(dtype=dtype), change)


def leaving(dtype: str) -> Misbehaving:
    """Return an adapter that ends the process as if all were well."""

    def change(operation: Callable[..., Any], *arguments: Any) -> Any:
        os._exit(0)

    return Misbehaving(ReferenceAdapter(dtype=dtype), change)
