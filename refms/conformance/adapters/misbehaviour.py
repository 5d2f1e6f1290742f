"""What an implementation does instead of returning a result, in words."""

from __future__ import annotations

import os
import sysconfig
import traceback
from pathlib import Path

from refms.errors import presentable


class Misbehaviour(Exception):  # noqa: N818 - it is not the kit that errs
    """An operation returned something of the wrong shape, dtype or kind, or modified its arguments."""


def message_of(error: BaseException, longest: int = 1000) -> str:
    """Return what an error says of itself, on one line, although that may raise again."""
    try:
        return presentable(str(error), longest)
    except Exception:
        return "(without a message that can be shown)"


def in_words(error: BaseException, longest: int = 1000) -> str:
    r"""Return what was raised, on one line, with the last line of the implementation that led there.

    >>> in_words(ValueError("on\nfire")), in_words(Misbehaviour("restrict returned None"))
    ('ValueError: on\\nfire', 'restrict returned None.')
    """
    if isinstance(error, Misbehaviour):
        return f"{message_of(error)}."
    return f"{presentable(type(error).__name__)}: {message_of(error, longest)}{line_of(error)}"


def line_of(error: BaseException) -> str:
    """Return `` (file:line: source)`` of the last call that no library made; empty if there is none."""
    calls = [one for one in traceback.extract_tb(error.__traceback__) if one.line and not _in_library(one)]
    if not calls:
        return ""
    file = os.path.abspath(calls[-1].filename).removeprefix(os.path.join(os.getcwd(), ""))
    return presentable(f" ({file}:{calls[-1].lineno}: {calls[-1].line})")


def _in_library(call: traceback.FrameSummary) -> bool:
    """Return whether refms made a call, or Python or a package from which no adapter was imported."""
    file = Path(os.path.abspath(call.filename))
    if file.is_relative_to(_REFMS):
        return True
    if any(file.is_relative_to(place) for place in ADAPTERS):
        return False
    installed = {"site-packages", "dist-packages"}.intersection(file.parts)
    return bool(installed) or any(file.is_relative_to(folder) for folder in _PYTHON)


ADAPTERS: set[Path] = set()
"""Files and packages from which adapters were imported."""

_REFMS = Path(__file__).parents[2]
_PYTHON = sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")
