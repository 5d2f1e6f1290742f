"""From what a user names or passes, ``pkg.mod:Adapter``, to adapters in the precisions they offer."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from refms.conformance.adapters.misbehaviour import ADAPTERS, in_words
from refms.conformance.adapters.profile import Profile
from refms.errors import InputError, require_choice
from refms.names import DTYPES


@dataclass(frozen=True)
class Implementation:
    """An implementation that can be made in one or in both precisions."""

    name: str  # what the user called it
    dtypes: tuple[str, ...]  # the precisions it offers
    make: Callable[[str], Any]  # dtype -> adapter; use :meth:`adapter`, which looks at what comes back

    def adapter(self, dtype: str) -> Any:
        """Return the adapter for one precision."""
        require_choice(dtype, self.dtypes, f"dtype of {self.name}")
        try:
            made = self.make(dtype)
        except (Exception, SystemExit) as error:
            raise InputError(f"{self.name} cannot be made: {in_words(error)}") from error
        profile = getattr(made, "profile", None)
        if not isinstance(profile, Profile):
            raise InputError(
                f"{self.name} has no profile; expected the attribute `profile`, a "
                "refms.conformance.Profile that declares its conventions."
            )
        if profile.dtype != dtype:
            raise InputError(f"{self.name} was asked for {dtype}, but its profile says {profile.dtype}.")
        return made

    def adapters(self, dtype: str = "both") -> tuple[Any, ...]:
        """Return the adapters for one precision, or for ``"both"`` as far as they are offered."""
        return tuple(self.adapter(one) for one in (self.dtypes if dtype == "both" else (dtype,)))


def implementation_of(target: Any, name: str = "") -> Implementation:
    """Return an implementation, whatever was given for it.

    An adapter has its one precision; a class or function that returns one is called with ``dtype=`` if it
    takes that (both precisions) and without arguments if not; a name is that of any of these.

    >>> from refms.conformance.adapters.adapter import Adapter
    >>> implementation_of(Adapter(Profile("mine", dtype="float32"))).dtypes
    ('float32',)
    >>> implementation_of("refms.conformance.adapters.reference:ReferenceAdapter").dtypes
    ('float64', 'float32')
    """
    if isinstance(target, str) and not name:
        return load(target)
    name = name or getattr(target, "__qualname__", type(target).__qualname__)
    if isinstance(getattr(target, "profile", None), Profile) and not isinstance(target, type):
        return Implementation(name, (target.profile.dtype,), lambda dtype: target)
    if not callable(target):
        raise InputError(
            f"{name} is no adapter; expected an object with a `profile`, or a class or function that "
            "makes one."
        )
    if "dtype" in inspect.signature(target).parameters:
        return Implementation(name, DTYPES, lambda dtype: target(dtype=dtype))
    try:
        profile = target().profile
    except (Exception, SystemExit) as error:
        raise InputError(f"{name} cannot be made: {in_words(error)}") from error
    return Implementation(name, (getattr(profile, "dtype", "float64"),), lambda dtype: target())


def load(spec: str) -> Implementation:
    """Return the implementation ``"package.module:Name"`` or ``"path/to/file.py:Name"``."""
    place, colon, name = spec.rpartition(":")
    if not (colon and place and name.isidentifier()):
        raise InputError(f"{spec!r} names no adapter; expected package.module:Name or path/to/file.py:Name.")
    try:
        module = _from_file(place) if place.endswith(".py") else _from_path(place)
    except (Exception, SystemExit) as error:  # a script that ends Python must not end it with its own code
        raise InputError(f"{place!r} cannot be imported: {in_words(error)}") from error
    if not hasattr(module, name):
        raise InputError(f"{place!r} has no {name!r}; check the spelling of {spec!r}.")
    return implementation_of(getattr(module, name), spec)


def _from_path(name: str) -> ModuleType:
    """Import a module; the current folder counts, as for ``python -m``."""
    if "" not in sys.path:
        _find_modules_in(os.getcwd())
    module = importlib.import_module(name)
    root = Path(getattr(sys.modules[name.partition(".")[0]], "__file__", None) or "")
    ADAPTERS.add(root.parent if root.name == "__init__.py" else root)
    return module


def _from_file(path: str) -> ModuleType:
    """Import a file; what lies beside it counts, now and when the adapter imports it later."""
    folder, file = os.path.split(os.path.abspath(path))
    _find_modules_in(folder)
    name = os.path.splitext(file)[0]
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise ImportError("this is no Python file")
    module = importlib.util.module_from_spec(found)
    sys.modules.setdefault(name, module)  # dataclasses look their module up there
    found.loader.exec_module(module)
    return module


def _find_modules_in(folder: str) -> None:
    """Let imports look into a folder, after all others: its modules hide none."""
    if folder not in sys.path:
        sys.path.append(folder)
